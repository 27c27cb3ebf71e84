/**
 * The backend's size and what follows from it: the quota, and defragmentation, during which the member serves nobody.
 * Models etcd's quota.go and backend.Defrag, v3.5. The file never shrinks by itself: what compaction frees is used again,
 * and only defragmentation gives it back. Simplified: sizes are those of keys and values, without pages.
 */
import type { Out, ProcessId, TimerTarget } from '../kernel/machine.ts'
import { SECOND } from '../kernel/time.ts'
import { costOf } from './alarms.ts'
import type { RequestMessage } from './messages.ts'
import type { EtcdOptions } from './options.ts'
import type { WriteRequest } from './requests.ts'
import type { Store } from './store.ts'

interface Deferred {
  readonly client: ProcessId
  readonly message: RequestMessage
}

export class Maintenance implements TimerTarget {
  readonly #options: EtcdOptions
  readonly #store: Store
  /** The pause is over: what was put off can be done. */
  readonly #resume: (out: Out) => void
  /** Below this size no request can pass the quota, whatever it adds. */
  readonly #plenty: number
  #deferred: Deferred[] = []
  #isPaused = false

  constructor(options: EtcdOptions, store: Store, resume: (out: Out) => void) {
    this.#options = options
    this.#store = store
    this.#resume = resume
    // Each of the operations of a transaction has its overhead.
    this.#plenty = options.quotaBytes - options.maxRequestBytes - 1_000 * options.maxTxnOperations
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Would the request pass the quota? Deletions and compactions never do. */
  passesQuota(request: WriteRequest): boolean {
    const size = this.#store.peakBytes
    if (size < this.#plenty) return false
    const cost = costOf(request)
    return cost > 0 && size + cost >= this.#options.quotaBytes
  }

  /** Begins the pause. */
  defragment(out: Out): void {
    this.#isPaused = true
    const { defragmentBytesPerSecond } = this.#options
    out.after(Math.ceil((this.#store.peakBytes * SECOND) / defragmentBytesPerSecond) + 1, this, 0)
  }

  /** A request that came during the pause. */
  defer(client: ProcessId, message: RequestMessage): void {
    this.#deferred.push({ client, message })
  }

  /** What came during the pause, oldest first. */
  takeDeferred(): readonly Deferred[] {
    const deferred = this.#deferred
    this.#deferred = []
    return deferred
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#isPaused = false
    this.#store.releaseFree()
    this.#resume(out)
  }
}
