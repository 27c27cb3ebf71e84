/** A set of 64-bit digests: open addressing over two arrays of words, at most half full. Nothing is ever taken out. */
export class Seen {
  size = 0
  #mask: number
  #low: Int32Array
  #high: Int32Array

  constructor(bits = 16) {
    this.#mask = (1 << bits) - 1
    this.#low = new Int32Array(1 << bits)
    this.#high = new Int32Array(1 << bits)
  }

  /** True if the digest was not there. */
  add(low: number, high: number): boolean {
    // Both words zero mean an empty place.
    const filled = (low | high) === 0 ? 1 : low
    let at = filled & this.#mask
    while (((this.#low[at] as number) | (this.#high[at] as number)) !== 0) {
      if (this.#low[at] === filled && this.#high[at] === high) return false
      at = (at + 1) & this.#mask
    }
    this.#low[at] = filled
    this.#high[at] = high
    if (++this.size * 2 > this.#mask) this.#double()
    return true
  }

  #double(): void {
    const [low, high] = [this.#low, this.#high]
    this.#mask = this.#mask * 2 + 1
    this.#low = new Int32Array(this.#mask + 1)
    this.#high = new Int32Array(this.#mask + 1)
    for (let i = 0; i < low.length; i++) {
      const [word, other] = [low[i] as number, high[i] as number]
      if ((word | other) === 0) continue
      let at = word & this.#mask
      while (((this.#low[at] as number) | (this.#high[at] as number)) !== 0) at = (at + 1) & this.#mask
      this.#low[at] = word
      this.#high[at] = other
    }
  }
}
