// The estimates, against tables worked out by hand and against worlds whose truth is known.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chanceOfNews, type Frequencies, featuresThereAre, isExhausted, newFeaturesExpected } from './discovery.ts'
import { Sightings } from './sightings.ts'

function frequencies(parts: Partial<Frequencies>): Frequencies {
  return { trials: 0, features: 0, once: 0, twice: 0, loneTrials: 0, lonePairs: 0, ...parts }
}

test.each([
  // Nobody has looked yet.
  [{}, 1, 0, 1],
  // Wilson's interval for 10 of 100.
  [{ trials: 100, loneTrials: 10 }, 0.1, 0.0552, 0.1744],
  // The same with twenty pairs: worth 100 / (1 + 40 / 9) trials.
  [{ trials: 100, loneTrials: 10, lonePairs: 20 }, 0.1, 0.0265, 0.3119],
  // Nothing rare in a hundred trials: still one in 27 may be.
  [{ trials: 100 }, 0, 0, 0.037],
  // Every trial showed something of its own.
  [{ trials: 4, loneTrials: 4 }, 1, 0.5101, 1],
])('the chance of news with %o is %f, within %f and %f', (parts, value, low, high) => {
  const estimate = chanceOfNews(frequencies(parts))
  expect(estimate.value).toBeCloseTo(value, 4)
  expect(estimate.low).toBeCloseTo(low, 4)
  expect(estimate.high).toBeCloseTo(high, 4)
})

test.each([
  // Chao2: 50 + 9/10 * 400 / 20.
  [{ trials: 10, features: 50, once: 20, twice: 10 }, 68],
  // Without doubles: 5 + 9/10 * 3 * 2 / 2.
  [{ trials: 10, features: 5, once: 3, twice: 0 }, 7.7],
  // Nothing is rare: all was seen.
  [{ trials: 10, features: 5 }, 5],
  [{}, 0],
])('with %o there are %f features', (parts, value) => {
  const estimate = featuresThereAre(frequencies(parts))
  expect(estimate.value).toBeCloseTo(value, 9)
  expect(estimate.low).toBeGreaterThanOrEqual(frequencies(parts).features)
  expect(estimate.high).toBeGreaterThanOrEqual(estimate.value)
})

test('a mean of new features is no chance: forty features of one trial are one piece of news', () => {
  const sightings = new Sightings()
  for (let trial = 0; trial < 10; trial++) sightings.add([1, 2])
  sightings.add([1, ...Array.from({ length: 40 }, (_, index) => 100 + index)])
  const found = sightings.frequencies()
  expect(chanceOfNews(found).value).toBeCloseTo(1 / 11, 9)
  expect(newFeaturesExpected(found)).toBeCloseTo(40 / 11, 9)
})

test('the rule asks for a sample: nothing rare in 380 trials is not enough for one in a hundred, in 381 it is', () => {
  expect(isExhausted(frequencies({ trials: 380 }), 0.01)).toBe(false)
  expect(isExhausted(frequencies({ trials: 381 }), 0.01)).toBe(true)
  expect(isExhausted(frequencies({ trials: 381, loneTrials: 1 }), 0.01)).toBe(false)
  expect(isExhausted(frequencies({}), 0.999)).toBe(false)
})

