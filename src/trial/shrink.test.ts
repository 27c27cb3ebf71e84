/** Failures that show at the end of the quiet phase only: shrunk under a part of it, and held to all of it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import type { TrialResult } from './result.ts'
import type { Scenario } from './scenario.ts'
import { ScenarioArbitrary } from './scenario-arbitrary.ts'
import { asValue, shrinkFailure } from './shrink.ts'
import { fakeRegistry, fakeScenario, jolt } from './testing.ts'

const registry = fakeRegistry()
const DRAWN = fakeScenario({
  faults: Array.from({ length: 8 }, (_, index) => jolt(`f${index}`, (index + 1) * SECOND)),
  durationMicros: 20 * SECOND,
  settleMicros: 1_600 * SECOND,
})

/** A cluster that comes to rest so long after the active phase; what it costs to see that, in virtual time. */
function world(restsAfter: (scenario: Scenario) => number) {
  const seen: Scenario[] = []
  let cost = 0
  const run = (scenario: Scenario): TrialResult => {
    seen.push(scenario)
    const needs = restsAfter(scenario)
    const late = needs > scenario.settleMicros
    const virtualMicros = scenario.durationMicros + Math.min(needs, scenario.settleMicros)
    cost += virtualMicros
    return {
      verdict: late ? 'failed' : 'passed',
      scenarioId: scenario.seed,
      ...(late ? { signature: 'restless' } : {}),
      traceHash: '',
      virtualMicros,
      steps: 0,
      ledger: [],
      reached: [],
      seen: [],
      facts: [],
    }
  }
  const shrink = (options = {}) => {
    const arbitrary = new ScenarioArbitrary(fc.constant(DRAWN), registry)
    const first = run(DRAWN)
    cost = 0
    seen.length = 0
    return { ...shrinkFailure(arbitrary, asValue(DRAWN), '0', first, run, options), cost, seen }
  }
  return { run, shrink }
}

const has = (scenario: Scenario, id: string) => scenario.faults.some((fault) => fault.id === id)
const ids = ({ faults }: Scenario) => faults.map(({ id }) => id)

test('one that never rests costs a few whole runs at most, and ends where a walk under the whole phase ends', () => {
  const { run, shrink } = world((scenario) => (has(scenario, 'f3') && has(scenario, 'f6') ? 1e15 : SECOND))
  const { scenario, result, complete, accepted, cost, seen } = shrink()
  expect(ids(scenario)).toEqual(['f3', 'f6'])
  expect(complete).toBe(true)
  expect(scenario.settleMicros).toBe(DRAWN.settleMicros)
  const whole = seen.filter(
    (candidate) => candidate.settleMicros === DRAWN.settleMicros && has(candidate, 'f3') && has(candidate, 'f6'),
  )
  expect(whole.length).toBe(1)
  expect(result).toEqual(run(scenario))
  expect(accepted).toBeGreaterThan(8)
  expect(cost).toBeLessThan(3.5 * (DRAWN.durationMicros + DRAWN.settleMicros))
})

test('what only needs longer than the part is not taken for it: the next part, or all of the phase, decides', () => {
  for (const [slow, parts] of [
    [50 * SECOND, 2],
    [200 * SECOND, 3],
    [900 * SECOND, 3],
  ] as const) {
    const { shrink } = world((scenario) => (has(scenario, 'f3') ? 1e15 : slow))
    const { scenario, complete, seen } = shrink()
    expect(ids(scenario)).toEqual(['f3'])
    expect(complete).toBe(true)
    expect(new Set(seen.map(({ settleMicros }) => settleMicros)).size).toBe(parts)
  }
})

test('a failure that does not wait for the end is shrunk under the phase that it has', () => {
  const { shrink } = world((scenario) => (has(scenario, 'f3') ? 1e15 : SECOND))
  const arbitrary = new ScenarioArbitrary(fc.constant(DRAWN), registry)
  const seen: number[] = []
  const early = (scenario: Scenario): TrialResult => {
    seen.push(scenario.settleMicros)
    const { verdict, signature, ...rest } = world(() => 1e15).run(scenario)
    return has(scenario, 'f3') ? { ...rest, verdict, signature, virtualMicros: SECOND } : { ...rest, verdict: 'passed' }
  }
  expect(ids(shrinkFailure(arbitrary, asValue(DRAWN), '0', early(DRAWN), early).scenario)).toEqual(['f3'])
  expect(new Set(seen)).toEqual(new Set([DRAWN.settleMicros]))
  expect(ids(shrink().scenario)).toEqual(['f3'])
})

test('whatever ends the search, what it answers has failed under the whole phase', () => {
  for (let maximumExecutions = 0; maximumExecutions <= 60; maximumExecutions++) {
    const { run, shrink } = world((scenario) => (has(scenario, 'f3') && has(scenario, 'f6') ? 1e15 : SECOND))
    const { scenario, result, executions } = shrink({ maximumExecutions })
    expect(executions).toBeLessThanOrEqual(maximumExecutions)
    expect(result).toEqual(run(scenario))
    expect(result.signature).toBe('restless')
  }
})
