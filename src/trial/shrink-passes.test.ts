/** The shrinker: every candidate is smaller and makes sense, the order is the house's, and the walk ends at a minimum. */
import fc, { Value } from 'fast-check'
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import type { Deployment, Service } from '../objects/index.ts'
import { topologyArbitrary } from './arbitraries.ts'
import { mistakesOf } from './check-scenario.ts'
import { itemsOf } from './explain/items.ts'
import { scenarioArbitrary } from './recipe.ts'
import type { TrialResult } from './result.ts'
import type { Scenario } from './scenario.ts'
import { ScenarioArbitrary } from './scenario-arbitrary.ts'
import { shrinkFailure } from './shrink.ts'
import { compareSize, SHRINK_PASSES, sizeOf } from './shrink-passes.ts'
import { fakeRegistry } from './testing.ts'

const web = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 5,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:v1' }] } },
  },
} as unknown as Deployment
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
} as unknown as Service

const registry = fakeRegistry()
const scenarios = new ScenarioArbitrary(
  scenarioArbitrary(registry, {
    name: 'test',
    topology: topologyArbitrary(),
    objects: [web, service],
    faults: { most: 6 },
    workload: { most: 6 },
    etcdClients: {},
  }),
  registry,
)

const failed = (scenario: Scenario): TrialResult => ({
  verdict: 'failed',
  scenarioId: scenario.seed,
  signature: 'p/s/x',
  traceHash: '',
  virtualMicros: 0,
  steps: 0,
  ledger: [],
  reached: [],
  seen: [],
  facts: [],
})
const passed = (scenario: Scenario): TrialResult => ({ ...failed(scenario), verdict: 'passed', signature: undefined })

test('every candidate is strictly smaller, valid and keeps the seed', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      for (const { value } of scenarios.shrink(scenario, undefined)) {
        expect(compareSize(value, scenario)).toBeLessThan(0)
        expect(mistakesOf(value, registry)).toEqual([])
        expect(value.seed).toBe(scenario.seed)
        for (const figure of sizeOf(value)) expect(figure).toBeGreaterThanOrEqual(0)
      }
    }),
    { seed: 3, numRuns: 60 },
  )
})

test('candidates come in the order of the house', () => {
  const [scenario] = fc.sample(scenarios, { seed: 5, numRuns: 1 })
  const firstChanged = [...scenarios.shrink(scenario!, undefined)].map(({ value }) =>
    sizeOf(value).findIndex((figure, index) => figure !== sizeOf(scenario!)[index]),
  )
  const firstOfEach = [...new Set(firstChanged)]
  expect(firstOfEach).toEqual(firstOfEach.toSorted((a, b) => a - b))
  expect(SHRINK_PASSES.map(({ name }) => name)).toEqual([
    'faults out',
    'workload steps out',
    'traffic out',
    'etcd clients out',
    'etcd clients simpler',
    'objects out',
    'less is lost for good',
    'what is lost has no power',
    'cluster smaller',
    'replicas fewer',
    'durations shorter',
    'schedule to the default order',
    'jitter to the mean',
    'times to round figures',
  ])
})

test('a failure that needs nothing shrinks to nothing', () => {
  for (const [number, scenario] of fc.sample(scenarios, { seed: 9, numRuns: 20 }).entries()) {
    const {
      scenario: least,
      complete,
      executions,
    } = shrinkFailure(scenarios, new Value(scenario, undefined), String(number), failed(scenario), failed)
    expect(complete).toBe(true)
    expect(sizeOf(least).slice(0, 9)).toEqual([0, 0, 0, 0, 0, 0, 6, 0, 0])
    expect(least.jitter).toBe('mean')
    expect(executions).toBeLessThan(60)
  }
})

test('a failure that needs one fault and one step keeps just those, with round times', () => {
  let tried = 0
  for (const [number, scenario] of fc.sample(scenarios, { seed: 21, numRuns: 200 }).entries()) {
    const needsFault = scenario.faults.at(-1)
    const needsStep = scenario.workload[0]
    if (needsFault === undefined || needsStep === undefined) continue
    tried++
    const run = (candidate: Scenario) =>
      candidate.faults.some(({ id }) => id === needsFault.id) &&
      candidate.workload.some(({ id }) => id === needsStep.id)
        ? failed(candidate)
        : passed(candidate)
    const { scenario: least, complete } = shrinkFailure(
      scenarios,
      new Value(scenario, undefined),
      String(number),
      failed(scenario),
      run,
    )
    expect(complete).toBe(true)
    expect([least.faults.length, least.workload.length]).toEqual([1, 1])
    expect(least.faults[0]!.atMicros % (10 * SECOND)).toBe(0)
  }
  expect(tried).toBeGreaterThan(30)
})

