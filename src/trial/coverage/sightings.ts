/**
 * Which features a campaign has seen, and in how many trials: in one, in two (and in which), or in more. More is not told
 * apart: what the estimates need are the rare ones, and a count that stops at three comes out the same in whatever order
 * trials are added, so a campaign can be taken up again and shards can be put together.
 */
import type { Frequencies } from './discovery.ts'

/** A point of the new-state curve. */
export interface CurvePoint {
  readonly trials: number
  readonly features: number
}

/** More points than a line on a terminal has places; kept even by dropping every second one when there are twice as many. */
const POINTS_MOST = 128

export class Sightings {
  /** Feature -> the trial that showed it. */
  readonly #once = new Map<number, number>()
  readonly #twice = new Map<number, readonly [number, number]>()
  readonly #common = new Set<number>()
  /** By trial, features that only it showed. */
  readonly #alone = new Map<number, number>()
  #trials = 0
  readonly #curve: CurvePoint[] = []
  #stride = 1

  get trials(): number {
    return this.#trials
  }

  get features(): number {
    return this.#once.size + this.#twice.size + this.#common.size
  }

  /** Adds a trial's features. @returns how many of them are new */
  add(features: Iterable<number>): number {
    const trial = this.#trials++
    const before = this.features
    for (const feature of features) this.#see(feature, trial)
    if (this.#trials % this.#stride === 0) this.#draw()
    return this.features - before
  }

  /** Takes features as seen that did not come from a drawn trial: what was known at the beginning is no news. */
  know(features: Iterable<number>): void {
    for (const feature of features) {
      this.#forgetAlone(feature)
      this.#once.delete(feature)
      this.#twice.delete(feature)
      this.#common.add(feature)
    }
  }

  /** 0, 1 or 2 trials showed it, or 3: more did. */
  countOf(feature: number): number {
    return this.#common.has(feature) ? 3 : this.#twice.has(feature) ? 2 : this.#once.has(feature) ? 1 : 0
  }

  frequencies(): Frequencies {
    const pairs = new Set<string>()
    for (const [first, second] of this.#twice.values()) {
      if (!this.#alone.has(first) && !this.#alone.has(second)) pairs.add(`${first} ${second}`)
    }
    return {
      trials: this.#trials,
      features: this.features,
      once: this.#once.size,
      twice: this.#twice.size,
      loneTrials: this.#alone.size,
      lonePairs: pairs.size,
    }
  }

  /** Features after so many trials, from few to all. */
  curve(): readonly CurvePoint[] {
    const last = this.#curve.at(-1)
    return last?.trials === this.#trials || this.#trials === 0
      ? [...this.#curve]
      : [...this.#curve, { trials: this.#trials, features: this.features }]
  }

  #see(feature: number, trial: number): void {
    if (this.#common.has(feature)) return
    const pair = this.#twice.get(feature)
    if (pair !== undefined) {
      if (pair[1] === trial) return
      this.#twice.delete(feature)
      this.#common.add(feature)
      return
    }
    const first = this.#once.get(feature)
    if (first === trial) return
    if (first === undefined) {
      this.#once.set(feature, trial)
      this.#alone.set(trial, (this.#alone.get(trial) ?? 0) + 1)
      return
    }
    this.#forgetAlone(feature)
    this.#once.delete(feature)
    this.#twice.set(feature, [first, trial])
  }

  #forgetAlone(feature: number): void {
    const trial = this.#once.get(feature)
    if (trial === undefined) return
    const left = (this.#alone.get(trial) ?? 0) - 1
    if (left > 0) this.#alone.set(trial, left)
    else this.#alone.delete(trial)
  }

  #draw(): void {
    this.#curve.push({ trials: this.#trials, features: this.features })
    if (this.#curve.length < POINTS_MOST) return
    this.#stride *= 2
    const kept = this.#curve.filter(({ trials }) => trials % this.#stride === 0)
    this.#curve.splice(0, this.#curve.length, ...kept)
  }
}
