/**
 * Trivial events on a toy of 100 actors, each of which sends to a peer and sleeps, again and again: Seatrial's kernel,
 * fast-check's scheduler and fake-timers, in turns, in one process. Half of the events wake an actor, half deliver.
 */
import FakeTimers from '@sinonjs/fake-timers'
import fc from 'fast-check'
import { type DataHandler, Kernel } from '../src/kernel/index.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'kernel'

const ACTORS = 100
const REPETITIONS = 5
const WAKE = 0
const DELIVER = 1

/** Microseconds of the next latency or sleep; the same little generator for every contestant. */
class Delays {
  #state = 12_345
  next(low: number, spread: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) & 0x7fffffff
    return low + (this.#state % spread)
  }
}

/** An actor as Seatrial's machines are written: a class with data events. */
class Actor implements DataHandler {
  readonly self: number
  received = 0
  readonly #kernel: Kernel
  readonly #delays: Delays
  readonly #peers: readonly Actor[]
  readonly #index: number

  constructor(kernel: Kernel, delays: Delays, peers: readonly Actor[], index: number) {
    this.#kernel = kernel
    this.#delays = delays
    this.#peers = peers
    this.#index = index
    this.self = kernel.register(this)
  }

  on(kind: number): void {
    if (kind === WAKE) {
      const peer = this.#peers[(this.#index + 7) % ACTORS] as Actor
      this.#kernel.post(this.#delays.next(200, 600), peer.self, DELIVER, this.#index)
      this.#kernel.post(this.#delays.next(1_000, 9_000), this.self, WAKE, 0)
    } else this.received++
  }
}

/** Events a second of Seatrial's kernel, trace and hash on. */
function seatrial(events: number): number {
  const kernel = new Kernel({ seed: 1, maxSteps: events })
  const delays = new Delays()
  const actors: Actor[] = []
  for (let i = 0; i < ACTORS; i++) actors.push(new Actor(kernel, delays, actors, i))
  for (const actor of actors) kernel.post(delays.next(0, 1_000), actor.self, WAKE, 0)
  const begin = process.hrtime.bigint()
  kernel.run()
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9
  const received = actors.reduce((sum, actor) => sum + actor.received, 0)
  if (kernel.steps !== events || received < events / 3) throw new Error('the toy did not run')
  return events / seconds
}

/** Events a second of fake-timers: the same toy on its setTimeout, microseconds read as milliseconds. */
function fakeTimers(events: number): number {
  const clock = FakeTimers.createClock(0, Number.POSITIVE_INFINITY)
  const delays = new Delays()
  let count = 0
  let received = 0
  const deliver = () => {
    count++
    received++
  }
  const wake = () => {
    count++
    clock.setTimeout(deliver, delays.next(200, 600))
    clock.setTimeout(wake, delays.next(1_000, 9_000))
  }
  for (let i = 0; i < ACTORS; i++) clock.setTimeout(wake, delays.next(0, 1_000))
  const begin = process.hrtime.bigint()
  while (count < events) clock.next()
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9
  if (received < events / 3) throw new Error('the toy did not run')
  return count / seconds
}

/** Events a second of fast-check's scheduler. It has no clock: it draws the order of what is pending. */
async function fastCheck(events: number): Promise<number> {
  let seconds = 0
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      count = 0
      const deliver = () => {
        count++
      }
      const wake = () => {
        count++
        if (count >= events) return
        void scheduler.schedule(Promise.resolve()).then(deliver)
        void scheduler.schedule(Promise.resolve()).then(wake)
      }
      for (let i = 0; i < ACTORS; i++) void scheduler.schedule(Promise.resolve()).then(wake)
      const begin = process.hrtime.bigint()
      while (count < events && scheduler.count() > 0) await scheduler.waitNext(1)
      seconds = Number(process.hrtime.bigint() - begin) / 1e9
    }),
    { numRuns: 1, seed: 1, endOnFailure: true },
  )
  return count / seconds
}

/** Microseconds that a fresh kernel costs. */
function creation(): number {
  const kernels = 2_000
  const begin = process.hrtime.bigint()
  let steps = 0
  for (let i = 0; i < kernels; i++) steps += new Kernel({ seed: i }).steps
  if (steps !== 0) throw new Error('a fresh kernel has done nothing')
  return Number(process.hrtime.bigint() - begin) / 1e3 / kernels
}

export async function run(): Promise<Row[]> {
  const kernel: number[] = []
  const timers: number[] = []
  const scheduler: number[] = []
  const fresh: number[] = []
  seatrial(1_000_000)
  creation()
  for (let i = 0; i < REPETITIONS; i++) {
    kernel.push(seatrial(3_000_000))
    timers.push(fakeTimers(200_000))
    scheduler.push(await fastCheck(20_000))
    fresh.push(creation())
  }
  const events = median(kernel)
  return [
    { figure: 'kernel, trivial data events', value: events, unit: 'events/s', target: 10_000_000 },
    { figure: 'same toy on @sinonjs/fake-timers', value: median(timers), unit: 'events/s' },
    { figure: 'same toy on fc.scheduler()', value: median(scheduler), unit: 'events/s' },
    { figure: 'kernel against @sinonjs/fake-timers', value: events / median(timers), unit: 'times', target: 8 },
    { figure: 'kernel against fc.scheduler()', value: events / median(scheduler), unit: 'times', target: 8 },
    { figure: 'a fresh kernel', value: median(fresh), unit: 'us', target: 30, atMost: true },
  ]
}

await main(import.meta.url, name, run)
