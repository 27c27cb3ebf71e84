/**
 * Histories: what processes asked of an object, what they were answered, and in which order that was seen from outside.
 * A history says nothing about when an operation took effect; that is what the checker looks for. After Herlihy and Wing,
 * "Linearizability: a correctness condition for concurrent objects" (1990).
 */
import { invariant } from '../kernel/invariant.ts'

/**
 * One operation. It took effect at one moment between `call` and `return`. What certainly had no effect (a request that
 * was refused before it was tried) does not belong in a history, unless the model knows the refusal as an answer.
 */
export interface Operation<Input, Output> {
  /** Who asked. A process waits for one answer before it asks again, unless it gave up waiting. */
  readonly process: string
  readonly input: Input
  /**
   * Moment of the call: a time, or better the number of the event in the order of the run. A return and a call at the
   * same moment count as concurrent, so numbers say more than times that can be equal.
   */
  readonly call: number
  /**
   * Moment of the answer. Unset: the outcome is unknown (time-out, crash), and the operation may take effect at any moment
   * after its call, or never. Infinity: no answer came, but the output is known from other evidence, so it did take effect.
   */
  readonly return: number | undefined
  /** The answer; undefined if and only if `return` is. */
  readonly output: Output | undefined
}

export type History<Input, Output> = readonly Operation<Input, Output>[]

/** What is wrong with a history as a history: one line a mistake of whoever recorded it. Empty if it is well formed. */
export function malformed<Input, Output>(history: History<Input, Output>): string[] {
  const problems: string[] = []
  const lanes = new Map<string, Operation<Input, Output>[]>()
  for (const [index, operation] of history.entries()) {
    const { process, call, return: end, output } = operation
    if (Number.isNaN(call) || Number.isNaN(end ?? 0)) problems.push(`operation ${index}: a moment is not a number`)
    if (end !== undefined && end < call) problems.push(`operation ${index}: returned at ${end}, called at ${call}`)
    if ((end === undefined) !== (output === undefined))
      problems.push(`operation ${index}: an output and a return come together, or neither does`)
    const lane = lanes.get(process)
    if (lane === undefined) lanes.set(process, [operation])
    else lane.push(operation)
  }
  for (const [process, lane] of lanes) {
    lane.sort((a, b) => a.call - b.call)
    let last: Operation<Input, Output> | undefined
    for (const operation of lane) {
      const end = last?.return
      if (end !== undefined && end !== Number.POSITIVE_INFINITY && end > operation.call)
        problems.push(`process ${process}: calls at ${operation.call} while it waits until ${end}`)
      last = operation
    }
  }
  return problems
}

/** The operation as if nobody knew anything about it but that it may have been asked: any moment, or never. */
export function setFree<Input, Output>(operation: Operation<Input, Output>): Operation<Input, Output> {
  return { ...operation, call: Number.NEGATIVE_INFINITY, return: undefined, output: undefined }
}

/**
 * Takes down a history while it happens. Calls and returns are numbered in the order in which they are told, so none are
 * equal; the times are only kept for those who want to look them up.
 */
export class HistoryRecorder<Input, Output> {
  readonly #operations: Operation<Input, Output>[] = []
  readonly #times: number[] = []
  #open = 0

  /** Gives the number by which the answer is told. `at`: the time, in whatever unit the caller has. */
  call(process: string, input: Input, at: number): number {
    const call = this.#times.push(at) - 1
    this.#open++
    return this.#operations.push({ process, input, call, return: undefined, output: undefined }) - 1
  }

  returned(operation: number, output: Output, at: number): void {
    const called = this.#operations[operation]
    invariant(called !== undefined, 'history: what returns was called', { operation })
    invariant(called.return === undefined, 'history: an operation returns once', { operation })
    invariant(output !== undefined, 'history: an answer is not undefined', { operation })
    this.#open--
    this.#operations[operation] = { ...called, return: this.#times.push(at) - 1, output }
  }

  /** Operations without an answer so far. */
  get open(): number {
    return this.#open
  }

  /** The time of a call or return number. */
  timeOf(moment: number): number | undefined {
    return this.#times[moment]
  }

  /** All operations by now; those without an answer have an unknown outcome. */
  history(): History<Input, Output> {
    return [...this.#operations]
  }
}
