/**
 * The loop that takes events from the queue and hands them to their processes, and the census that names a livelock. An
 * event reaches a process only if the process lives and is in the epoch in which the event was scheduled; a paused one's
 * events are held, in order.
 */
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import { type Core, DATA, DATAGRAM, DISCONNECT, START, STREAM, SYNCED, TIMER } from './core.ts'
import type { PendingSync } from './device.ts'
import { InvariantError, invariant } from './invariant.ts'
import type { Machine, Message, Out, TimerTarget } from './machine.ts'
import type { Process } from './process.ts'
import { A, CAUSE, CODE, EPOCH, TARGET, TIME } from './queue.ts'
import type { Micros } from './time.ts'

/**
 * Why a run ended: `until`: the time was reached and there is more to come. `idle`: nothing will ever happen again.
 * `stopped`: by `stop`. `exhausted`: the budget of steps is used up.
 */
export type RunResult = 'until' | 'idle' | 'stopped' | 'exhausted'

/**
 * Something that a machine or a fault threw while it handled an event, and not an invariant: a bug in it. What a listener
 * of `subscribe` throws, to end a trial for example, comes out of `run` as it is.
 */
export class EventError extends Error {
  readonly process: string
  readonly event: string
  readonly time: Micros

  constructor(process: string, event: string, time: Micros, cause: unknown) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    super(`${process} threw while handling ${event} at ${time} us: ${why}`, { cause })
    this.name = 'EventError'
    this.process = process
    this.event = event
    this.time = time
  }
}

export interface LoopState {
  stopped: boolean
  /** The step at which the budget is used up. */
  readonly maxSteps: number
}

/** Handles events up to and including `until`. */
export function runLoop(
  core: Core,
  connections: Connections,
  state: LoopState,
  until: Micros,
  stop: (() => boolean) | undefined,
): RunResult {
  const queue = core.queue
  const trace = core.trace
  const processes = core.processes
  const priorities = core.priorities
  let code = 0
  let target = 0
  try {
    while (core.steps < state.maxSteps) {
      const { earliest } = core.alarms
      const limit = earliest < until ? earliest : until
      const row = priorities === undefined ? queue.pop(limit) : priorities.next(queue, limit)
      if (row === 0) {
        if (earliest < until) {
          core.ringAlarms()
          if (state.stopped) return 'stopped'
          continue
        }
        if (until !== Number.POSITIVE_INFINITY) core.now = until
        return queue.size === 0 ? 'idle' : 'until'
      }
      const cells = queue.cells
      const reals = queue.reals
      const at = row << 4
      target = cells[at + TARGET] as number
      code = cells[at + CODE] as number
      const process = processes[target] as Process
      const time = reals[(row << 3) + TIME] as number
      const ref = queue.refs[row]
      core.now = time
      if (process.gate !== cells[at + EPOCH]) {
        if (!process.paused || process.epoch !== cells[at + EPOCH]) queue.release(row)
        else {
          if ((code & 7) === SYNCED) (ref as PendingSync).settle()
          process.held.push(queue.park(row))
        }
        continue
      }
      const a = reals[(row << 3) + A] as number
      const cause = cells[at + CAUSE] as number
      queue.release(row)
      core.cause = ++core.steps
      trace.event(time, code, target, a, cause)
      core.current = process
      const kind = code >> 3
      switch (code & 7) {
        case TIMER:
          ;(ref as TimerTarget).onTimer(kind, a, process.out as Out)
          break
        case DATAGRAM:
          ;(process.machine as Machine).onMessage(a, ref as Message, process.out as Out)
          break
        case STREAM: {
          const from = connections.senderOf(a, process)
          if (from !== undefined) (process.machine as Machine).onMessage(from, ref as Message, process.out as Out)
          break
        }
        case START:
          ;(process.machine as Machine).onStart(process.out as Out)
          break
        case DISCONNECT:
          if (connections.acknowledge(process, ref as Connection))
            (process.machine as Machine).onDisconnect(a, process.out as Out)
          break
        case SYNCED:
          ;(ref as PendingSync).settle()
          ;(ref as PendingSync).tell(kind, a, process.out as Out)
          break
        case DATA:
          process.handler?.on(kind, a)
          break
        default:
          invariant(false, 'kernel: an event has a class', code)
      }
      core.current = undefined
      if (state.stopped || stop?.() === true) return 'stopped'
    }
    return 'exhausted'
  } catch (error) {
    if (error instanceof InvariantError || error instanceof EventError || error === core.listenerError) throw error
    throw new EventError(core.processes[target]?.name ?? 'the kernel', eventName(core, code), core.now, error)
  } finally {
    core.current = undefined
    core.cause = 0
  }
}

/** An event's kind in words: "timer 3", "message append-entries". */
export function eventName(core: Core, code: number): string {
  const kind = code >> 3
  switch (code & 7) {
    case TIMER:
      return `timer ${kind}`
    case DATAGRAM:
      return `datagram ${core.typeName(kind)}`
    case STREAM:
      return `message ${core.typeName(kind)}`
    case START:
      return 'start'
    case DISCONNECT:
      return 'disconnect'
    case SYNCED:
      return `sync ${kind}`
    default:
      return `data ${kind}`
  }
}

/** Who took the last events, most first. */
export interface Busy {
  readonly process: string
  readonly event: string
  readonly count: number
}

/** The pairs of process and event that took most of the events still in the trace (65,536 at most). */
export function busiest(core: Core, most: number): Busy[] {
  const counts = new Map<number, Map<number, number>>()
  for (const row of core.trace.rows(Math.max(core.trace.firstStep, core.steps - 65_535))) {
    let ofProcess = counts.get(row.target)
    if (ofProcess === undefined) {
      ofProcess = new Map()
      counts.set(row.target, ofProcess)
    }
    ofProcess.set(row.code, (ofProcess.get(row.code) ?? 0) + 1)
  }
  const all: Busy[] = []
  for (const [target, codes] of counts)
    for (const [code, count] of codes)
      all.push({ process: core.processes[target]?.name ?? `process ${target}`, event: eventName(core, code), count })
  return all.sort((x, y) => y.count - x.count).slice(0, most)
}
