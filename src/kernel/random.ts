/**
 * Named, addressed randomness. A draw is a function of (seed, stream name, address) and of nothing else: not of how many
 * draws came before. So taking one fault or one message out of a scenario leaves every other draw as it was, which is
 * what makes shrinking short. `seedrandom` (alea) makes the two key words of a stream; a murmur-style finaliser mixes
 * the address in. Addresses are virtual times, attempts, terms, hashed names: see `addressOf`.
 */
import seedrandom from 'seedrandom'

const PPM = 1_000_000

/** A stream of addressed draws. Plain data: 8 bytes of key. */
export class Rand {
  #k0: number
  #k1: number

  constructor(k0: number, k1: number) {
    this.#k0 = k0 | 0
    this.#k1 = k1 | 0
  }

  /** Draws by another key from now on: see `Streams.takeOver`. */
  rekey(k0: number, k1: number): void {
    this.#k0 = k0 | 0
    this.#k1 = k1 | 0
  }

  /** An unsigned 32-bit integer for this address. Address parts are integers; those above 32 bits are folded. */
  at(a = 0, b = 0, c = 0): number {
    let h = this.#k0
    h = mix(h, a | 0)
    h = mix(h, (a / 0x1_0000_0000) | 0)
    h = mix(h, b | 0)
    h = mix(h, (b / 0x1_0000_0000) | 0)
    h = mix(h, c | 0)
    h ^= this.#k1
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return (h ^ (h >>> 16)) >>> 0
  }

  /** An integer from `low` to `high`, both included. `high - low` must be below 2^32. */
  intAt(low: number, high: number, a = 0, b = 0, c = 0): number {
    return low + Math.floor((this.at(a, b, c) * (high - low + 1)) / 0x1_0000_0000)
  }

  /** True with a chance of `ppm` parts per million. */
  chanceAt(ppm: number, a = 0, b = 0, c = 0): boolean {
    return ppm > 0 && this.at(a, b, c) < (ppm / PPM) * 0x1_0000_0000
  }

  /** One of `items`, which must not be empty. */
  pickAt<T>(items: readonly T[], a = 0, b = 0, c = 0): T {
    return items[this.intAt(0, items.length - 1, a, b, c)] as T
  }
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  k = Math.imul(k, 0x1b873593)
  h ^= k
  h = (h << 13) | (h >>> 19)
  return (Math.imul(h, 5) + 0xe6546b64) | 0
}

/** A stable 32-bit address for a name (FNV-1a over UTF-16 code units). */
export function addressOf(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** All streams of a trial, made when first asked for. One purpose, one name: `link/3/5`, `disk/etcd-0`, `pull/web-1`. */
export class Streams {
  readonly seed: string
  readonly #byName = new Map<string, Rand>()
  #root: readonly [number, number]

  constructor(seed: string | number) {
    this.seed = String(seed)
    this.#root = rootOf(this.seed)
  }

  /**
   * Another seed decides every draw from now on; what was drawn before stays drawn. It branches a run: up to this moment
   * the same as the run of the first seed, from here on one of many.
   */
  takeOver(seed: string): void {
    this.#root = rootOf(seed)
    for (const [name, stream] of this.#byName) stream.rekey(...this.#keyOf(name))
  }

  /** The stream of that name. Made from the seed's alea words and the name's hash, so it costs no generator of its own. */
  get(name: string): Rand {
    let stream = this.#byName.get(name)
    if (stream === undefined) {
      stream = new Rand(...this.#keyOf(name))
      this.#byName.set(name, stream)
    }
    return stream
  }

  /** A classical counting generator (seedrandom's alea), for code that wants one. Its draws do depend on their order. */
  sequential(name: string): () => number {
    return seedrandom.alea(`${this.seed}/${name}`)
  }

  #keyOf(name: string): [number, number] {
    const key = new Rand(...this.#root)
    const h = addressOf(name)
    return [key.at(h, name.length, 1), key.at(h, name.length, 2)]
  }
}

function rootOf(seed: string): [number, number] {
  const root = seedrandom.alea(seed)
  return [root.int32(), root.int32()]
}
