/**
 * Which configurations of the search were seen: which operations have taken effect, and the state that they left. After
 * Lowe, "Testing for linearizability" (2017): two orders of the same operations that leave the same state have the same
 * future. Here one step further: of operations of unknown outcome fewer are better, since those not yet used may still
 * take effect or never; so a configuration is also known if another one has it all with some of the unknowns still to spare.
 */
import { isSubset, type UnknownSet } from './unknowns.ts'

type Sets = UnknownSet | null | (UnknownSet | null)[]

/** Of sets to remember for one set of answered operations and one state. */
const MOST_SETS = 64

export class Visited {
  readonly #byKey = new Map<string, Sets>()

  /** Notes the configuration. False if it, or a better one, was there before. */
  add(key: string, unknowns: UnknownSet | undefined): boolean {
    const set = unknowns ?? null
    const known = this.#byKey.get(key)
    if (known === undefined) {
      this.#byKey.set(key, set)
      return true
    }
    if (!Array.isArray(known)) {
      if (isSubset(known ?? undefined, unknowns)) return false
      this.#byKey.set(key, isSubset(unknowns, known ?? undefined) ? set : [known, set])
      return true
    }
    for (const one of known) if (isSubset(one ?? undefined, unknowns)) return false
    // A long list costs more than it spares. Not to remember is safe: something may be looked at twice.
    if (known.length >= MOST_SETS) return true
    const kept = known.filter((one) => !isSubset(unknowns, one ?? undefined))
    kept.push(set)
    this.#byKey.set(key, kept)
    return true
  }
}

/**
 * The required operations that have taken effect, by their place in the order of calls. All below the first that has not
 * are in, so a set is that place and the bits after it: as long as the operations that overlap, not as the history.
 */
export class PlacedSet {
  readonly #words: Int32Array
  #highest = -1

  constructor(size: number) {
    this.#words = new Int32Array((size >>> 5) + 1)
  }

  /** Gives what `remove` needs. */
  add(index: number): number {
    const before = this.#highest
    this.#words[index >>> 5]! |= 1 << (index & 31)
    if (index > before) this.#highest = index
    return before
  }

  /** Undoes an `add`, the last one first. */
  remove(index: number, highestBefore: number): void {
    this.#words[index >>> 5]! &= ~(1 << (index & 31))
    this.#highest = highestBefore
  }

  /** The set as text, given the first place that is not in it. */
  window(first: number): string {
    if (this.#highest < first) return `${first}`
    let word = first >>> 5
    const last = this.#highest >>> 5
    // Bits up to `first` say nothing new.
    const head = this.#words[word]! & (-2 << (first & 31))
    let text = `${first},${head}`
    while (++word <= last) text += `,${this.#words[word]}`
    return text
  }
}
