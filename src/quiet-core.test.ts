/**
 * A quiet phase that heals only a core: whatever else is lost for good, or goes on half alive, the core must converge within its
 * bound. Held to every built-in property, and to "eventually stable reconciliation" as a user writes it for a kind.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PLANTED } from '../properties/planted.ts'
import { completeTopology, namesOf, type UnhealedCondition, type UnhealedHosts } from './cluster/index.ts'
import { MINUTE, SECOND } from './kernel/index.ts'
import { standardRegistry } from './standard-registry.ts'
import { mistakesOf, parseScenario, printScenario, runScenario, type Scenario, suiteArbitrary } from './trial/index.ts'
import { eventuallyStable } from './trial/temporal/index.ts'

const registry = standardRegistry()
  .property(eventuallyStable('deployments', { withinMicros: 9 * MINUTE }))
  .property(eventuallyStable('deployments', { id: 'hasty', withinMicros: 5 * MINUTE }))
  .property(
    eventuallyStable('services', {
      id: 'service-has-endpoints',
      reads: ['endpointslices'],
      reconciled: ({ metadata }, { list }) =>
        [...list('endpointslices')].some(
          (slice) =>
            slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name && slice.endpoints.length > 0,
        ),
    }),
  )

const CORES = [
  ['etcd-0', 'etcd-2', 'master-0', 'master-1', 'node-0', 'node-1', 'node-2'],
  ['etcd-0', 'etcd-1', 'etcd-2', 'master-1', 'node-0', 'node-1', 'node-2'],
  ['etcd-1', 'etcd-2', 'master-0', 'node-1', 'node-2'],
  ['etcd-0', 'etcd-1', 'master-1', 'node-2'],
]

/** Drawn scenarios of the small cluster, each with a core; a node that is lost takes its pods five minutes of toleration. */
const SCENARIOS: readonly Scenario[] = fc
  .sample(suiteArbitrary(registry, 'small'), { seed: 91, numRuns: 24 })
  .filter(({ topology }) => topology.etcdMembers === 3 && topology.apiServers === 2 && topology.nodes === 3)
  .slice(0, 8)
  .map((scenario, index) => ({
    ...scenario,
    core: CORES[index % CORES.length] as readonly string[],
    settleMicros: 12 * MINUTE,
    properties: [],
  }))

test('there are scenarios, and they can be written and read', () => {
  expect(SCENARIOS.length).toBe(8)
  for (const scenario of SCENARIOS) {
    expect(mistakesOf(scenario, registry)).toEqual([])
    expect(parseScenario(printScenario(scenario), 'core')).toEqual(scenario)
  }
})

test.each(
  SCENARIOS.map((scenario, index) => [index, scenario.core?.join(' '), scenario] as const),
)('scenario %i converges with the core %s', (_index, _core, scenario) => {
  const general = [...registry.properties.values()].filter(
    ({ id, onlyByName }) => onlyByName !== true && id !== 'hasty',
  )
  let alive: readonly string[] = []
  const result = runScenario({ ...scenario, properties: general.map(({ id }) => id) }, registry, {
    inspect: ({ kernel }) => {
      alive = kernel.hosts.filter((host) => kernel.isUp(host) && /^(etcd|master|node)-/.test(host))
    },
  })
  expect(result.violation?.message ?? result.error?.message).toBeUndefined()
  expect(result.reached).toContain('deployment-eventually-stable')
  expect(alive.toSorted()).toEqual(scenario.core?.toSorted())
})

/** The same hosts outside, each half alive in the one of these ways that its turn has. */
const WAYS: readonly UnhealedCondition[] = [
  { kind: 'isolated' },
  { kind: 'deaf' },
  { kind: 'mute' },
  { kind: 'flapping', cutMicros: 3 * SECOND, wholeMicros: 10 * SECOND },
  { kind: 'lossy', lossPpm: 250_000 },
]

test.each(
  SCENARIOS.map((scenario, turn) => {
    const { etcdMembers, masters, nodes } = namesOf(scenario.topology)
    const outside = [...etcdMembers, ...masters, ...nodes].filter((host) => !scenario.core?.includes(host))
    return [turn, Object.fromEntries(outside.map((host, index) => [host, WAYS[(turn + index) % WAYS.length]]))] as const
  }),
)('scenario %i converges though outside its core there is %j', (turn, drawn) => {
  const unhealed = drawn as UnhealedHosts
  const scenario: Scenario = { ...(SCENARIOS[turn] as Scenario), unhealed }
  expect(parseScenario(printScenario(scenario), 'unhealed')).toEqual(scenario)
  let alive: readonly string[] = []
  const result = runScenario(scenario, standardRegistry(), {
    inspect: ({ kernel }) => {
      alive = kernel.hosts.filter((host) => kernel.isUp(host) && /^(etcd|master|node)-/.test(host))
    },
  })
  expect(result.violation?.message ?? result.error?.message).toBeUndefined()
  expect(alive.toSorted()).toEqual([...(scenario.core ?? []), ...Object.keys(unhealed)].toSorted())
})

