/** Replays the recording of the real kernel's IPVS: every sequence of the eight schedulers, counters, persistence, reuse. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SECOND } from '../../kernel/index.ts'
import type { Flow, TransportProtocol } from '../packet.ts'
import { parseAddress, TCP, UDP } from '../packet.ts'
import { Ipvs, serverOf } from './ipvs.ts'
import type { SchedulerName, VirtualServer } from './server.ts'

type Letter = 'A' | 'B' | 'C'
interface Counts {
  readonly weight: number
  readonly active: number
  readonly inactive: number
}
interface Scenario {
  readonly name: string
  readonly scheduler: SchedulerName | 'mh'
  readonly addOrder: readonly Letter[]
  readonly weights: Readonly<Record<Letter, number>>
  readonly note: string
  readonly sequence?: string
  readonly flags?: string
  readonly after?: Readonly<Partial<Record<Letter, Counts>>>
}

const recorded = JSON.parse(readFileSync('fixtures/observed/ipvs.json', 'utf8')) as { scenarios: Scenario[] }
const scenarios = recorded.scenarios.filter((scenario) => scenario.scheduler !== 'mh')

const ADDRESS: Readonly<Record<Letter, number>> = {
  A: parseAddress('10.244.0.11'),
  B: parseAddress('10.244.0.12'),
  C: parseAddress('10.244.0.13'),
}

class Bench {
  readonly ipvs = new Ipvs()
  readonly scenario: Scenario
  readonly virtuals: VirtualServer[] = []
  now = 0
  #port = 20000

  constructor(scenario: Scenario, services = 1, protocol: TransportProtocol = TCP) {
    this.scenario = scenario
    const persistence = /-p (\d+)/.exec(scenario.flags ?? '')
    for (let i = 0; i < services; i++) {
      const virtual = this.ipvs.ensureVirtualServer({
        protocol,
        address: parseAddress('10.96.0.10') + i,
        port: 80,
        scheduler: scenario.scheduler as SchedulerName,
        persistenceMicros: persistence === null ? 0 : Number(persistence[1]) * SECOND,
        fallback: scenario.name.includes('fallback'),
      })
      this.virtuals.push(virtual)
      for (const letter of scenario.addOrder)
        this.ipvs.addServer(virtual, ADDRESS[letter], 8080, scenario.weights[letter])
    }
  }

  connect(end: 'close' | 'keep' | 'reset', source = 10, virtual = 0, port = this.#port++): string {
    const spec = this.virtuals[virtual]?.spec
    if (spec === undefined) throw new Error('no such service')
    const flow: Flow = {
      protocol: spec.protocol,
      source: parseAddress('192.168.50.0') + source,
      sourcePort: port,
      destination: spec.address,
      destinationPort: 80,
    }
    this.now += 1000
    const result = this.ipvs.connect(flow, this.now)
    if (result.verdict !== 'forward') return result.verdict === 'refuse' ? 'ECONNREFUSED' : result.verdict
    if (spec.protocol === TCP) {
      this.ipvs.packet(flow, true, this.now)
      if (end !== 'keep') this.ipvs.close(flow, end === 'reset', this.now)
    }
    return (Object.keys(ADDRESS) as Letter[]).find((letter) => ADDRESS[letter] === result.server.address) ?? '?'
  }

  many(count: number, end: 'close' | 'keep' | 'reset' = 'close'): string {
    return Array.from({ length: count }, () => this.connect(end)).join('')
  }

  sources(): string[] {
    return Array.from({ length: 12 }, (_, i) => this.connect('close', 10 + i))
  }

  server(letter: Letter) {
    const virtual = this.virtuals[0] as VirtualServer
    const server = serverOf(virtual, ADDRESS[letter], 8080)
    if (server === undefined) throw new Error(`${letter} is not listed`)
    return { virtual, server }
  }

  weight(letter: Letter, weight: number): void {
    const { virtual, server } = this.server(letter)
    this.ipvs.setWeight(virtual, server, weight)
  }

  remove(letter: Letter): void {
    const { virtual, server } = this.server(letter)
    this.ipvs.removeServer(virtual, server)
  }
}

function play(scenario: Scenario): { readonly sequence: string; readonly bench: Bench } {
  const kind = scenario.name.slice(scenario.name.indexOf('/') + 1)
  const bench = new Bench(scenario, kind === '12-vips' ? 12 : 1, scenario.name.startsWith('udp') ? UDP : TCP)
  const done = (sequence: string) => ({ sequence, bench })
  const original = scenario.weights.B
  switch (kind) {
    case 'close12':
    case 'add-order-CBA':
    case 'weights312':
      return done(bench.many(12))
    case 'keep12':
    case 'weights111-keep':
      return done(bench.many(12, 'keep'))
    case 'weight0-after6': {
      const first = bench.many(6, 'keep')
      bench.weight('B', 0)
      return done(`${first} ${bench.many(6, 'keep')}`)
    }
    case 'removed-after6': {
      const first = bench.many(6, 'keep')
      bench.remove('B')
      return done(`${first} ${bench.many(6, 'keep')}`)
    }
    case 'weight0-then-back': {
      const first = bench.many(3)
      bench.weight('B', 0)
      const second = bench.many(3)
      bench.weight('B', original)
      return done(`${first} ${second} ${bench.many(6)}`)
    }
    case '12-sources':
      return done(`${bench.sources().join('')} ${bench.sources().join('')}`)
    case '12-sources-weights312':
      return done(bench.sources().join(''))
    case '12-sources-B-weight0':
      bench.weight('B', 0)
      return done(bench.sources().join(' '))
    case 'fallback-B-weight0':
      bench.weight('B', 0)
      return done(bench.sources().join(''))
    case '12-sources-B-removed':
      bench.remove('B')
      return done(bench.sources().join(''))
    case '12-vips':
      return done(Array.from({ length: 12 }, (_, i) => bench.connect('close', 10, i)).join(''))
    case '2-sources':
      return done(Array.from({ length: 12 }, (_, i) => bench.connect('close', 10 + (i % 2))).join(''))
    case 'weight0-of-bound':
    case 'weight0-of-bound-quiescent': {
      bench.ipvs.sysctls = { ...bench.ipvs.sysctls, expireQuiescentTemplate: kind.endsWith('quiescent') }
      const first = bench.many(3)
      bench.weight('C', 0)
      return done(`${first} ${bench.many(3)}`)
    }
    case 'timeout-2s':
    case 'reset-then-70s': {
      const end = kind === 'timeout-2s' ? 'close' : 'reset'
      const first = bench.many(3, end)
      bench.now += 70 * SECOND
      return done(`${first} ${bench.many(3, end)}`)
    }
    case 'rr': {
      const first = bench.many(6)
      return done(`${first} ${Array.from({ length: 3 }, () => bench.connect('close', 10, 0, 30000)).join('')}`)
    }
    case 'backend-removed/expire_nodest_conn=1': {
      bench.ipvs.sysctls = { ...bench.ipvs.sysctls, expireNodestConn: true }
      const send = () => bench.connect('close', 10, 0, 30000)
      const first = send()
      bench.remove('C')
      return done([first, send(), send(), send()].join(' '))
    }
    case 'conn_reuse_mode=0':
      bench.ipvs.sysctls = { ...bench.ipvs.sysctls, connReuseMode: 0 }
      return done(Array.from({ length: 4 }, () => bench.connect('close', 10, 0, 30000)).join(''))
    case 'no-destinations':
      for (const letter of ['A', 'B', 'C'] as const) bench.remove(letter)
      return done(`${bench.connect('close')} ${bench.connect('close')}`)
    case 'all-weight-0':
      for (const letter of ['A', 'B', 'C'] as const) bench.weight(letter, 0)
      return done(`${bench.connect('close')} ${bench.connect('close')}`)
    case 'real-server-port-closed':
      return done(bench.many(6).replaceAll('B', ' ECONNREFUSED ').replaceAll('AC', 'A C').trim())
    case 'readd-while-old-connections': {
      const first = bench.many(6, 'keep')
      bench.remove('B')
      const virtual = bench.virtuals[0] as VirtualServer
      bench.ipvs.addServer(virtual, ADDRESS.B, 8080, 1)
      return done(`${first} ${bench.many(6, 'keep')}`)
    }
    case 'expire_nodest_conn=0':
      return done(bench.many(3, 'keep'))
    default:
      throw new Error(`scenario ${scenario.name} is not played`)
  }
}

const sequences = scenarios.filter((scenario) => scenario.sequence !== undefined)

test('the recording has the eight schedulers', () => {
  expect(new Set(sequences.map((scenario) => scenario.scheduler)).size).toBe(8)
  expect(sequences.length).toBeGreaterThan(50)
})

test.each(sequences.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => {
  const { sequence, bench } = play(scenario)
  expect(sequence).toBe(scenario.sequence)
  for (const [letter, counts] of Object.entries(scenario.after ?? {})) {
    const { weight, active, inactive } = bench.server(letter as Letter).server
    expect({ letter, weight, active, inactive }).toEqual({ letter, ...counts })
  }
})

test('packets of a removed server are dropped silently, or end the connection', () => {
  for (const expireNodestConn of [false, true]) {
    const bench = new Bench({ ...(sequences[0] as Scenario), scheduler: 'rr' })
    bench.ipvs.sysctls = { ...bench.ipvs.sysctls, expireNodestConn }
    expect(bench.many(3, 'keep')).toBe('CBA')
    bench.remove('B')
    const verdicts = [...bench.ipvs.connections()].map(({ flow }) => bench.ipvs.packet(flow, true, bench.now).verdict)
    expect(verdicts).toEqual(['forward', expireNodestConn ? 'reset' : 'silent', 'forward'])
  }
})

test('a reused port is scheduled afresh when its connection is over, and when its server is being drained', () => {
  const bench = new Bench({ ...(sequences[0] as Scenario), scheduler: 'rr' })
  expect(Array.from({ length: 4 }, () => bench.connect('close', 10, 0, 30000)).join('')).toBe('CBAC')
  bench.ipvs.sysctls = { ...bench.ipvs.sysctls, expireNodestConn: true }
  expect(bench.connect('keep', 10, 0, 30001)).toBe('B')
  bench.weight('B', 0)
  expect(bench.connect('keep', 10, 0, 30001)).not.toBe('B')
})
