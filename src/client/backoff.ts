/**
 * Waiting times that double, with jitter, and start over after a quiet while. Models apimachinery util/wait
 * (exponential back-off manager with a reset duration), v1.33. Integers only: no powers, no fractions.
 */
import type { Rand } from '../kernel/random.ts'
import type { Micros } from '../kernel/time.ts'

export interface BackoffOptions {
  readonly baseMicros: Micros
  readonly capMicros: Micros
  /** The jitter adds up to this share of the duration, in percent. */
  readonly jitterPercent: number
  /** Without a call for so long, the next one starts at the base again. */
  readonly resetMicros: Micros
}

/** `base` doubled `attempts` times, at most `cap`. Exact for any number of attempts. */
export function doubled(baseMicros: Micros, attempts: number, capMicros: Micros): Micros {
  let duration = baseMicros
  for (let i = 0; i < attempts && duration < capMicros; i++) duration *= 2
  return Math.min(duration, capMicros)
}

export class Backoff {
  readonly #options: BackoffOptions
  readonly #rand: Rand
  readonly #address: number
  #attempts = 0
  #lastAt: Micros = 0

  /** `address` tells several users of one stream apart (a hashed name). */
  constructor(options: BackoffOptions, rand: Rand, address: number) {
    this.#options = options
    this.#rand = rand
    this.#address = address
  }

  /** How long to wait before the next attempt. Grows with each call until `reset` or a quiet while. */
  next(now: Micros): Micros {
    const { baseMicros, capMicros, jitterPercent, resetMicros } = this.#options
    if (now - this.#lastAt > resetMicros) this.#attempts = 0
    this.#lastAt = now
    const duration = doubled(baseMicros, this.#attempts, capMicros)
    this.#attempts++
    const spread = Math.floor((duration * jitterPercent) / 100)
    return duration + this.#rand.intAt(0, spread, now, this.#address, this.#attempts)
  }

  /** Back to the base. */
  reset(): void {
    this.#attempts = 0
  }
}
