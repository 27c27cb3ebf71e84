/**
 * One call under way: a script whose wishes (reads, transactions, a cache that catches up, a pause) are carried out, until it returns the answer.
 * An error of etcd, or too long a wait, ends it with 504 or 500: whether a write took effect is then unknown, as it is for a real client.
 */
import { invariant, never } from '../kernel/invariant.ts'
import type { Out, ProcessId, Timer, TimerTarget } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'
import type { ApiRequest, ApiResponse, Resource, Status } from '../objects/index.ts'
import type { FreshnessWaiter, WatchCache } from './cache.ts'
import type { Context } from './context.ts'
import { failure, internalError, timedOut } from './status.ts'
import type { RangeReply, Steps, Storage, StorageError, StorageOp, StorageReceiver, TxnReply } from './storage.ts'

const WAKE = 1

/** Who started the call and takes its answer. */
export interface CallOwner {
  readonly context: Context
  storageOf(resource: Resource): Storage
  onAnswer(call: RunningCall, response: ApiResponse, out: Out): void
}

export class RunningCall implements StorageReceiver, FreshnessWaiter, TimerTarget {
  readonly owner: CallOwner
  readonly client: ProcessId
  readonly id: number
  readonly user: string
  readonly request: ApiRequest
  readonly startedAt: Micros
  /** False once the caller has gone or cancelled: the call goes on, nobody hears of it. */
  isWanted = true
  isOver = false
  readonly #steps: Steps<ApiResponse>
  #waitsFor: WatchCache | undefined
  #timer: Timer = 0
  #tag = 0

  constructor(
    owner: CallOwner,
    client: ProcessId,
    id: number,
    user: string,
    request: ApiRequest,
    steps: Steps<ApiResponse>,
    startedAt: Micros,
  ) {
    this.owner = owner
    this.client = client
    this.id = id
    this.user = user
    this.request = request
    this.startedAt = startedAt
    this.#steps = steps
  }

  /** Runs the script until it waits or ends. */
  resume(result: unknown, out: Out): void {
    if (this.isOver) invariant(false, 'apiserver: a call that is over does not go on', { id: this.id })
    this.owner.context.out = out
    const step = this.#steps.next(result)
    if (step.done === true) this.#end(step.value, out)
    else this.#perform(step.value, out)
  }

  /** Ends the call with a refusal, wherever it is. */
  abort(status: Status, out: Out): void {
    this.#steps.return({ code: status.code, body: status })
    this.#waitsFor?.withdraw(this)
    out.cancel(this.#timer)
    this.#end({ code: status.code, body: status }, out)
  }

  expire(out: Out): void {
    this.abort(timedOut(), out)
  }

  onStorageReply(
    tag: number,
    reply: RangeReply | TxnReply | undefined,
    error: StorageError | undefined,
    out: Out,
  ): void {
    if (this.isOver || tag !== this.#tag) return
    switch (error) {
      case undefined:
        this.resume(reply, out)
        return
      case 'compacted':
      case 'future-revision':
        this.resume({ error }, out)
        return
      case 'unavailable':
        this.abort(timedOut(), out)
        return
      case 'no-space':
        this.abort(internalError('etcdserver: mvcc: database space exceeded'), out)
        return
      default:
        never(error)
    }
  }

  onFresh(out: Out): void {
    this.#waitsFor = undefined
    out.cancel(this.#timer)
    this.resume(true, out)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    const cache = this.#waitsFor
    this.#waitsFor = undefined
    cache?.withdraw(this)
    if (cache === undefined) this.resume(undefined, out)
    else if (cache.phase === 'ready') this.resume(false, out)
    else this.abort(failure(429, 'TooManyRequests', 'storage is (re)initializing', { retryAfterSeconds: 1 }), out)
  }

  #perform(op: StorageOp, out: Out): void {
    const { context } = this.owner
    const storage = this.owner.storageOf(this.request.resource)
    this.#tag++
    switch (op.op) {
      case 'range':
        storage.range(op.request, this, this.#tag, out)
        return
      case 'txn':
        storage.txn(op.request, this, this.#tag, out)
        return
      case 'compact':
        storage.compact(op.revision, this, this.#tag, out)
        return
      case 'fresh':
        this.#waitsFor = context.caches[op.resource]
        this.#waitsFor.waitFor(op.revision, this, out)
        this.#timer = out.after(context.options.freshnessTimeoutMicros, this, WAKE)
        return
      case 'sleep':
        this.#timer = out.after(op.micros, this, WAKE)
        return
      default:
        never(op)
    }
  }

  #end(response: ApiResponse, out: Out): void {
    this.isOver = true
    this.owner.onAnswer(this, response, out)
  }
}
