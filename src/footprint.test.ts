/** The footprint of a whole trial: it changes nothing, it is the same every time, and names and times are not in it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { standardRegistry } from './standard-registry.ts'
import { runScenario, suiteArbitrary } from './trial/index.ts'

const registry = standardRegistry()

function drawn(suite: string, numRuns: number, seed: number) {
  return fc.sample(suiteArbitrary(registry, suite), { numRuns, seed })
}

test.each([...registry.suites.keys()])('%s: a trial with its footprint is the trial without', (suite) => {
  for (const scenario of drawn(suite, 2, 5)) {
    const { footprint, ...result } = runScenario(scenario, registry, { footprint: true })
    expect(result).toEqual(runScenario(scenario, registry))
    expect(footprint?.features.length).toBeGreaterThan(50)
  }
})

test('the same scenario leaves the same footprint, rising and without a feature twice', () => {
  for (const scenario of drawn('small', 5, 9)) {
    const features = runScenario(scenario, registry, { footprint: true }).footprint?.features ?? new Uint32Array()
    expect(runScenario(scenario, registry, { footprint: true }).footprint?.features).toEqual(features)
    for (let i = 1; i < features.length; i++) expect(features[i]).toBeGreaterThan(features[i - 1] as number)
    expect(features[0]).toBeGreaterThan(0)
  }
})

test('forty trials of one suite run out of news: no name and no time is a feature', () => {
  const known = new Set<number>()
  const news: number[] = []
  for (const scenario of drawn('small', 40, 3)) {
    const { features } = runScenario(scenario, registry, { footprint: true }).footprint ?? { features: [] }
    const before = known.size
    for (const feature of features) known.add(feature)
    news.push(known.size - before)
  }
  const sum = (numbers: readonly number[]) => numbers.reduce((left, right) => left + right, 0)
  // Were a name or a time among the features, each trial would bring about as many new ones as the first.
  expect(sum(news.slice(30))).toBeLessThan((news[0] as number) * 2)
})
