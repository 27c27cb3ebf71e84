/** Strategies on the real suites: what they make can run, differs from plain search, replays by its name, and shrinks. */
import { expect, test, vi } from 'vitest'
import { standardRegistry } from './standard-registry.ts'
import {
  assertRunnable,
  asValue,
  canonicalText,
  parseScenario,
  parseTrialId,
  printScenario,
  printTrialId,
  runScenario,
  type Scenario,
  SHRINK_PASSES,
  STRATEGIES,
  scenarioOfTrial,
  scenariosFrom,
  shrinkable,
  shrinkFailure,
  suiteArbitrary,
  trialsOf,
} from './trial/index.ts'

// Whole clusters, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })

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

const LEARNING = STRATEGIES.filter(({ kind }) => kind === 'learning').map(({ id }) => id)

/** The first trials of a strategy, run: so many, or up to the first that fails. */
function tried(suite: string, strategy: string, count: number, defects: readonly string[] = []) {
  const trials = trialsOf(registry, { suite, defects, strategy, seed: 3 })
  const seen: { readonly scenario: Scenario; readonly traceHash: string; readonly signature: string | undefined }[] = []
  for (let next = trials.next(); next.done !== true && seen.length < count; ) {
    const { scenario, options } = next.value
    const result = runScenario(scenario, registry, options)
    seen.push({ scenario, traceHash: result.traceHash, signature: result.signature })
    if (result.signature !== undefined) break
    next = trials.next(result)
  }
  return seen
}

test('strategies that learn try only what can run, the same each time, and a trial of theirs is found by its name', () => {
  expect(LEARNING).toEqual(['targeted', 'feedback', 'exhaustive'])
  for (const strategy of LEARNING) {
    const trials = tried('finalizers', strategy, 20)
    for (const { scenario } of trials) assertRunnable(scenario, registry)
    expect(tried('finalizers', strategy, 20)).toEqual(trials)
    expect(new Set(trials.map(({ scenario }) => canonicalText(scenario))).size).toBeGreaterThan(15)
    const id = { suite: 'finalizers', defects: [], strategy, seed: 3, path: '11' }
    expect(scenarioOfTrial(registry, id)).toEqual(trials[11]?.scenario)
    // What they want to see of a run does not change it.
    const { scenario, traceHash } = trials[4]!
    expect(runScenario(scenario, registry).traceHash).toBe(traceHash)
  }
})

test('small scopes come in order of size and none comes twice', () => {
  const trials = tried('finalizers', 'exhaustive', 64).map(({ scenario }) => scenario)
  const sizes = trials.map(({ faults, workload }) => faults.length + workload.length)
  expect(sizes[0]).toBe(0)
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
  expect(Math.max(...sizes)).toBe(2)
  expect(new Set(trials.map(canonicalText)).size).toBe(64)
})

test('a strike between a write and its sync finds the bug of acknowledging too early; it replays from its file and shrinks', () => {
  const defects = ['raft-append-acked-before-fsync']
  const found = tried('etcd-small', 'targeted', 64, defects).find(({ signature }) => signature !== undefined)
  expect(found?.scenario.faults.map(({ kind }) => kind)).toContain('struck-at-phase')
  const again = parseScenario(printScenario(found!.scenario), 'found')
  const result = runScenario(again, registry)
  expect(result.signature).toBe(found?.signature)
  expect(runScenario({ ...again, defects: [] }, registry).verdict).toBe('passed')
  const run = (scenario: Scenario) => runScenario(scenario, registry)
  const arbitrary = shrinkable(registry, 'etcd-small', again)
  const shrunk = shrinkFailure(arbitrary, asValue(again), '0', result, run, { maximumExecutions: 60 })
  expect(shrunk.accepted).toBeGreaterThan(0)
  expect(shrunk.result.signature).toBe(result.signature)
})
