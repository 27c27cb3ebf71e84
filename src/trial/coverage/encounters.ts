/**
 * Who came before whom: two facts that follow each other about one object, from different processes, make a shape of what
 * they are, whose they are, and whether they came nearly at once or with time between. The shapes are what is left of
 * happens-before when all names and moments are taken away; races differ in them first.
 */
import type { Micros } from '../../kernel/index.ts'
import type { FeatureSet } from './feature-set.ts'
import { asWay } from './grain.ts'
import { hashText, mix, type Words } from './hash.ts'

interface Last {
  what: number
  who: number
  at: Micros
}

const SHAPE = hashText('shape')
/** Shorter than a message and its answer take. */
const AT_ONCE_MICROS: Micros = 5_000

export class Encounters {
  readonly #features: FeatureSet
  readonly #words: Words
  readonly #last = new Map<string, Map<string, Last>>()

  constructor(features: FeatureSet, words: Words) {
    this.#features = features
    this.#words = words
  }

  /** `what`: the fact and its component, hashed; `who`: one process is not told from itself. */
  add(kind: string, key: string, what: number, who: number, at: Micros): void {
    let ofKind = this.#last.get(kind)
    if (ofKind === undefined) {
      ofKind = new Map()
      this.#last.set(kind, ofKind)
    }
    const last = ofKind.get(key)
    if (last === undefined) {
      ofKind.set(key, { what, who, at })
      return
    }
    if (last.who !== who) {
      const nearness = at - last.at < AT_ONCE_MICROS ? 0 : 1
      this.#features.add(asWay(mix(mix(mix(mix(SHAPE, this.#words.hash(kind)), last.what), what), nearness)))
    }
    last.what = what
    last.who = who
    last.at = at
  }
}
