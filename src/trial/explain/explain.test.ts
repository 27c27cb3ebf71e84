// What explanations are computed from: ablation, certainty and the nearest passing neighbour on failures whose causes are
// known by construction.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SECOND } from '../../kernel/index.ts'
import type { TrialResult } from '../result.ts'
import type { Scenario } from '../scenario.ts'
import { fakeRegistry, fakeScenario, jolt } from '../testing.ts'
import { ablate } from './ablation.ts'
import { findCertainty } from './certainty.ts'
import { choices, itemsOf, withItems } from './items.ts'
import { nearestPassing } from './neighbour.ts'
import type { RunTrial } from './recording.ts'

function ended(fails: boolean): TrialResult {
  return {
    verdict: fails ? 'failed' : 'passed',
    scenarioId: '',
    ...(fails ? { signature: 'p/s/x' } : {}),
    traceHash: '',
    virtualMicros: 0,
    steps: 0,
    ledger: [],
    reached: [],
    seen: [],
    facts: [],
  }
}

const failingIf =
  (condition: (scenario: Scenario) => boolean): RunTrial =>
  (scenario) =>
    ended(condition(scenario))

const faults = (count: number) =>
  fakeScenario({ faults: Array.from({ length: count }, (_, index) => jolt(`f${index}`, (index + 1) * SECOND)) })

const ids = (scenario: Scenario) => scenario.faults.map(({ id }) => id)

test('what is left fails, nothing of it can go, and the least sets are found', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
      (count, wanted) => {
        // It fails when all of any one of these sets are there: not monotone in what a greedy search would leave.
        const sets = [...wanted, Array.from({ length: count }, (_, index) => index)].map((set) =>
          set.filter((index) => index < count).map((index) => `f${index}`),
        )
        const fails = (scenario: Scenario) => sets.some((set) => set.every((id) => ids(scenario).includes(id)))
        const ablation = ablate(faults(count), 'p/s/x', failingIf(fails))
        expect(fails(ablation.scenario)).toBe(true)
        for (const { item, passesWithout } of ablation.needed) {
          const without = withItems(
            ablation.scenario,
            itemsOf(ablation.scenario).filter(({ id }) => id !== item.id),
          )
          expect([passesWithout, fails(without)]).toEqual([true, false])
        }
        expect(ablation.needed.length + ablation.unneeded.length).toBe(count)
        if (ablation.exhaustive) expect(ablation.subsetsFailing).toBe(0)
      },
    ),
    { seed: 4, numRuns: 300 },
  )
})

test('a greedy dead end is left for the smaller choice that fails too', () => {
  // All three together, or the last alone with the first gone: one at a time, nothing of the three can be left out.
  const fails = (scenario: Scenario) => ['f0,f1,f2', 'f1'].includes(ids(scenario).join())
  const ablation = ablate(faults(3), 'p/s/x', failingIf(fails))
  expect(ids(ablation.scenario)).toEqual(['f1'])
})

test('choices are all of them, each once, in order', () => {
  expect([...choices(['a', 'b', 'c', 'd'], 2)].map((choice) => choice.join(''))).toEqual([
    'ab',
    'ac',
    'ad',
    'bc',
    'bd',
    'cd',
  ])
  expect([...choices(['a'], 0)]).toEqual([[]])
})

test('the moment from which failure was certain is found by halving', () => {
  const sure = 7_654_321
  // Earlier branches fail by chance: those with an even number.
  const run: RunTrial = (_scenario, options) => {
    const { atMicros, seed } = options!.branch!
    return ended(atMicros >= sure || Number(seed.split('/').at(-1)) % 2 === 0)
  }
  const found = findCertainty(fakeScenario(), 'p/s/x', 20 * SECOND, [5 * SECOND], run)
  expect(found.certainFromMicros! - sure).toBeGreaterThanOrEqual(0)
  expect(found.certainFromMicros! - sure).toBeLessThanOrEqual(found.withinMicros)
  expect(found.withinMicros).toBeLessThanOrEqual(100)
  for (const { atMicros, failing, branches } of found.points) expect(failing).toBe(atMicros >= sure ? branches : 5)
  const always = findCertainty(fakeScenario(), 'p/s/x', 20 * SECOND, [], () => ended(true))
  expect(always.certainFromMicros).toBe(0)
  const never = findCertainty(fakeScenario(), 'p/s/x', 20 * SECOND, [], () => ended(false))
  expect(never.certainFromMicros).toBeUndefined()
})

test('the nearest neighbour that passes moves the dial that needs the least', () => {
  const scenario = fakeScenario({ faults: [jolt('f0', 3 * SECOND), jolt('f1', 9 * SECOND)] })
  const jolts = fakeRegistry()
  // Both must strike less than 8 s apart, and the first may not last less than 900 ms.
  const fails = ({ faults: [a, b] }: Scenario) =>
    a !== undefined && b !== undefined && b.atMicros - a.atMicros < 8 * SECOND && a.atMicros > 2_950_000
  const found = nearestPassing(scenario, jolts, failingIf(fails))
  expect([found?.item.id, found?.field]).toEqual(['f0', 'atMicros'])
  expect(found!.to).toBeLessThanOrEqual(2_950_000)
  expect(found!.to).toBeGreaterThan(2_930_000)
  expect(found?.result.verdict).toBe('passed')
  const stubborn = nearestPassing(
    scenario,
    jolts,
    failingIf((candidate) => ids(candidate).includes('f0')),
  )
  expect([stubborn?.field, stubborn?.item.id]).toEqual([undefined, 'f0'])
  expect(
    nearestPassing(
      scenario,
      jolts,
      failingIf(() => true),
    ),
  ).toBeUndefined()
})
