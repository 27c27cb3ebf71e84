/** Features are 32-bit hashes of short tuples: the same on every machine, made of texts and whole numbers only. */

/** A text as 32 bits: FNV-1a over its UTF-16 code units, closed with a round of murmur so that short texts differ in all bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return close(hash)
}

/** Words such as fact types and component kinds come again and again; names of objects must not be hashed this way. */
export class Words {
  readonly #hashes = new Map<string, number>()

  hash(word: string): number {
    const known = this.#hashes.get(word)
    if (known !== undefined) return known
    const hash = hashText(word)
    this.#hashes.set(word, hash)
    return hash
  }
}

/** One more number in a tuple's hash. The order counts. */
export function mix(hash: number, next: number): number {
  const turned = Math.imul(next, 0xcc9e2d51)
  const word = Math.imul((turned << 15) | (turned >>> 17), 0x1b873593)
  const mixed = hash ^ word
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function close(hash: number): number {
  let closed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  closed = Math.imul(closed ^ (closed >>> 13), 0xc2b2ae35)
  return (closed ^ (closed >>> 16)) | 0
}

/** How many, roughly: 0, 1, 2, 3-4, 5-8, 9-16, 17-32, more. */
export function bucketOf(count: number): number {
  if (count <= 2) return count < 0 ? 0 : count
  return Math.min(7, 33 - Math.clz32(count - 1))
}
