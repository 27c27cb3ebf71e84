/**
 * The record of a run: a rolling 64-bit hash over every event and every fact's type, and the events themselves as rows of
 * integers in blocks of 1,024. By default the last 64 blocks are kept (a ring of 65,536 events); with `keep: 'all'` all of
 * them and the facts too. At the end of each block the fingerprint is written down, so that two runs can be compared.
 * Names and texts are resolved when a line is printed, never while recording.
 */
import type { Fact, ProcessId } from './machine.ts'
import type { Micros } from './time.ts'

const ROWS = 1024
const COLUMNS = 6
const RING_BLOCKS = 64

/** One event as recorded. `code` is the kernel's (see `core.ts`); `cause` is the step that scheduled it, a deed's number, or 0 for none. */
export interface TraceRow {
  readonly step: number
  readonly time: Micros
  readonly code: number
  readonly target: ProcessId
  /** The event's number, its lower 32 bits. */
  readonly a: number
  readonly cause: number
}

/** What the trial did from outside, between two events: injected or healed a fault, booted the cluster. */
export interface Deed {
  /** -1, -2, …: what an event has as its `cause` that the deed set going. */
  readonly number: number
  /** It came after this event and before the next. */
  readonly afterStep: number
  readonly time: Micros
  readonly name: string
  /** Processes that it reached into, then or later through what it listens to, and the last step before each time. */
  readonly touched: { readonly process: ProcessId; readonly afterStep: number }[]
}

/** Rules of the network lost, delayed or copied a message that was sent during `step`. */
export interface Bite {
  readonly step: number
  /** The ids of the rules that were asked. */
  readonly rules: readonly string[]
  readonly from: ProcessId
  readonly to: ProcessId
  readonly dropped: boolean
}

export interface RecordedFact {
  readonly step: number
  readonly time: Micros
  readonly process: ProcessId
  readonly fact: Fact
}

/** The fingerprint after so many steps. */
export interface Checkpoint {
  readonly step: number
  readonly fingerprint: string
}

export class Trace {
  readonly keep: 'ring' | 'all'
  /** All facts, when everything is kept. */
  readonly facts: RecordedFact[] = []
  readonly deeds: Deed[] = []
  /** All bites, when everything is kept. */
  readonly bites: Bite[] = []
  #block: Int32Array = new Int32Array(ROWS * COLUMNS)
  readonly #blocks: Int32Array[] = [this.#block]
  /** Number of blocks before `#blocks[0]` that were given up. */
  #dropped = 0
  #position = 0
  #left = 0x243f6a88
  #right = 0x13198a2e
  readonly #checkpoints: number[] = []

  constructor(keep: 'ring' | 'all' = 'ring') {
    this.keep = keep
  }

  /** Adds an event. Called once for each one, in order. */
  event(time: Micros, code: number, target: ProcessId, a: number, cause: number): void {
    const low = time | 0
    const high = (time / 0x1_0000_0000) | 0
    const number = a | 0
    const block = this.#block
    let at = this.#position
    block[at] = low
    block[at + 1] = high
    block[at + 2] = code
    block[at + 3] = target
    block[at + 4] = number
    block[at + 5] = cause
    at += COLUMNS
    // Two lanes: each multiplies the event's words by odd constants of its own, then closes with a round of murmur.
    const first =
      Math.imul(low, 0x9e3779b1) ^
      Math.imul(number, 0x85ebca77) ^
      Math.imul((code << 17) ^ (code >>> 15) ^ target, 0xc2b2ae3d)
    const second =
      Math.imul(low ^ (high << 20), 0x27d4eb2f) ^
      Math.imul(number ^ high, 0x165667b1) ^
      Math.imul(code ^ (target << 15) ^ (target >>> 17), 0x2c1b3c6d)
    const left = this.#left ^ first
    const right = this.#right ^ second
    this.#left = (Math.imul((left << 13) | (left >>> 19), 5) + 0x6b64e654) | 0
    this.#right = (Math.imul((right << 15) | (right >>> 17), 9) + (left >>> 7)) | 0
    if (at === ROWS * COLUMNS) this.#endBlock()
    else this.#position = at
  }

  /** Adds a fact: its type goes into the hash, the fact itself is kept only when everything is. */
  fact(step: number, time: Micros, type: number, process: ProcessId, fact: Fact): void {
    this.#left = Math.imul(this.#left ^ (type + 0x51ed27), 0x85ebca6b)
    this.#right = Math.imul(this.#right ^ Math.imul(process + 1, 0xcc9e2d51) ^ (this.#left >>> 15), 0xc2b2ae35)
    if (this.keep === 'all') this.facts.push({ step, time, process, fact })
  }

  /** Takes down what the trial does now. @returns the deed's number, below 0 */
  deed(step: number, time: Micros, name: string): number {
    const number = -this.deeds.length - 1
    this.deeds.push({ number, afterStep: step, time, name, touched: [] })
    return number
  }

