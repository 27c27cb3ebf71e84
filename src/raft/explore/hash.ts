/**
 * Sixty-four bits for a sequence of integers, as two words of 32 that are mixed apart: two states that differ share both
 * words about once in 2^64 pairs. Also the growing table of words that everything explored is kept in.
 */

/** Mixes `numbers` into two words at `at` and `at + 1` of `words`. */
export function digest(numbers: readonly number[], words: Int32Array, at: number): void {
  let a = 0x9e3779b9 | 0
  let b = 0x85ebca6b | 0
  for (let i = 0; i < numbers.length; i++) {
    const n = numbers[i] as number
    a = Math.imul(a ^ n, 0xcc9e2d51)
    a = Math.imul((a << 15) | (a >>> 17), 0x1b873593) + i
    b = Math.imul(b + n, 0x2c1b3c6d)
    b = Math.imul(b ^ (b >>> 12), 0x297a2d39) ^ (i << 7)
  }
  words[at] = avalanche(a ^ numbers.length)
  words[at + 1] = avalanche(b + 0x165667b1)
}

/** Every bit of a word reaches every other. */
export function avalanche(word: number): number {
  let x = word | 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return x ^ (x >>> 16)
}

/** Words that grow by doubling; rows of one width are added at the end. */
export class Words {
  data: Int32Array
  length = 0

  constructor(room = 1_024) {
    this.data = new Int32Array(room)
  }

  /** Makes room for `count` more words and gives their place. */
  grow(count: number): number {
    const at = this.length
    this.length += count
    if (this.length > this.data.length) {
      const wider = new Int32Array(Math.max(this.length, this.data.length * 2))
      wider.set(this.data)
      this.data = wider
    }
    return at
  }
}
