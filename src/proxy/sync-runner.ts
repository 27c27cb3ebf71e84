/**
 * Calls at most once a period, but lets a few calls after a rest go at once. Models pkg/util/async BoundedFrequencyRunner
 * (token bucket of `burst` tokens, retry after a failure), v1.33. Not here: the call once an hour when nothing happens.
 */
import { invariant, type Micros, type Out, type Timer, type TimerTarget } from '../kernel/index.ts'

export class SyncRunner implements TimerTarget {
  readonly #run: (out: Out) => void
  readonly #periodMicros: Micros
  readonly #burst: number
  /** The bucket would be full again at this time: the generic cell rate algorithm. */
  #fullAt: Micros = 0
  #timer: Timer = 0
  #timerAt: Micros = 0

  constructor(options: { readonly periodMicros: Micros; readonly burst: number; readonly run: (out: Out) => void }) {
    invariant(options.periodMicros > 0 && options.burst >= 1, 'proxy: syncs have a period and a burst of one or more')
    this.#run = options.run
    this.#periodMicros = options.periodMicros
    this.#burst = options.burst
  }

  /** Something changed: run as soon as the rate allows. Many requests before that are one. */
  request(out: Out): void {
    const from = Math.max(this.#fullAt, out.now)
    const wait = from - (this.#burst - 1) * this.#periodMicros - out.now
    if (wait <= 0) this.#go(out)
    else this.#arm(out, wait)
  }

  /** The last run failed: run again after `micros`, or earlier if something is requested. */
  retryAfter(micros: Micros, out: Out): void {
    this.#arm(out, micros)
  }

  /** A run has been asked for, or is to be repeated, and waits for its time. */
  get isDue(): boolean {
    return this.#timer !== 0
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#timer = 0
    this.#go(out)
  }

  #go(out: Out): void {
    out.cancel(this.#timer)
    this.#timer = 0
    this.#fullAt = Math.max(this.#fullAt, out.now) + this.#periodMicros
    this.#run(out)
  }

  #arm(out: Out, wait: Micros): void {
    if (this.#timer !== 0 && this.#timerAt <= out.now + wait) return
    out.cancel(this.#timer)
    this.#timerAt = out.now + wait
    this.#timer = out.after(wait, this, 0)
  }
}
