/** Strategies on the real suites: what they make can run, differs from plain search, replays by its name, and shrinks. */
import { expect, test } from 'vitest'
import { standardRegistry } from './standard-registry.ts'
import {
  assertRunnable,
  canonicalText,
  parseScenario,
  parseTrialId,
  printScenario,
  printTrialId,
  runScenario,
  SHRINK_PASSES,
  STRATEGIES,
  scenarioOfTrial,
  scenariosFrom,
  suiteArbitrary,
} from './trial/index.ts'

const registry = standardRegistry()
const SEED = 20_261_121
const DRAWN = STRATEGIES.filter(({ kind }) => kind === 'drawn').map(({ id }) => id)

test('whatever a strategy draws of whatever suite can run, and reads back from its file', () => {
  let changed = 0
  for (const suite of registry.suites.keys()) {
    const plain = scenariosFrom(suiteArbitrary(registry, suite), SEED, 0, 3).map(canonicalText)
    for (const strategy of DRAWN) {
      const drawn = scenariosFrom(suiteArbitrary(registry, suite, [], strategy), SEED, 0, 3)
      for (const [index, scenario] of drawn.entries()) {
        assertRunnable(scenario, registry)
        expect(parseScenario(printScenario(scenario), 'x')).toEqual(scenario)
        if (canonicalText(scenario) !== plain[index]) changed++
        else expect(strategy).not.toBe('pct')
      }
    }
  }
  // Two of the three change what is drawn, nearly always.
  expect(changed).toBeGreaterThan(registry.suites.size * 5)
})

test('the name of a trial says how it was searched for and leads to it', () => {
  for (const strategy of DRAWN.filter((id) => id !== 'random')) {
    const id = { suite: 'elections', defects: ['raft-disruptive-rejoin'], strategy, seed: 5, path: '3' }
    expect(printTrialId(id)).toBe(`elections+raft-disruptive-rejoin~${strategy}:5:3`)
    expect(parseTrialId(printTrialId(id))).toEqual(id)
    const scenario = scenarioOfTrial(registry, id)
    const [, , , same] = scenariosFrom(suiteArbitrary(registry, id.suite, id.defects, strategy), 5, 0, 4)
    expect(scenario).toEqual(same)
    expect(scenario.defects).toEqual(id.defects)
  }
  expect(parseTrialId('elections:5:3')?.strategy).toBeUndefined()
  expect(() =>
    scenarioOfTrial(registry, { suite: 'small', defects: [], strategy: 'swam', seed: 1, path: '0' }),
  ).toThrow('there is no strategy "swam"')
})

test('a trial by priorities is the same twice, and the first thing that shrinking tries of its schedule is the default order', () => {
  const [scenario] = scenariosFrom(suiteArbitrary(registry, 'elections', [], 'pct'), SEED, 0, 1)
  const { schedule, ...plain } = scenario!
  expect(schedule?.kind).toBe('pct')
  const first = runScenario(scenario!, registry)
  expect(runScenario(scenario!, registry).traceHash).toBe(first.traceHash)
  expect(runScenario(plain, registry).traceHash).not.toBe(first.traceHash)
  const pass = SHRINK_PASSES.find(({ name }) => name === 'schedule to the default order')
  expect(pass?.candidates(scenario!).next().value?.scenario).toEqual(plain)
  expect([...pass!.candidates(plain)]).toEqual([])
})
