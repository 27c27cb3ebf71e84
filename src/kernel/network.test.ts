// Datagrams and rules: latencies, each verdict, order of rules, evidence, and draws that stay put.
import { expect, test } from 'vitest'
import { at, spawn } from './fixture.ts'
import { Kernel } from './kernel.ts'
import { BETWEEN_HOSTS, Latency, ON_ONE_HOST } from './latency.ts'
import type { Message } from './machine.ts'
import { Streams } from './random.ts'
import type { Verdict } from './rules.ts'
import { MILLISECOND, SECOND } from './time.ts'

interface Numbered extends Message {
  readonly number: number
}

/** Two hosts; `a` sends a numbered datagram to `b` every millisecond; what arrives is written down. */
function world(options: { readonly seed?: number; readonly messages?: number; readonly bytes?: number } = {}) {
  const kernel = new Kernel({ seed: options.seed ?? 7 })
  const arrivals: { readonly number: number; readonly at: number }[] = []
  const messages = options.messages ?? 1_000
  const b = spawn(kernel, 'b', {
    message: (_from, message) => arrivals.push({ number: (message as Numbered).number, at: kernel.now }),
  })
  const a = spawn(kernel, 'a', {
    start: (out) => out.after(0, kernel.machineOf(out.self), 0),
    timer: (_kind, number, out) => {
      out.send(b, { type: 'numbered', number } as Numbered, options.bytes)
      if (number + 1 < messages) out.after(MILLISECOND, kernel.machineOf(out.self), 0, number + 1)
    },
  })
  return { kernel, a, b, arrivals, rule: (verdict: Verdict, id = 'r') => kernel.network.addRule({ id, verdict }) }
}

test('latencies stay in their range, most in the lower half, with a light tail', () => {
  const stream = new Streams(1).get('x')
  const draws = Array.from({ length: 20_000 }, (_, i) => BETWEEN_HOSTS.at(stream, i * 1_000, 0)).sort((x, y) => x - y)
  expect(draws[0]).toBeGreaterThanOrEqual(200)
  expect(draws.at(-1)).toBeLessThanOrEqual(800)
  expect(draws[10_000]).toBeLessThan(400)
  expect(draws[19_900]).toBeGreaterThan(600)
  expect(ON_ONE_HOST.at(stream, 1, 0)).toBeLessThanOrEqual(50)
  expect(new Latency(5, 5).at(stream, 1, 0)).toBe(5)
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length
  expect(Math.abs(BETWEEN_HOSTS.withoutJitter().at(stream, 1, 0) - mean)).toBeLessThan(5)
})

test('a healthy link loses nothing and keeps the order', () => {
  const { kernel, arrivals } = world()
  kernel.run()
  expect(arrivals.map((arrival) => arrival.number)).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
  for (const { number, at } of arrivals) {
    expect(at - number * MILLISECOND).toBeGreaterThanOrEqual(200)
    expect(at - number * MILLISECOND).toBeLessThanOrEqual(800)
  }
})

test('without jitter every message needs the same', () => {
  const { kernel, arrivals } = world()
  kernel.network.useMeanLatency()
  kernel.run()
  expect(new Set(arrivals.map(({ number, at }) => at - number * MILLISECOND)).size).toBe(1)
})

test.each<[string, Verdict, (arrived: number, dropped: number) => void]>([
  ['drop', { kind: 'drop' }, (arrived) => expect(arrived).toBe(0)],
  [
    'loss',
    { kind: 'loss', ppm: 300_000 },
    (arrived, dropped) => {
      expect(arrived + dropped).toBe(1_000)
      expect(dropped).toBeGreaterThan(250)
      expect(dropped).toBeLessThan(350)
    },
  ],
  ['loss of everything', { kind: 'loss', ppm: 1_000_000 }, (arrived) => expect(arrived).toBe(0)],
  ['loss of nothing', { kind: 'loss', ppm: 0 }, (arrived) => expect(arrived).toBe(1_000)],
])('%s', (_name, verdict, judge) => {
  const { kernel, arrivals, rule } = world()
  const handle = rule(verdict)
  kernel.run()
  judge(arrivals.length, handle.counters.dropped)
})

