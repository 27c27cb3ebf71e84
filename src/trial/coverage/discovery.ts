/**
 * What a campaign may still find, judged by how rare its features are. Trials are samples that each show a set of features
 * (incidence data), drawn alike and independently: what holds for a plain draw from suites, and not for a search that
 * follows what it found.
 *
 * The chance that the next trial shows at least one feature that none before it did is estimated by leaving out each trial
 * in turn: the share of trials which alone showed something, Good and Turing's idea for trials instead of animals (Good,
 * "The population frequencies of species", 1953; Böhme, "STADS: software testing as species discovery", 2018; Böhme,
 * Liyanage and Wüstholz, "Estimating residual risk in greybox fuzzing", 2021). The interval is Wilson's, widened as Esty
 * found for Good-Turing (1983): what only two trials have in common makes them lone ones together.
 *
 * How many features there are is Chao's estimate for incidence data, a lower bound (Chao, "Estimating the population size
 * for capture-recapture data with unequal catchability", 1987).
 */

/** An estimate and the ends of its interval of 95 %. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** The frequencies from which all is estimated. */
export interface Frequencies {
  readonly trials: number
  /** Features seen in some trial. */
  readonly features: number
  /** Features seen in one trial only, and in two. */
  readonly once: number
  readonly twice: number
  /** Trials that showed a feature which no other did. */
  readonly loneTrials: number
  /** Pairs of other trials which showed a feature that no third did. */
  readonly lonePairs: number
}

/** Of a normal distribution, 95 % lies within so many deviations. */
const DEVIATIONS = 1.96

/** The chance that the next trial shows something new. Before the first trial nothing is known. */
export function chanceOfNews({ trials, loneTrials, lonePairs }: Frequencies): Estimate {
  if (trials === 0) return { value: 1, low: 0, high: 1 }
  const value = loneTrials / trials
  const spread = loneTrials * (1 - value)
  // So many times more does it vary than the count of independent trials would; and so many fewer trials it is worth.
  const widening = 1 + (2 * lonePairs) / Math.max(1, spread)
  const [low, high] = wilson(value, trials / widening)
  return { value, low, high }
}

/** The mean number of new features that the next trial shows: it may be one trial in ten that shows ten. */
export function newFeaturesExpected({ trials, once }: Frequencies): number {
  return trials === 0 ? 0 : once / trials
}

/** Chao2: how many features there are, at least, seen or not. */
export function featuresThereAre({ trials, features, once, twice }: Frequencies): Estimate {
  if (trials === 0) return { value: 0, low: 0, high: 0 }
  const share = (trials - 1) / trials
  const unseen = twice > 0 ? (share * once * once) / (2 * twice) : (share * once * (once - 1)) / 2
  const value = features + unseen
  const deviation = Math.sqrt(Math.max(0, varianceOfUnseen(share, once, twice, value)))
  return { value, low: Math.max(features, value - DEVIATIONS * deviation), high: value + DEVIATIONS * deviation }
}

/** Chao's own, with few doubles and without. */
function varianceOfUnseen(share: number, once: number, twice: number, value: number): number {
  if (twice === 0) {
    const doubled = 2 * once - 1
    const cut = value === 0 ? 0 : (share * share * once * once * once * once) / (4 * value)
    return (share * once * (once - 1)) / 2 + (share * share * once * doubled * doubled) / 4 - cut
  }
  const ratio = once / twice
  return twice * ((share * ratio * ratio) / 2 + share * share * ratio * ratio * ratio * (1 + ratio / 4))
}

/** Wilson's interval for a share of `trials`, which need not be whole. It has a width where the share is 0 or 1. */
function wilson(share: number, trials: number): readonly [number, number] {
  const square = DEVIATIONS * DEVIATIONS
  const centre = (share + square / (2 * trials)) / (1 + square / trials)
  const half =
    (DEVIATIONS * Math.sqrt((share * (1 - share)) / trials + square / (4 * trials * trials))) / (1 + square / trials)
  return [Math.max(0, centre - half), Math.min(1, centre + half)]
}

/**
 * The rule that ends a campaign: with 95 % confidence fewer than one in `1 / rate` trials would still show something new.
 * It needs the upper end of the interval, so it asks for a sample of its own accord: some `3.8 / rate` trials if nothing is
 * rare, more if much is.
 */
export function isExhausted(frequencies: Frequencies, rate: number): boolean {
  return chanceOfNews(frequencies).high < rate
}
