/** Consensus and storage on the kernel: a cluster of three idle and loaded, and puts through it. raft.bench.ts has Raft alone. */
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