test('a shrink to another failure is not taken, and the cap holds', () => {
  const [scenario] = fc.sample(scenarios, { seed: 5, numRuns: 1 })
  const other = (candidate: Scenario): TrialResult => ({ ...failed(candidate), signature: 'another/failure/x' })
  const kept = shrinkFailure(scenarios, new Value(scenario!, undefined), '0', failed(scenario!), other)
  expect(kept.scenario).toBe(scenario)
  const capped = shrinkFailure(scenarios, new Value(scenario!, undefined), '0', failed(scenario!), other, {
    maximumExecutions: 7,
  })
  expect([capped.executions, capped.complete]).toEqual([7, false])
})

test('seed and path of a shrunk scenario lead to it again', () => {
  const sources = fc.sample(scenarios, { seed: 77, numRuns: 30 })
  for (const [number, scenario] of sources.entries()) {
    const needed = scenario.faults[0]?.id
    const run = (candidate: Scenario) =>
      candidate.faults.some(({ id }) => id === needed) ? failed(candidate) : passed(candidate)
    const { scenario: least, path } = shrinkFailure(
      scenarios,
      new Value(scenario, undefined),
      String(number),
      failed(scenario),
      run,
    )
    expect(fc.sample(scenarios, { seed: 77, path, numRuns: 1 })).toEqual([least])
  }
})

test('what is said to be irrelevant goes first, in one step, and the path leads there all the same', () => {
  let tried = 0
  for (const [number, scenario] of fc.sample(scenarios, { seed: 78, numRuns: 60 }).entries()) {
    const items = itemsOf(scenario)
    const needed = items.at(-1)
    if (needed === undefined || items.length < 4) continue
    tried++
    const run = (candidate: Scenario) =>
      itemsOf(candidate).some(({ id }) => id === needed.id) ? failed(candidate) : passed(candidate)
    const others = items.filter((item) => item !== needed)
    const seen: number[] = []
    const guided = shrinkFailure(scenarios, new Value(scenario, undefined), String(number), failed(scenario), run, {
      // The first guess is wrong: it leaves out what is needed.
      irrelevant: () => [[needed], others],
      onProgress: ({ best }) => seen.push(itemsOf(best).length),
    })
    expect(seen.slice(0, 2)).toEqual([items.length, 1])
    const plain = shrinkFailure(scenarios, new Value(scenario, undefined), String(number), failed(scenario), run)
    expect(guided.scenario).toEqual(plain.scenario)
    expect(fc.sample(scenarios, { seed: 78, path: guided.path, numRuns: 1 })).toEqual([guided.scenario])
  }
  expect(tried).toBeGreaterThan(10)
})

/** Draws a core for each scenario. */
const lossy = new ScenarioArbitrary(
  scenarioArbitrary(registry, { name: 'test', objects: [web], losesHosts: true, traffic: false }),
  registry,
)

test('hosts are given back, or at least lose power, and stay outside the core where the failure needs it', () => {
  let needed = 0
  for (const [number, scenario] of fc.sample(lossy, { seed: 4, numRuns: 40 }).entries()) {
    expect(mistakesOf(scenario, registry)).toEqual([])
    const alive = Object.keys(scenario.unhealed ?? {})
    const needs = alive.find((host) => /^(etcd-1|master-1|node-1)$/.test(host))
    const isOut = (candidate: Scenario, host: string) => candidate.core?.includes(host) === false
    const run = (candidate: Scenario) =>
      needs === undefined || isOut(candidate, needs) ? failed(candidate) : passed(candidate)
    const { scenario: least } = shrinkFailure(
      lossy,
      new Value(scenario, undefined),
      String(number),
      failed(scenario),
      run,
    )
    expect(least.unhealed).toBeUndefined()
    if (needs === undefined) expect(least.core).toBeUndefined()
    else expect(isOut(least, needs)).toBe(true)
    if (needs === undefined) continue
    needed++
    const runAlive = (candidate: Scenario) =>
      candidate.unhealed?.[needs] === undefined ? passed(candidate) : failed(candidate)
    const half = shrinkFailure(lossy, new Value(scenario, undefined), String(number), failed(scenario), runAlive)
    expect(Object.keys(half.scenario.unhealed ?? {})).toEqual([needs])
    expect(half.scenario.unhealed?.[needs]).toEqual(scenario.unhealed?.[needs])
  }
  expect(needed).toBeGreaterThan(5)
})