  bite(
    step: number,
    rules: readonly { readonly options: { readonly id: string } }[],
    from: ProcessId,
    to: ProcessId,
    dropped: boolean,
  ): void {
    if (this.keep === 'all') this.bites.push({ step, rules: rules.map(({ options }) => options.id), from, to, dropped })
  }

  /** Sixteen hexadecimal digits over everything so far. */
  fingerprint(): string {
    return hex(this.#left) + hex(this.#right)
  }

  /** Number of events recorded. */
  get steps(): number {
    return (this.#dropped + this.#blocks.length - 1) * ROWS + this.#position / COLUMNS
  }

  /** The step number (from 1) of the oldest event that is still there. */
  get firstStep(): number {
    return this.#dropped * ROWS + 1
  }

  /** One fingerprint for each full block. Plain data: may be sent to another process and compared there. */
  checkpoints(): Checkpoint[] {
    const points: Checkpoint[] = []
    for (let i = 0; i < this.#checkpoints.length; i += 2)
      points.push({
        step: (i / 2 + 1) * ROWS,
        fingerprint: hex(this.#checkpoints[i] as number) + hex(this.#checkpoints[i + 1] as number),
      })
    return points
  }

  /** The event of a step (from 1), if it is still there. */
  row(step: number): TraceRow | undefined {
    if (step < this.firstStep || step > this.steps) return undefined
    const block = this.#blocks[Math.floor((step - 1) / ROWS) - this.#dropped] as Int32Array
    const at = ((step - 1) % ROWS) * COLUMNS
    return {
      step,
      time: (block[at + 1] as number) * 0x1_0000_0000 + ((block[at] as number) >>> 0),
      code: block[at + 2] as number,
      target: block[at + 3] as number,
      a: block[at + 4] as number,
      cause: block[at + 5] as number,
    }
  }

  /** The events from step `from` to `to`, both included, as far as they are still there. */
  *rows(from = this.firstStep, to = this.steps): Generator<TraceRow> {
    for (let step = Math.max(from, this.firstStep); step <= Math.min(to, this.steps); step++) {
      yield this.row(step) as TraceRow
    }
  }

  /** The event of `step`, the event that scheduled it, and so on back: latest first. */
  causesOf(step: number, most = 32): TraceRow[] {
    const chain: TraceRow[] = []
    for (let row = this.row(step); row !== undefined && chain.length < most; row = this.row(row.cause)) chain.push(row)
    return chain
  }

  #endBlock(): void {
    this.#checkpoints.push(this.#left, this.#right)
    this.#position = 0
    if (this.keep === 'ring' && this.#blocks.length === RING_BLOCKS) {
      this.#block = this.#blocks.shift() as Int32Array
      this.#dropped++
    } else this.#block = new Int32Array(ROWS * COLUMNS)
    this.#blocks.push(this.#block)
  }
}

/** Where two runs part. `left` and `right` are missing where a run has ended or its event is no longer kept. */
export interface Difference {
  /** The first step that differs is after this one. */
  readonly afterStep: number
  /** The first step that differs, when the events were still there to compare. */
  readonly step?: number
  readonly left?: TraceRow
  readonly right?: TraceRow
}

/**
 * The first event in which two runs differ, or undefined when they are equal. Exact as far as both traces still hold their
 * events; otherwise the checkpoint after which they differ, and a re-run with `keep: 'all'` names the event.
 */
export function firstDifference(left: Trace, right: Trace): Difference | undefined {
  if (left.steps === right.steps && left.fingerprint() === right.fingerprint()) return undefined
  const equalUpTo = equalCheckpoints(left.checkpoints(), right.checkpoints())
  const oldest = Math.max(left.firstStep, right.firstStep)
  if (oldest > equalUpTo + 1) return { afterStep: equalUpTo }
  for (let step = equalUpTo + 1; step <= Math.max(left.steps, right.steps); step++) {
    const a = left.row(step)
    const b = right.row(step)
    if (a === undefined || b === undefined || !sameRow(a, b)) {
      return { afterStep: step - 1, step, ...(a && { left: a }), ...(b && { right: b }) }
    }
  }
  // All events are equal: facts were noted in another order, or by another process.
  return { afterStep: equalUpTo }
}

/** The last step up to which two lists of checkpoints agree. */
export function equalCheckpoints(left: readonly Checkpoint[], right: readonly Checkpoint[]): number {
  let equal = 0
  for (let i = 0; i < left.length && i < right.length; i++) {
    if (left[i]?.fingerprint !== right[i]?.fingerprint) break
    equal = left[i]?.step ?? equal
  }
  return equal
}

function sameRow(a: TraceRow, b: TraceRow): boolean {
  return a.time === b.time && a.code === b.code && a.target === b.target && a.a === b.a && a.cause === b.cause
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
