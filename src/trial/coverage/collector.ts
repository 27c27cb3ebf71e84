/**
 * Collects the footprint of a trial. It only listens: the trace, the verdict and everything else in the result are those of
 * a run without it.
 *
 * A feature is a 32-bit hash of a short tuple that begins with its family: a fact of a type, with what its outcome was, from
 * a kind of component, about so many times; a property reached, seen, waited for; a fault that bit. No names, no times.
 */
import type { Cluster } from '../../cluster/index.ts'
import type { Fact, ProcessId } from '../../kernel/index.ts'
import type { TrialResult } from '../result.ts'
import { Components } from './components.ts'
import { detailOf } from './fact-details.ts'
import { FeatureSet } from './feature-set.ts'
import type { Footprint } from './footprint.ts'
import { bucketOf, hashText, mix, Words } from './hash.ts'

const FACT = hashText('fact')
const COUNT = hashText('count')
const REACHED = hashText('reached')
const SEEN = hashText('seen')
const MET = hashText('met')
const BIT = hashText('bit')
const FAILED = hashText('failed')

/** The part of a result that a footprint is made of. */
type Outcome = Pick<TrialResult, 'reached' | 'seen' | 'met' | 'ledger' | 'signature'>

export class FootprintCollector {
  readonly #features = new FeatureSet()
  readonly #words = new Words()
  readonly #components: Components
  /** By type and component, how often. */
  readonly #counts = new Map<number, number>()

  constructor(cluster: Cluster) {
    this.#components = new Components(cluster.kernel)
    cluster.kernel.overhear((fact, process) => this.#onFact(fact, process))
  }

  footprint({ reached, seen, met, ledger, signature }: Outcome): Footprint {
    for (const [hash, count] of this.#counts) this.#features.add(mix(mix(COUNT, hash), bucketOf(count)))
    for (const id of reached) this.#features.add(mix(REACHED, hashText(id)))
    for (const id of seen) this.#features.add(mix(SEEN, hashText(id)))
    for (const { property, triggers } of met ?? [])
      for (const trigger of triggers) this.#features.add(mix(mix(MET, hashText(property)), hashText(trigger)))
    for (const { kind, bit } of ledger) if (bit) this.#features.add(mix(BIT, hashText(kind)))
    if (signature !== undefined) this.#features.add(mix(FAILED, hashText(signature)))
    return { features: this.#features.sorted() }
  }

  #onFact(fact: Fact, process: ProcessId): void {
    const hash = mix(mix(FACT, this.#words.hash(fact.type)), this.#components.hash(process))
    this.#counts.set(hash, (this.#counts.get(hash) ?? 0) + 1)
    this.#features.add(hash)
    const detail = detailOf(fact)
    if (detail !== undefined) this.#features.add(mix(hash, this.#words.hash(detail)))
  }
}