/** A small generator of our own, so that the worlds are the same for ever. */
function chance(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** Groups of features that come together, each with its probability in a trial. */
type World = readonly { readonly probability: number; readonly size: number }[]

const WORLDS: readonly (readonly [string, World, number])[] = [
  // Many rare things alone: most of the news is still to come.
  [
    'few trials of a long tail',
    Array.from({ length: 3_000 }, (_, rank) => ({ probability: 0.9 / (1 + rank), size: 1 })),
    60,
  ],
  [
    'many trials of a long tail',
    Array.from({ length: 300 }, (_, rank) => ({ probability: 0.5 / (1 + rank * rank), size: 1 })),
    400,
  ],
  [
    'features that come in bundles',
    Array.from({ length: 200 }, (_, rank) => ({ probability: 0.4 / (1 + rank), size: 1 + (rank % 30) })),
    200,
  ],
  ['equally rare features', Array.from({ length: 100 }, () => ({ probability: 0.004, size: 2 })), 300],
]

/** Runs `trials` in the world, and tells what is true of the next one. */
function sail(world: World, trials: number, seed: number) {
  const draw = chance(seed)
  const sightings = new Sightings()
  const seen = new Set<number>()
  for (let trial = 0; trial < trials; trial++) {
    const features: number[] = []
    for (const [group, { probability, size }] of world.entries()) {
      if (draw() >= probability) continue
      seen.add(group)
      for (let member = 0; member < size; member++) features.push(group * 100 + member)
    }
    sightings.add(features)
  }
  let none = 1
  let expected = 0
  for (const [group, { probability, size }] of world.entries()) {
    if (seen.has(group)) continue
    none *= 1 - probability
    expected += probability * size
  }
  return { found: sightings.frequencies(), chance: 1 - none, expected }
}

const VOYAGES = 200

test.each(
  WORLDS,
)('%s: the truth lies within the interval about as often as it says, and the mean is right', (_, world, trials) => {
  let within = 0
  let estimated = 0
  let true_ = 0
  let newEstimated = 0
  let newTrue = 0
  for (let seed = 1; seed <= VOYAGES; seed++) {
    const { found, chance: truth, expected } = sail(world, trials, seed * 7919)
    const { value, low, high } = chanceOfNews(found)
    if (low <= truth && truth <= high) within++
    estimated += value / VOYAGES
    true_ += truth / VOYAGES
    newEstimated += newFeaturesExpected(found) / VOYAGES
    newTrue += expected / VOYAGES
  }
  expect(within / VOYAGES).toBeGreaterThan(0.91)
  expect(Math.abs(estimated - true_)).toBeLessThan(0.02)
  expect(Math.abs(newEstimated - newTrue)).toBeLessThan(0.05 * Math.max(1, newTrue))
})

test('Chao2 is a lower bound on average, and close where features are equally rare', () => {
  for (const [name, world, trials] of WORLDS) {
    const all = world.reduce((sum, { size }) => sum + size, 0)
    let mean = 0
    for (let seed = 1; seed <= VOYAGES / 4; seed++)
      mean += featuresThereAre(sail(world, trials, seed * 104_729).found).value / (VOYAGES / 4)
    expect(mean).toBeLessThan(all * 1.08)
    if (name === 'equally rare features') expect(mean).toBeGreaterThan(all * 0.92)
  }
})

test('the order of trials, and what was known before, change nothing in the counts', () => {
  const trial = fc.uniqueArray(fc.nat(30), { maxLength: 8 })
  fc.assert(
    fc.property(fc.array(trial, { maxLength: 20 }), fc.array(fc.nat(30), { maxLength: 5 }), (trials, known) => {
      const forth = new Sightings()
      const back = new Sightings()
      forth.know(known)
      for (const features of trials) forth.add(features)
      for (const features of trials.toReversed()) back.add(features)
      back.know(known)
      expect(back.frequencies()).toEqual(forth.frequencies())
      expect(forth.frequencies()).toEqual(plainly(trials, known))
    }),
    { seed: 1, numRuns: 500 },
  )
})

/** The same counts without any bookkeeping. */
function plainly(trials: readonly (readonly number[])[], known: readonly number[]): Frequencies {
  const everything = new Set([...known, ...trials.flat()])
  const holders = (feature: number) =>
    known.includes(feature) ? [] : trials.flatMap((one, at) => (one.includes(feature) ? [at] : []))
  const ofCount = (count: number) => [...everything].map(holders).filter(({ length }) => length === count)
  const lone = new Set(ofCount(1).flat())
  const pairs = ofCount(2).filter((pair) => !pair.some((at) => lone.has(at)))
  return {
    trials: trials.length,
    features: everything.size,
    once: ofCount(1).length,
    twice: ofCount(2).length,
    loneTrials: lone.size,
    lonePairs: new Set(pairs.map(String)).size,
  }
}

test('the curve never falls, ends at the end, and stays short', () => {
  const sightings = new Sightings()
  expect(sightings.curve()).toEqual([])
  for (let trial = 1; trial <= 1_001; trial++) sightings.add([trial % 2 === 0 ? trial : 1])
  const curve = sightings.curve()
  expect(curve.at(-1)).toEqual({ trials: 1_001, features: 501 })
  expect(curve.length).toBeLessThanOrEqual(130)
  expect(curve.length).toBeGreaterThan(40)
  for (let i = 1; i < curve.length; i++) {
    expect(curve[i]?.trials).toBeGreaterThan(curve[i - 1]?.trials ?? 0)
    expect(curve[i]?.features).toBeGreaterThanOrEqual(curve[i - 1]?.features ?? 0)
  }
})
