/** How long a failed item waits before it is tried again. Models client-go util/workqueue default_rate_limiters.go, v1.33. */
import { MILLISECOND, type Micros, SECOND } from '../kernel/time.ts'
import { doubled } from './backoff.ts'
import { TokenBucket } from './bucket.ts'

export interface RateLimiter {
  /** Counts one more failure of `key` and answers its wait. */
  when(key: string, now: Micros): Micros
  /** The key has succeeded: its failures are forgotten. */
  forget(key: string): void
  /** Failures of `key` since it was last forgotten. */
  failures(key: string): number
}

export interface RateLimiterOptions {
  /** First wait of an item. Default 5 ms. */
  readonly baseMicros?: Micros
  /** Longest wait of an item. Default 1,000 s. */
  readonly capMicros?: Micros
  /** Over all items: retries a second. Default 10; 0 for no limit. */
  readonly perSecond?: number
  /** Over all items: retries at once. Default 100. */
  readonly burst?: number
}

/** The longer of a doubling wait per item and one bucket over all items. */
export class DefaultRateLimiter implements RateLimiter {
  readonly #baseMicros: Micros
  readonly #capMicros: Micros
  readonly #bucket: TokenBucket
  readonly #failures = new Map<string, number>()

  constructor(options: RateLimiterOptions = {}) {
    this.#baseMicros = options.baseMicros ?? 5 * MILLISECOND
    this.#capMicros = options.capMicros ?? 1_000 * SECOND
    this.#bucket = new TokenBucket(options.perSecond ?? 10, options.burst ?? 100)
  }

  when(key: string, now: Micros): Micros {
    const failures = this.failures(key)
    this.#failures.set(key, failures + 1)
    return Math.max(doubled(this.#baseMicros, failures, this.#capMicros), this.#bucket.reserve(now))
  }

  forget(key: string): void {
    this.#failures.delete(key)
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }
}
