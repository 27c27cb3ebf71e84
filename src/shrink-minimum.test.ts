/**
 * Failing scenarios of historical bugs, as they were drawn: they fail with the bug and not without, and some of them are shrunk and
 * held against the fewest of their faults and steps that fail in the same way (`npm run bench -- shrink` does so with all).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { standardRegistry } from './standard-registry.ts'
import { choices } from './trial/explain/items.ts'
import {
  asValue,
  irrelevantItems,
  itemsOf,
  parseScenario,
  runScenario,
  type Scenario,
  shrinkable,
  shrinkFailure,
  withItems,
} from './trial/index.ts'

// Whole clusters, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })

const FOLDER = 'fixtures/failures'
const registry = standardRegistry()
const run = (scenario: Scenario) => runScenario(scenario, registry)
const read = (defect: string) => parseScenario(readFileSync(`${FOLDER}/${defect}.json`, 'utf8'), defect)
const DEFECTS = readdirSync(FOLDER).flatMap((name) => (name.endsWith('.json') ? [name.replace(/\.json$/, '')] : []))

/** With it the cluster never comes to rest: a run has a million events and takes seconds, so only the benchmark runs it. */
const SLOW = 'deployment-surge-recounts-on-stale-rs'

test.each(DEFECTS.filter((defect) => defect !== SLOW))('%s fails with the bug, and not so without', (defect) => {
  const scenario = read(defect)
  expect(scenario.defects).toEqual([defect])
  const { signature } = run(scenario)
  expect(signature).toBeDefined()
  expect(run({ ...scenario, defects: [] }).signature).not.toBe(signature)
})

/** Some that do not take long: of etcd, the kubelet and the proxies. */
const SHRUNK = [
  'etcd-compaction-revision-goes-back',
  'kubelet-prestop-hangs-past-grace',
  'proxy-ipvs-nodeport-ignores-local',
]

test.each(SHRUNK)('%s shrinks to at most 1.5 times the fewest faults and steps', (defect) => {
  const scenario = read(defect)
  const result = run(scenario)
  const suite = registry.defects.get(defect)?.suite ?? ''
  const shrunk = shrinkFailure(shrinkable(registry, suite, scenario), asValue(scenario), '0', result, run, {
    irrelevant: (candidate) =>
      irrelevantItems(candidate, registry, (same, options) => runScenario(same, registry, options)),
  })
  expect(shrunk.result.signature).toBe(result.signature)
  const size = itemsOf(shrunk.scenario).length
  expect(size).toBeLessThan(itemsOf(scenario).length)
  // Whatever is smaller than two thirds of it does not fail so.
  for (let fewer = 0; fewer * 1.5 < size; fewer++)
    for (const chosen of choices(itemsOf(scenario), fewer))
      expect(run(withItems(scenario, chosen)).signature).not.toBe(result.signature)
})
