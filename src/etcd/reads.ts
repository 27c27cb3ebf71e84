/**
 * Linearizable reads of one member: all that come while one read index is being asked for share the next one. Models
 * etcdserver's linearizableReadLoop, v3.5. A read is served once everything up to its index is applied here.
 */
import type { Out, Timer, TimerTarget } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'
import type { Term } from '../raft/index.ts'
import type { EtcdDecisions } from './decisions.ts'
import type { LeaseKeepAliveRequest, RangeRequest, TxnRequest } from './requests.ts'

export interface WaitingRead {
  readonly id: number
  /** A transaction only if it changes nothing; a keep-alive only on who believes to lead, which is confirmed like this. */
  readonly request: RangeRequest | TxnRequest | LeaseKeepAliveRequest
}

interface Batch {
  readonly reads: readonly (WaitingRead | WaitingCall)[]
  /** Known once the leader has confirmed it; until then -1. */
  index: number
}

/** What a member itself waits for: everything committed by now is applied. */
export interface WaitingCall {
  readonly then: (out: Out) => void
}

export interface ReadOwner {
  /** A number that no other request of this member has, in this life or an earlier one. */
  nextId(): number
  /** The term of the leader that was asked; 0 when none is known. */
  askIndex(context: number, out: Out): Term
  readonly term: Term
  serve(read: WaitingRead | WaitingCall, out: Out): void
}

export class ReadQueue implements TimerTarget {
  readonly #owner: ReadOwner
  readonly #retryMicros: Micros
  readonly #decisions: EtcdDecisions
  #next: (WaitingRead | WaitingCall)[] = []
  #asking: Batch | undefined
  /** Contexts asked with for the batch under way: the answer to any of them will do. */
  #contexts: number[] = []
  #askedTerm: Term = 0
  #ready: Batch[] = []
  #timer: Timer = 0

  constructor(owner: ReadOwner, retryMicros: Micros, decisions: EtcdDecisions) {
    this.#owner = owner
    this.#retryMicros = retryMicros
    this.#decisions = decisions
  }

  add(read: WaitingRead | WaitingCall): void {
    this.#next.push(read)
  }

  /** Begins the next batch if none is under way. Called between Raft's steps. */
  begin(out: Out): void {
    if (this.#asking !== undefined || this.#next.length === 0) return
    this.#asking = { reads: this.#next, index: -1 }
    this.#next = []
    this.#contexts = []
    this.#askedTerm = 0
    this.#ask(out)
  }

  /** The leader named an index. */
  confirmed(context: number, index: number): void {
    const batch = this.#asking
    if (batch === undefined || !this.#contexts.includes(context)) return
    batch.index = index
    this.#asking = undefined
    this.#ready.push(batch)
  }

  /** Serves what the applied index allows. */
  serve(applied: number, out: Out): void {
    while (this.#ready.length > 0 && (this.#ready[0] as Batch).index <= applied) {
      const batch = this.#ready.shift() as Batch
      for (const read of batch.reads) this.#owner.serve(read, out)
    }
  }

  /** No answer came: perhaps the leader changed, or a message was lost. */
  onTimer(_kind: number, _a: number, out: Out): void {
    this.#timer = 0
    if (this.#asking !== undefined) this.#ask(out)
  }

  #ask(out: Out): void {
    const again = this.#askedTerm !== this.#owner.term || this.#decisions.asksForReadIndexAgain()
    if (again) {
      const context = this.#owner.nextId()
      this.#contexts.push(context)
      this.#askedTerm = this.#owner.askIndex(context, out)
    }
    if (this.#timer === 0) this.#timer = out.after(this.#retryMicros, this, 0)
  }
}
