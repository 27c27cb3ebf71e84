/**
 * What `seatrial check` does to a user's objects, as suites of their own: planned work (a rolling restart, a drain) in which
 * every request must survive, and mishaps (a lost node, moderate faults) after which the cluster must recover.
 */
import fc from 'fast-check'
import { namesOf, type Topology, type WorkloadStep } from '../../cluster/index.ts'
import { MILLISECOND, SECOND } from '../../kernel/index.ts'
import type { Deployment, KubeObject } from '../../objects/index.ts'
import {
  even,
  type Recipe,
  type Registry,
  type Scenario,
  type Suite,
  scenarioArbitrary,
  suggest,
  UserError,
} from '../../trial/index.ts'
import { topologyFor } from './fit.ts'
import { appsOf, PRESTOP_SECONDS, withPreStop } from './prestop.ts'

interface Group {
  readonly id: string
  readonly title: string
  /** Somebody's own doing, such as a rollout: clients are to notice nothing. */
  readonly planned: boolean
  /** Properties that ask for more than Kubernetes promises. */
  readonly asks?: readonly string[]
  readonly faults: NonNullable<Recipe['faults']>
  readonly steps?: (deployments: readonly Deployment[], topology: Topology) => fc.Arbitrary<readonly WorkloadStep[]>
  readonly workload?: Recipe['workload']
}

/** Everything is up by then. */
const FROM = 30 * SECOND
const ACTIVE = 90 * SECOND
/** The time in which a rollout loses requests is short: clients that are to notice ask often. */
const DENSE = 20 * MILLISECOND
const SPARSE = 250 * MILLISECOND

const rollout: Group['steps'] = (deployments) =>
  fc.tuple(...deployments.map(() => even(FROM, FROM + 20 * SECOND))).map((moments) =>
    deployments.map(({ metadata }, index) => ({
      id: `w${index + 1}`,
      atMicros: moments[index]!,
      kind: 'restart-rollout',
      namespace: metadata.namespace ?? 'default',
      deployment: metadata.name,
      token: 'check',
    })),
  )

const drain: Group['steps'] = (_deployments, topology) =>
  fc.tuple(fc.constantFrom(...namesOf(topology).nodes), even(FROM, FROM + 20 * SECOND)).map(([node, atMicros]) => [
    { id: 'w1', atMicros, kind: 'drain', node },
    { id: 'w2', atMicros: ACTIVE - 5 * SECOND, kind: 'uncordon', node },
  ])

const REQUESTS_SURVIVE = 'check-requests-survive'

const GROUPS: readonly Group[] = [
  {
    id: 'check-rollout',
    title: 'a rolling restart',
    planned: true,
    asks: [REQUESTS_SURVIVE],
    faults: { kinds: [] },
    steps: rollout,
  },
  {
    id: 'check-drain',
    title: 'a drain of one node',
    planned: true,
    asks: [REQUESTS_SURVIVE, 'check-drain-ends'],
    faults: { kinds: [] },
    steps: drain,
  },
  {
    id: 'check-node-loss',
    title: 'the loss of one node',
    planned: false,
    faults: { kinds: ['crash-node'], least: 1, most: 1 },
  },
  {
    id: 'check-faults',
    title: 'moderate faults during work',
    planned: false,
    faults: {
      kinds: ['partition', 'crash-process', 'pause-process', 'slow-link', 'container-crash'],
      least: 1,
      most: 2,
    },
    // Nobody scales: how many pods find a place is a matter of the real cluster's size, not of this one's.
    workload: { kinds: ['set-image', 'restart-rollout', 'delete-pod'], most: 2 },
  },
]

/** The groups in the order in which they are checked. */
export const CHECK_GROUPS: readonly { readonly id: string; readonly title: string; readonly planned: boolean }[] =
  GROUPS

/** The suites of planned work as they would be if every container had a preStop sleep of so many seconds. */
export function preStopSuites(seconds: number): readonly string[] {
  return GROUPS.filter(({ planned }) => planned).map(({ id }) => `${id}-prestop-${seconds}s`)
}

/** What happens to a user's objects: the groups by their short names. */
export const OCCASIONS: readonly string[] = GROUPS.map(({ id }) => id.slice('check-'.length))

/** One group as a suite that need not be registered. `kinds`: faults to draw in place of the group's own. */
export function manifestSuite(
  registry: Registry,
  objects: readonly KubeObject[],
  occasion: string,
  kinds?: readonly string[],
): Suite {
  const group = GROUPS.find(({ id }) => id === `check-${occasion}`)
  if (group === undefined)
    throw new UserError({ what: `there is no occasion "${occasion}"`, mend: suggest(occasion, OCCASIONS) })
  const general = registry.propertiesFor([]).map(({ id }) => id)
  const faults = kinds === undefined ? group.faults : { kinds, least: 1, most: 2 }
  return suiteOf(registry, { ...group, faults }, objects, general)
}

/** Adds the groups as suites, and those with other preStop hooks. */
export function registerManifestSuites(registry: Registry, objects: readonly KubeObject[]): void {
  const general = registry.propertiesFor([]).map(({ id }) => id)
  for (const group of GROUPS) registry.suite(suiteOf(registry, group, objects, general))
  if (!objects.some(isDeployment)) return
  for (const seconds of PRESTOP_SECONDS) {
    const changed = withPreStop(objects, seconds)
    for (const group of GROUPS.filter(({ planned }) => planned))
      registry.suite(suiteOf(registry, { ...group, id: `${group.id}-prestop-${seconds}s` }, changed, general))
  }
}

function isDeployment(object: KubeObject): object is Deployment {
  return object.kind === 'Deployment'
}

function suiteOf(registry: Registry, group: Group, objects: readonly KubeObject[], general: readonly string[]): Suite {
  const kinds = (group.faults.kinds ?? []).filter((kind) => registry.faults.has(kind))
  const topology = topologyFor(objects)
  const recipe: Recipe = {
    name: group.id,
    topology,
    objects,
    apps: appsOf(objects),
    faults: { ...group.faults, kinds },
    ...(group.workload === undefined ? {} : { workload: group.workload }),
    traffic: { everyMicros: group.planned ? DENSE : SPARSE },
    quietStartMicros: FROM,
    durationMicros: ACTIVE,
    properties: [...general, ...(group.asks ?? [])],
  }
  const { steps } = group
  return {
    id: group.id,
    title: group.title,
    keepsCluster: true,
    arbitrary() {
      const scenarios = scenarioArbitrary(registry, recipe)
      if (steps === undefined) return scenarios
      return fc
        .tuple(scenarios, steps(objects.filter(isDeployment), topology))
        .map(([scenario, workload]): Scenario => ({ ...scenario, workload }))
    },
  }
}