test('a bound that is too short for the loss of a node fails, and says since when', () => {
  const result = runScenario({ ...(SCENARIOS[3] as Scenario), properties: ['hasty'] }, registry)
  expect(result.violation?.message).toMatch(
    /^Deployment \S+: always "reconciled" was to come within 300 s after "quiet" at \d+:\d+\.\d+, by \d+:\d+\.\d+, and did not$/,
  )
  expect(result.violation?.saw).toContain('status.observedGeneration')
})

test('the suite that draws cores loses hosts of every kind, and keeps what it needs', () => {
  const drawn = fc.sample(suiteArbitrary(registry, 'quiet-core'), { seed: 7, numRuns: 60 })
  expect(drawn.filter(({ core }) => core === undefined)).toEqual([])
  expect(drawn.flatMap((scenario) => mistakesOf(scenario, registry))).toEqual([])
  for (const kind of ['etcd-', 'master-', 'node-'])
    expect(
      drawn.some(({ core, topology }) => {
        const { etcdMembers, masters, nodes } = namesOf(topology)
        return [...etcdMembers, ...masters, ...nodes].some((host) => host.startsWith(kind) && !core?.includes(host))
      }),
    ).toBe(true)
})

test('a mistake that only the loss of a host shows: no leader of etcd but the first commits anything', () => {
  const mistakes = standardRegistry()
  for (const mistake of PLANTED) mistakes.defect(mistake)
  const outcomes = fc.sample(suiteArbitrary(mistakes, 'quiet-core'), { seed: 5, numRuns: 12 }).map((scenario) => {
    const undisturbed = { ...scenario, faults: [], workload: [], traffic: [], defects: ['planted-idle-leaders'] }
    const { core: _, ...healed } = undisturbed
    return [undisturbed, healed].map((one) => runScenario(one, mistakes).verdict).join()
  })
  expect(outcomes.filter((outcome) => outcome === 'failed,passed').length).toBeGreaterThan(0)
  expect(outcomes.filter((outcome) => outcome.endsWith('failed'))).toEqual([])
})

test('the suite draws every way of being half alive, and no power', () => {
  const drawn = fc.sample(suiteArbitrary(registry, 'quiet-core'), { seed: 7, numRuns: 60 })
  const kinds = drawn.flatMap(({ unhealed = {} }) => Object.values(unhealed).map(({ kind }) => kind))
  expect(new Set(kinds)).toEqual(new Set(WAYS.map(({ kind }) => kind)))
  expect(drawn.some(({ core, unhealed }) => core !== undefined && unhealed === undefined)).toBe(true)
})

/** Mistakes that a host without power never shows: a member that is heard, or comes back, does harm. */
test.each<readonly [mistake: string, UnhealedCondition, signature: RegExp]>([
  ['planted-unheard-leaders', { kind: 'deaf' }, /^eventually-stable-reconciliation\/etcd/],
  ['raft-disruptive-rejoin', { kind: 'deaf' }, /^raft-leader-not-disrupted/],
  [
    'raft-disruptive-rejoin',
    { kind: 'flapping', cutMicros: 3 * SECOND, wholeMicros: 10 * SECOND },
    /^raft-leader-not-disrupted/,
  ],
])('%s is found by a member of etcd that is %j, and not by one that is dead', (mistake, condition, signature) => {
  const mistakes = standardRegistry()
  for (const planted of PLANTED) mistakes.defect(planted)
  const hosts = ['etcd-0', 'etcd-1', 'etcd-2', 'master-0', 'master-1', 'node-0', 'node-1', 'node-2']
  const outcomes = ['etcd-0', 'etcd-1', 'etcd-2'].map((member) => {
    const undisturbed: Scenario = {
      ...(SCENARIOS[0] as Scenario),
      faults: [],
      workload: [],
      traffic: [],
      core: hosts.filter((host) => host !== member),
      defects: [mistake],
    }
    expect(runScenario(undisturbed, mistakes).verdict).toBe('passed')
    const halfAlive: Scenario = { ...undisturbed, unhealed: { [member]: condition } }
    expect(runScenario({ ...halfAlive, defects: [] }, mistakes).verdict).toBe('passed')
    return runScenario(halfAlive, mistakes).signature ?? ''
  })
  expect(outcomes.filter((outcome) => signature.test(outcome)).length).toBeGreaterThan(0)
})

test('a half-alive host must be one that is not healed', () => {
  const scenario: Scenario = { ...(SCENARIOS[0] as Scenario), unhealed: { 'etcd-0': { kind: 'deaf' } } }
  expect(mistakesOf(scenario, registry).map(({ path, what }) => `${path} ${what}`)).toEqual([
    '/unhealed the hosts outside the core cannot be so: etcd-0 is in the core, which is healed',
  ])
})

test.each([
  [['etcd-0', 'master-0', 'master-1', 'node-0'], 'it has no majority of the etcd members'],
  [['etcd-0', 'etcd-1', 'node-0'], 'none of the masters that it has runs one of the controllerManagers'],
  [['etcd-0', 'etcd-1', 'master-0'], 'it has no node'],
  [['etcd-0', 'etcd-1', 'master-0', 'node-9'], 'there is no host "node-9"'],
])('the core %j is refused', (core, what) => {
  const scenario = { ...(SCENARIOS[0] as Scenario), topology: completeTopology(), core }
  expect(
    mistakesOf(scenario, registry)
      .map((mistake) => mistake.what)
      .join(),
  ).toContain(what)
})
