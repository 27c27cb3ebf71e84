/**
 * A token bucket in integer microseconds. Models golang.org/x/time/rate as client-go uses it (Reserve, Wait): a caller
 * always gets a place and is told how long to wait for it. Kept as one number, the time at which the bucket would be
 * full again (the generic cell rate algorithm), so nothing is counted by ticks. Not modelled: tokens above one a call.
 */
import { invariant } from '../kernel/invariant.ts'
import { type Micros, SECOND } from '../kernel/time.ts'

export class TokenBucket {
  readonly #intervalMicros: Micros
  readonly #toleranceMicros: Micros
  #fullAt: Micros = 0

  /** `perSecond` tokens flow in each second, at most `burst` are kept. `perSecond` 0 means no limit at all. */
  constructor(perSecond: number, burst: number) {
    invariant(perSecond >= 0 && burst >= 1, 'client: a token bucket has a rate and room for one token', {
      perSecond,
      burst,
    })
    this.#intervalMicros = perSecond === 0 ? 0 : Math.floor(SECOND / perSecond)
    this.#toleranceMicros = this.#intervalMicros * (burst - 1)
  }

  /** Takes one token, perhaps from the future, and answers how long the caller must wait before it may use it. */
  reserve(now: Micros): Micros {
    const from = Math.max(this.#fullAt, now)
    this.#fullAt = from + this.#intervalMicros
    return Math.max(0, from - this.#toleranceMicros - now)
  }

  /** Takes one token if there is one now. */
  take(now: Micros): boolean {
    if (Math.max(this.#fullAt, now) - this.#toleranceMicros > now) return false
    this.reserve(now)
    return true
  }
}
