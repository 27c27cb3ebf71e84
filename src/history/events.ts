/**
 * The calls and returns of a history in the order in which they were seen, as a doubly linked list out of which an
 * operation can be lifted and put back in. After Wing and Gong, "Testing and verifying concurrent objects" (1993).
 * Operations of unknown outcome have no return and stand aside, in the order of their calls.
 */
import { invariant } from '../kernel/invariant.ts'
import type { History } from './history.ts'

export class EventList {
  /** The operations with a return, by the order of their calls: what `operation` numbers below mean. Places in the history. */
  readonly required: Int32Array
  /** Those of unknown outcome, by the order of their calls. Places in the history. */
  readonly optional: Int32Array
  /** The end of the list, and what stands before its first event. */
  readonly end: number
  /** For each event its operation. */
  readonly #operation: Int32Array
  readonly #isReturn: Uint8Array
  readonly #callOf: Int32Array
  readonly #returnOf: Int32Array
  /** For each return, how many of the optional operations had been called by then. */
  readonly #called: Int32Array
  readonly #next: Int32Array
  readonly #previous: Int32Array

  /** `optional`: may this operation of unknown outcome matter? */
  constructor(history: History<unknown, unknown>, matters: (index: number) => boolean) {
    const required: number[] = []
    const optional: number[] = []
    for (let i = 0; i < history.length; i++) {
      if (history[i]!.return !== undefined) required.push(i)
      else if (matters(i)) optional.push(i)
    }
    const byCall = (a: number, b: number) => order(history[a]!.call, history[b]!.call) || a - b
    this.required = Int32Array.from(required.sort(byCall))
    this.optional = Int32Array.from(optional.sort(byCall))

    const size = this.required.length
    const byReturn = Int32Array.from(this.required.keys()).sort(
      (a, b) => order(returnAt(history, this.required[a]!), returnAt(history, this.required[b]!)) || a - b,
    )
    this.end = 2 * size
    this.#operation = new Int32Array(2 * size)
    this.#isReturn = new Uint8Array(2 * size)
    this.#called = new Int32Array(2 * size)
    this.#callOf = new Int32Array(size)
    this.#returnOf = new Int32Array(size)
    this.#next = new Int32Array(2 * size + 1)
    this.#previous = new Int32Array(2 * size + 1)
    let calls = 0
    let called = 0
    for (let event = 0, returns = 0; event < 2 * size; event++) {
      const callAt = calls < size ? history[this.required[calls]!]!.call : undefined
      const end = returnAt(history, this.required[byReturn[returns]!]!)
      // At one moment calls come first: what touches is concurrent.
      if (callAt !== undefined && callAt <= end) {
        this.#operation[event] = calls
        this.#callOf[calls++] = event
        continue
      }
      while (called < this.optional.length && history[this.optional[called]!]!.call <= end) called++
      const operation = byReturn[returns++]!
      this.#operation[event] = operation
      this.#isReturn[event] = 1
      this.#called[event] = called
      this.#returnOf[operation] = event
    }
    for (let event = 0; event <= 2 * size; event++) {
      this.#next[event] = event === this.end ? 0 : event + 1
      this.#previous[event] = event === 0 ? this.end : event - 1
    }
    invariant(calls === size, 'history: every operation that returns was called', { calls, size })
  }

  next(event: number): number {
    return this.#next[event]!
  }

  get first(): number {
    return this.#next[this.end]!
  }

  isReturn(event: number): boolean {
    return this.#isReturn[event] === 1
  }

  operation(event: number): number {
    return this.#operation[event]!
  }

  calledBy(event: number): number {
    return this.#called[event]!
  }

  /** Takes the call and the return of an operation out. */
  lift(operation: number): void {
    this.#unlink(this.#callOf[operation]!)
    this.#unlink(this.#returnOf[operation]!)
  }

  /** Undoes a `lift`, the last one first. */
  putBack(operation: number): void {
    this.#link(this.#returnOf[operation]!)
    this.#link(this.#callOf[operation]!)
  }

  #unlink(event: number): void {
    const next = this.#next[event]!
    const previous = this.#previous[event]!
    this.#next[previous] = next
    this.#previous[next] = previous
  }

  #link(event: number): void {
    this.#next[this.#previous[event]!] = event
    this.#previous[this.#next[event]!] = event
  }
}

function returnAt(history: History<unknown, unknown>, index: number): number {
  return history[index]!.return as number
}

/** Subtraction would not do: infinities. */
function order(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
