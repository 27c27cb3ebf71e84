/**
 * Two grains of features. A state says what was there: facts, conditions of objects, how members stand, what was reached. A way
 * says how it came: steps from one condition to the next, who came before whom, what a fault struck into. There are far more ways
 * than states, and a campaign goes on finding them long after it has seen the states; so what is said of news, and the rule
 * that ends a campaign, go by states, and search goes by both. The lowest bit of a feature tells its grain.
 */

/** Even, and not 0. */
export function asState(hash: number): number {
  return hash & ~1 || 2
}

/** Odd. */
export function asWay(hash: number): number {
  return hash | 1
}

export function isState(feature: number): boolean {
  return (feature & 1) === 0
}
