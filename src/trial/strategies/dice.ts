/**
 * Chance for strategies: a row of draws from a seed and a name. Unlike the draws inside a trial they are counted; a lane is
 * always gone through from its beginning, so its draws come in the same order each time.
 */
import { invariant, type Rand, Streams } from '../../kernel/index.ts'

export class Dice {
  readonly #stream: Rand
  #count = 0

  constructor(seed: string | number, name: string) {
    this.#stream = new Streams(seed).get(name)
  }

  /** A whole number, both ends included. */
  integer(low: number, high: number): number {
    invariant(high >= low, 'trial: a draw has something to choose from', { low, high })
    return this.#stream.intAt(low, high, this.#count++)
  }

  /** True `times` times in `of`. */
  chance(times: number, of: number): boolean {
    return this.integer(1, of) <= times
  }

  /** One of the items, of which there must be at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)] as T
  }

  /** At most `most` of the items, in their order. */
  some<T>(items: readonly T[], most: number): T[] {
    const left = [...items]
    while (left.length > most) left.splice(this.integer(0, left.length - 1), 1)
    return left
  }

  /** The items of which each stays with one chance in two; at least one, if there are any. */
  half<T>(items: readonly T[]): T[] {
    if (items.length === 0) return []
    const always = this.integer(0, items.length - 1)
    return items.filter((_, index) => this.chance(1, 2) || index === always)
  }
}
