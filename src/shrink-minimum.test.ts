/**
 * Failing scenarios of historical bugs, as they were drawn: they fail with the bug and not without, and some of them are shrunk and
 * held against the fewest of their faults and steps that fail in the same way (`npm run bench -- shrink` does so with all).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { DEFECTS as BUGS } from '../chaos/index.ts'
import { standardRegistry } from './standard-registry.ts'
import { itemsOf, parseScenario, runScenario, type Scenario } from './trial/index.ts'
import { fewestItems, shrinkWhole } from './trial/testing.ts'

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
  const { signature = '' } = result
  const shrunk = shrinkWhole(registry, registry.defects.get(defect)?.suite ?? '', scenario, result)
  expect(shrunk.result.signature).toBe(signature)
  const size = itemsOf(shrunk.scenario).length
  expect(size).toBeLessThan(itemsOf(scenario).length)
  const fewest = fewestItems(registry, scenario, signature) ?? Number.NaN
  expect(size).toBeLessThanOrEqual(fewest * 1.5)
})

test('there is a failing scenario of every historical bug, here or in fixtures/catches', () => {
  const caught = readdirSync('fixtures/catches')
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => parseScenario(readFileSync(`fixtures/catches/${name}`, 'utf8'), name).defects)
  const has = new Set([...DEFECTS, ...caught])
  expect(BUGS.map(({ id }) => id).filter((id) => !has.has(id))).toEqual([])
})
