/** A set of 32-bit hashes in one flat table: adding what is there already, which is nearly always so, costs one look. */

const SLOTS_AT_FIRST = 2048

export class FeatureSet {
  #slots = new Int32Array(SLOTS_AT_FIRST)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** True if it was not there. */
  add(feature: number): boolean {
    // An empty slot holds 0; the hash 0 shares its place with 1.
    const value = feature === 0 ? 1 : feature | 0
    const slots = this.#slots
    const last = slots.length - 1
    let at = (value ^ (value >>> 15)) & last
    for (let found = slots[at]; found !== 0; found = slots[at]) {
      if (found === value) return false
      at = (at + 1) & last
    }
    slots[at] = value
    if (++this.#size * 2 > slots.length) this.#grow()
    return true
  }

  /** All of them, rising, as numbers from 1 to 2^32 - 1. */
  sorted(): Uint32Array {
    const all = new Uint32Array(this.#size)
    let next = 0
    for (const value of this.#slots) if (value !== 0) all[next++] = value
    return all.sort()
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Int32Array(old.length * 2)
    this.#size = 0
    for (const value of old) if (value !== 0) this.add(value)
  }
}
