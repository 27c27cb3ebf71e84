/** Mutations one by one, and any pile of them: what comes out can run and is not what went in. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SECOND } from '../../kernel/index.ts'
import { mistakesOf } from '../check-scenario.ts'
import type { Scenario } from '../scenario.ts'
import { fakeRegistry, fakeScenario, jolt } from '../testing.ts'
import { Dice } from './dice.ts'
import { MUTATIONS, mutated } from './mutate.ts'

const registry = fakeRegistry()
const parent = fakeScenario({ faults: [jolt('f1', 2 * SECOND), jolt('f2', 8 * SECOND, 3 * SECOND, 'node-1')] })
const donor = fakeScenario({
  faults: [jolt('f1', 5 * SECOND, 7 * SECOND, 'node-1')],
  workload: [{ id: 'w1', atMicros: 6 * SECOND, kind: 'cordon', node: 'node-0' }],
})

/** What a mutation makes of the parent, under many draws. */
function outcomes(name: string): Scenario[] {
  return Array.from({ length: 40 }, (_, seed) => MUTATIONS[name]!(parent, donor, new Dice(seed, 'test')))
}

test('each mutation changes what its name says, and nothing else', () => {
  const sizes = (name: string) =>
    new Set(outcomes(name).map(({ faults, workload }) => `${faults.length}+${workload.length}`))
  expect(sizes('take out')).toEqual(new Set(['1+0']))
  expect(sizes('put in')).toEqual(new Set(['3+0', '2+1']))
  expect(sizes('again')).toEqual(new Set(['3+0']))
  for (const name of ['move', 'last', 'renumber', 'retarget', 'reseed']) expect(sizes(name)).toEqual(new Set(['2+0']))
  for (const one of outcomes('move')) {
    const [first, second] = one.faults
    expect([first?.atMicros === 2 * SECOND, second?.atMicros === 8 * SECOND]).toContain(true)
    expect(one.faults.map(({ durationMicros }) => durationMicros)).toEqual([SECOND, 3 * SECOND])
  }
  expect(new Set(outcomes('last').map(({ faults }) => faults[0]?.durationMicros))).toContain(SECOND / 2)
  expect(new Set(outcomes('retarget').map(({ faults }) => faults[0]?.parameters.target))).toContain('node-1')
  expect(new Set(outcomes('reseed').map(({ seed }) => seed)).size).toBe(40)
  // Before the cut the one, behind it the other.
  for (const { faults, workload } of outcomes('splice')) {
    const last = Math.max(0, ...faults.filter(({ id }) => id === 'f2').map(({ atMicros }) => atMicros))
    if (workload.length === 1) expect(last).toBe(0)
  }
})

test('times stay where the suite draws them: not before the earliest, not in the last five seconds', () => {
  for (const one of outcomes('move'))
    for (const { atMicros } of one.faults) {
      expect(atMicros).toBeGreaterThanOrEqual(2 * SECOND)
      expect(atMicros).toBeLessThanOrEqual(15 * SECOND)
    }
})

test('whatever mutations pile up, what comes out can run, differs, and has its names in order of time', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 12 }), (seed, rounds) => {
      const dice = new Dice(seed, 'pile')
      let scenario: Scenario = parent
      for (let round = 0; round < rounds; round++) {
        const before = scenario
        const next = mutated(scenario, donor, registry, dice)
        if (next === undefined) continue
        scenario = next.scenario
        expect(mistakesOf(scenario, registry)).toEqual([])
        expect(next.mutations.length).toBeGreaterThan(0)
        expect(scenario.faults.length + scenario.workload.length).toBeGreaterThan(0)
        expect(before.topology).toBe(scenario.topology)
      }
      for (const [list, prefix] of [
        [scenario.faults, 'f'],
        [scenario.workload, 'w'],
      ] as const) {
        expect(list.map(({ id }) => id)).toEqual(list.map((_, index) => `${prefix}${index + 1}`))
        expect(list.map(({ atMicros }) => atMicros)).toEqual(
          list.map(({ atMicros }) => atMicros).toSorted((a, b) => a - b),
        )
      }
      expect(scenario.faults.length).toBeLessThanOrEqual(10)
      expect(scenario.workload.length).toBeLessThanOrEqual(8)
    }),
    { seed: 41, numRuns: 200 },
  )
})

test('a scenario of which no mutation can run is given up', () => {
  const elsewhere = { ...parent, faults: [jolt('f1', SECOND, SECOND, 'node-99')] }
  expect(mutated(elsewhere, elsewhere, registry, new Dice(1, 'none'))).toBeUndefined()
})
