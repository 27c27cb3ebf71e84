/**
 * Consensus and storage: Raft messages stepped in memory, a cluster of three on the kernel idle and loaded, puts through
 * it, and the store alone. The yardstick of the steps is the same number of plain calls through a switch on a message's
 * type.
 */
import { EtcdTrial } from '../src/etcd/testing.ts'
import { SECOND } from '../src/kernel/index.ts'
import { TestCluster } from '../src/raft/testing.ts'
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

/** Messages a second that members take while a leader replicates proposals, in memory, without a kernel. */
function messagesPerSecond(members: number): number {
  const cluster = new TestCluster({ members, seed: 1 })
  cluster.run(3 * SECOND)
  const leader = cluster.leader()
  if (leader === undefined) throw new Error('no leader')
  let messages = 0
  const count = (): boolean => {
    messages++
    return false
  }
  const took = seconds(() => {
    for (let i = 0; i < 20_000; i++) {
      cluster.propose(leader)
      cluster.settle(count)
      if (i % 1_000 === 0) for (const member of cluster.members) cluster.snapshot(member, 10)
    }
  })
  return messages / took
}

/** Heartbeats and their answers a second. */
function heartbeatsPerSecond(members: number): number {
  const cluster = new TestCluster({ members, seed: 1 })
  cluster.run(3 * SECOND)
  let messages = 0
  const took = seconds(() =>
    cluster.run(20_000 * SECOND, () => {
      messages++
      return false
    }),
  )
  return messages / took
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
  return [
    { figure: 'raft: messages stepped, 3 members', value: repeated(() => messagesPerSecond(3)), unit: '1/s' },
    { figure: 'raft: messages stepped, 5 members', value: repeated(() => messagesPerSecond(5)), unit: '1/s' },
    { figure: 'raft: heartbeats stepped, 3 members', value: repeated(() => heartbeatsPerSecond(3)), unit: '1/s' },
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
    { figure: 'etcd: making a cluster of 3', value: repeated(start), unit: 'us', atMost: true },
  ]
}

await main(import.meta.url, name, run)
