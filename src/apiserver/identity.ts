/**
 * Names and uids that the server gives out. Draws are addressed by the moment and by what is named, never by how many came before; several of
 * one prefix at one moment are told apart by their number within that moment. Models apiserver pkg/storage/names, v1.33.
 */
import { addressOf, type Rand, type Streams } from '../kernel/random.ts'
import type { Micros } from '../kernel/time.ts'
import { suffixOf } from '../objects/index.ts'

const SUFFIX_LENGTH = 5
const PREFIX_LENGTH_MAX = 58
const ATTEMPTS = 16

export class Identities {
  readonly #names: Rand
  readonly #uids: Rand
  readonly #moreUids: Rand
  #moment: Micros = -1
  readonly #sameMoment = new Map<string, number>()

  constructor(streams: Streams) {
    this.#names = streams.get('apiserver/names')
    this.#uids = streams.get('apiserver/uids')
    this.#moreUids = streams.get('apiserver/uids/more')
  }

  /** How many names of that prefix were asked for at this very moment before. */
  ordinal(namespace: string, prefix: string, now: Micros): number {
    if (now !== this.#moment) {
      this.#moment = now
      this.#sameMoment.clear()
    }
    const key = `${namespace}/${prefix}`
    const ordinal = this.#sameMoment.get(key) ?? 0
    this.#sameMoment.set(key, ordinal + 1)
    return ordinal
  }

  /** A name from a prefix: at most 58 characters of it and five of the vowel-free alphabet. */
  name(namespace: string, prefix: string, now: Micros, ordinal: number, attempt: number): string {
    const draw = this.#names.at(now, addressOf(`${namespace}/${prefix}`), ordinal * ATTEMPTS + attempt)
    return prefix.slice(0, PREFIX_LENGTH_MAX) + suffixOf(draw, SUFFIX_LENGTH)
  }

  /**
   * A uid in the form of a UUID of version 4, for what is created under `key` now. All draws at one address hang on the same 32
   * bits, of which 60,000 pods have a pair in common more often than not: so half of the words come from another address.
   */
  uid(key: string, now: Micros): string {
    const address = addressOf(key)
    const a = hex(this.#uids.at(now, address, 1))
    const b = hex(this.#uids.at(now, address, 2))
    const other = addressOf(`${now} ${key}`)
    const c = hex(this.#moreUids.at(other, now, 3))
    const d = hex(this.#moreUids.at(other, now, 4))
    return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(1, 4)}-${c.slice(4)}${d}`
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => (byte + 256).toString(16).slice(1))

function hex(word: number): string {
  return `${HEX[word >>> 24]}${HEX[(word >>> 16) & 255]}${HEX[(word >>> 8) & 255]}${HEX[word & 255]}`
}
