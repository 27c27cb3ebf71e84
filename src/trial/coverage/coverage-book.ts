/** What a campaign has covered: the features that its trials showed, what is to be expected of more, and what faults struck. */
import { PHASES, type Phase } from './cluster-phase.ts'
import { chanceOfNews, type Estimate, type Frequencies, featuresThereAre, newFeaturesExpected } from './discovery.ts'
import { FaultMatrix, type MatrixCell, type MatrixHole, type PhaseCell } from './fault-matrix.ts'
import type { Footprint } from './footprint.ts'
import { isState } from './grain.ts'
import { type CurvePoint, Sightings } from './sightings.ts'

/** What was seen of the finer grain. */
export interface WaysSummary {
  readonly features: number
  readonly chanceOfNews: Estimate
}

/** Frequencies and estimates are of states. */
export interface CoverageSummary extends Frequencies {
  /** The chance that the next trial shows something that none did. */
  readonly chanceOfNews: Estimate
  /** New features that the next trial shows on average. */
  readonly newFeaturesExpected: number
  /** How many features there are at least, seen or not. */
  readonly featuresThereAre: Estimate
  readonly curve: readonly CurvePoint[]
  /** How things came about: steps, orders, strikes. There are far more of them than states. */
  readonly ways: WaysSummary
  /** The columns of the matrix, in order. */
  readonly phases: readonly Phase[]
  readonly faultsByPhase: readonly PhaseCell[]
  readonly matrix: readonly MatrixCell[]
  /** For each kind of fault and component that was struck, the phases in which it never bit. */
  readonly holes: readonly MatrixHole[]
}

export class CoverageBook {
  readonly #states = new Sightings()
  readonly #ways = new Sightings()
  readonly #matrix = new FaultMatrix()

  get trials(): number {
    return this.#states.trials
  }

  /** `drawn`: false for a trial that was not drawn by chance, such as one from the corpus. @returns how many features are new */
  add({ features, strikes }: Footprint, drawn: boolean): number {
    this.#matrix.add(strikes)
    const states = features.filter(isState)
    const ways = features.filter((feature) => !isState(feature))
    if (drawn) return this.#states.add(states) + this.#ways.add(ways)
    const before = this.#states.features + this.#ways.features
    this.#states.know(states)
    this.#ways.know(ways)
    return this.#states.features + this.#ways.features - before
  }

  /** Of states. */
  frequencies(): Frequencies {
    return this.#states.frequencies()
  }

  summary(): CoverageSummary {
    const frequencies = this.frequencies()
    return {
      ...frequencies,
      chanceOfNews: chanceOfNews(frequencies),
      newFeaturesExpected: newFeaturesExpected(frequencies),
      featuresThereAre: featuresThereAre(frequencies),
      curve: this.#states.curve(),
      ways: { features: this.#ways.features, chanceOfNews: chanceOfNews(this.#ways.frequencies()) },
      phases: PHASES,
      faultsByPhase: this.#matrix.byPhase(),
      matrix: this.#matrix.cells(),
      holes: this.#matrix.holes(),
    }
  }
}
