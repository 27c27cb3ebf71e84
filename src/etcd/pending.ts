/**
 * Requests that wait for an answer, oldest first, each with the moment at which it is given up. All wait equally long, so
 * one timer for the oldest is enough, and it is not cancelled when an answer comes.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, ProcessId, TimerTarget } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'

export interface Waiting {
  /** The process that gets the answer. */
  readonly client: ProcessId
  /** The number under which it asked. */
  readonly clientId: number
  readonly deadline: Micros
  readonly name: string
  readonly isWrite: boolean
  /** `client` is another member, which asked for a client of its own. */
  readonly isForwarded: boolean
}

export class Pending implements TimerTarget {
  readonly #byId = new Map<number, Waiting>()
  readonly #micros: Micros
  readonly #expired: (waiting: Waiting, id: number, out: Out) => void
  #armed = false

  constructor(micros: Micros, expired: (waiting: Waiting, id: number, out: Out) => void) {
    this.#micros = micros
    this.#expired = expired
  }

  get size(): number {
    return this.#byId.size
  }

  add(
    id: number,
    client: ProcessId,
    clientId: number,
    name: string,
    isWrite: boolean,
    out: Out,
    isForwarded = false,
  ): void {
    invariant(!this.#byId.has(id), 'etcd: requests have numbers of their own', id)
    this.#byId.set(id, { client, clientId, deadline: out.now + this.#micros, name, isWrite, isForwarded })
    if (!this.#armed) this.#arm(this.#micros, out)
  }

  get(id: number): Waiting | undefined {
    return this.#byId.get(id)
  }

  /** Takes a request out: its answer is there. */
  take(id: number): Waiting | undefined {
    const waiting = this.#byId.get(id)
    if (waiting !== undefined) this.#byId.delete(id)
    return waiting
  }

  /** Nobody waits for these any more. */
  dropClient(client: ProcessId): void {
    for (const [id, waiting] of this.#byId) if (waiting.client === client) this.#byId.delete(id)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#armed = false
    for (const [id, waiting] of this.#byId) {
      if (waiting.deadline > out.now) {
        this.#arm(waiting.deadline - out.now, out)
        return
      }
      this.#byId.delete(id)
      this.#expired(waiting, id, out)
    }
  }

  #arm(delay: Micros, out: Out): void {
    this.#armed = true
    out.after(delay, this, 0)
  }
}