test('delays add up; a pass before them ends the asking', () => {
  const { kernel, arrivals, rule, a, b } = world()
  kernel.network.useMeanLatency()
  rule({ kind: 'delay', extraMicros: 5_000 }, 'one')
  const two = rule({ kind: 'delay', extraMicros: 3_000, jitterMicros: 1_000 }, 'two')
  kernel.run({ until: 500 * MILLISECOND })
  const delays = arrivals.map(({ number, at }) => at - number * MILLISECOND)
  expect(Math.min(...delays)).toBeGreaterThan(8_000)
  expect(Math.max(...delays)).toBeLessThan(9_500)
  expect(two.counters.delayed).toBe(501)

  const other = world()
  other.kernel.network.addRule({ id: 'pass', from: new Set([a]), to: new Set([b]), verdict: { kind: 'pass' } })
  other.rule({ kind: 'drop' })
  other.kernel.run()
  expect(other.arrivals.length).toBe(1_000)
})

test('copies arrive twice, reordered ones out of order', () => {
  const twice = world()
  const copies = twice.rule({ kind: 'duplicate', ppm: 100_000 })
  twice.kernel.run()
  expect(twice.arrivals.length).toBe(1_000 + copies.counters.duplicated)
  expect(copies.counters.duplicated).toBeGreaterThan(60)

  const mixed = world()
  const overtaken = mixed.rule({ kind: 'reorder', ppm: 100_000, windowMicros: 20_000 })
  mixed.kernel.run()
  expect(mixed.arrivals.length).toBe(1_000)
  const inversions = mixed.arrivals.filter(
    ({ number }, i) => i > 0 && number < (mixed.arrivals[i - 1]?.number ?? 0),
  ).length
  expect(inversions).toBeGreaterThan(30)
  expect(overtaken.counters.reordered).toBeGreaterThan(60)
})

test('a bandwidth makes messages queue', () => {
  const { kernel, arrivals, rule } = world({ messages: 100, bytes: 1_000 })
  kernel.network.useMeanLatency()
  rule({ kind: 'bandwidth', bytesPerSecond: 100_000 })
  kernel.run()
  // Ten milliseconds each: the hundredth arrives a second after the first was sent.
  expect(arrivals.at(-1)?.at).toBeGreaterThan(SECOND)
  expect(arrivals.at(-1)?.at).toBeLessThan(SECOND + MILLISECOND)
})

test('one way only, from a moment to a moment', () => {
  const { kernel, a, arrivals } = world()
  at(kernel, 100_100, () => {
    const handle = kernel.network.addRule({ id: 'cut', from: new Set([a]), verdict: { kind: 'drop' } })
    at(kernel, 200_100, () => handle.remove())
  })
  kernel.run()
  const numbers = arrivals.map((arrival) => arrival.number)
  expect(numbers).toEqual([...range(0, 100), ...range(201, 999)])
})

test('the link back is another link', () => {
  const { kernel, b, arrivals } = world()
  kernel.network.addRule({ id: 'cut', from: new Set([b]), verdict: { kind: 'drop' } })
  kernel.run()
  expect(arrivals.length).toBe(1_000)
})

test('taking one rule away leaves the draws of the other rules and links as they were', () => {
  const play = (withSecond: boolean) => {
    const { kernel, arrivals, rule } = world({ seed: 3 })
    rule({ kind: 'delay', extraMicros: 0, jitterMicros: 50_000 }, 'first')
    if (withSecond) rule({ kind: 'loss', ppm: 400_000 }, 'second')
    rule({ kind: 'duplicate', ppm: 200_000, windowMicros: 10 }, 'third')
    kernel.run()
    const firstCopies = new Map<number, number>()
    for (const { number, at } of arrivals) if (!firstCopies.has(number)) firstCopies.set(number, at)
    return { firstCopies, arrivals }
  }
  const full = play(true)
  const less = play(false)
  expect(less.firstCopies.size).toBe(1_000)
  expect(full.firstCopies.size).toBeLessThan(700)
  for (const [number, moment] of full.firstCopies) expect(less.firstCopies.get(number)).toBe(moment)
})

test('wrong figures are refused', () => {
  const { rule } = world()
  expect(() => rule({ kind: 'loss', ppm: 1_000_001 })).toThrow('ppm')
  expect(() => rule({ kind: 'delay', extraMicros: 0.5 })).toThrow('whole')
  expect(() => rule({ kind: 'reorder', ppm: 1, windowMicros: -1 })).toThrow('whole')
  expect(() => rule({ kind: 'bandwidth', bytesPerSecond: 0 })).toThrow('above 0')
})

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
