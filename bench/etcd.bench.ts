/**
 * Consensus and storage on the kernel: a cluster of three idle and loaded, puts through it, events fanned out to a thousand
 * watches; and what a million revisions weigh in the store before and after compaction. raft.bench.ts has Raft alone.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { StateMachine } from '../src/etcd/apply.ts'
import { ETCD_DECISIONS } from '../src/etcd/decisions.ts'
import { EtcdTrial } from '../src/etcd/testing.ts'
import { SECOND } from '../src/kernel/index.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'etcd'

const REPETITIONS = 5

function seconds(work: () => void): number {
  const from = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - from) / 1e9
}

function repeated(measure: () => number): number {
  return median(Array.from({ length: REPETITIONS }, measure))
}

/** Virtual seconds a wall second of an idle cluster of three on the kernel. */
function idle(): number {
  const trial = new EtcdTrial({ seed: 1 })
  trial.elect()
  const virtual = 3_000
  return virtual / seconds(() => trial.run(virtual * SECOND))
}

/** Virtual seconds a wall second at so many puts a virtual second, open loop, and puts a wall second. */
function loaded(putsPerSecond: number): { virtual: number; puts: number } {
  const trial = new EtcdTrial({ seed: 1, clients: 3 })
  trial.elect()
  const gap = SECOND / putsPerSecond
  const virtual = 10
  let i = 0
  const timer = {
    onTimer(): void {
      trial.ask({ type: 'put', key: `/registry/pods/default/pod-${i % 1_000}`, value: i, bytes: 2_000 }, i % 3)
      i++
      trial.kernel.schedule(gap, timer, 0)
    },
  }
  trial.kernel.schedule(gap, timer, 0)
  const took = seconds(() => trial.run(virtual * SECOND))
  const answered = [0, 1, 2].reduce((sum, at) => sum + trial.client(at).answers.filter((a) => a?.result.ok).length, 0)
  if (answered < 0.95 * i) throw new Error(`only ${answered} of ${i} puts were answered`)
  return { virtual: virtual / took, puts: answered / took }
}

/** Puts a wall second through three members when each client always has 64 under way. */
function saturated(): number {
  const trial = new EtcdTrial({ seed: 1, clients: 3 })
  trial.elect()
  const puts = 20_000
  let asked = 0
  const timer = {
    onTimer(): void {
      for (let at = 0; at < 3; at++) {
        while (asked < puts && trial.client(at).client.pendingCount < 64) {
          trial.ask({ type: 'put', key: `k${asked % 5_000}`, value: asked, bytes: 2_000 }, at)
          asked++
        }
      }
      if (asked < puts) trial.kernel.schedule(1_000, timer, 0)
    },
  }
  trial.kernel.schedule(0, timer, 0)
  return puts / seconds(() => trial.run(60 * SECOND))
}

/** Watch events delivered a wall second: one member, a thousand watches of the same prefix, ten of them a client. */
function fannedOut(): number {
  const clients = 100
  const each = 10
  const puts = 200
  const trial = new EtcdTrial({ seed: 1, members: 1, clients })
  trial.elect()
  for (let client = 0; client < clients; client++) {
    for (let i = 0; i < each; i++) trial.watch({ key: '/registry/', rangeEnd: '/registry0' }, client)
  }
  trial.run(SECOND)
  for (let i = 0; i < puts; i++) trial.ask({ type: 'put', key: `/registry/pods/default/pod-${i % 50}`, value: i })
  const took = seconds(() => trial.run(5 * SECOND))
  let events = 0
  for (let client = 0; client < clients; client++) {
    for (const seen of trial.client(client).watches.values()) events += seen.events.length
  }
  if (events !== clients * each * puts) throw new Error(`${events} events were delivered`)
  return events / took
}

/** Bytes of the heap that are reachable. */
function reachable(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}

/** MiB that a store takes with a million revisions of 10,000 keys, and once all but the newest are compacted. */
function weight(): { readonly full: number; readonly compacted: number } {
  const empty = reachable()
  const machine = new StateMachine(ETCD_DECISIONS)
  const revisions = 1_000_000
  const value = 'one value that all revisions share'
  for (let i = 0; i < revisions; i++) machine.apply({ type: 'put', key: `/registry/pods/${i % 10_000}`, value }, false)
  const full = reachable()
  machine.apply({ type: 'compact', revision: machine.store.revision }, false)
  const compacted = reachable()
  if (machine.store.eventCount !== 10_000) throw new Error(`${machine.store.eventCount} states are kept`)
  return { full: (full - empty) / 2 ** 20, compacted: (compacted - empty) / 2 ** 20 }
}

function start(): number {
  const trials = 200
  const took = seconds(() => {
    for (let i = 0; i < trials; i++) new EtcdTrial({ seed: i }).run(0)
  })
  return (took / trials) * 1e6
}

export async function run(): Promise<Row[]> {
  start()
  const thousand = Array.from({ length: REPETITIONS }, () => loaded(1_000))
  const { full, compacted } = weight()
  return [
    { figure: 'etcd: 3 members idle', value: repeated(idle), unit: 'virtual s/s' },
    {
      figure: 'etcd: 3 members, 1,000 puts/virtual s',
      value: median(thousand.map((one) => one.virtual)),
      unit: 'virtual s/s',
    },
    {
      figure: 'etcd: puts through 3 members, 1,000/virtual s',
      value: median(thousand.map((one) => one.puts)),
      unit: '1/s',
    },
    { figure: 'etcd: puts through 3 members, 192 under way', value: repeated(saturated), unit: '1/s' },
    { figure: 'etcd: watch events to 1,000 watches', value: repeated(fannedOut), unit: '1/s' },
    { figure: 'etcd: memory of 1,000,000 revisions', value: full, unit: 'MiB', atMost: true },
    { figure: 'etcd: memory of them compacted to 10,000', value: compacted, unit: 'MiB', atMost: true },
    { figure: 'etcd: making a cluster of 3', value: repeated(start), unit: 'us', atMost: true },
  ]
}

await main(import.meta.url, name, run)
