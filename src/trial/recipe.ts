/** A suite's scenarios from a recipe: what is fixed, what is drawn, within which times. */
import fc, { type Arbitrary } from 'fast-check'
import { SMALL_TOPOLOGY, type Topology } from '../cluster/topology.ts'
import type { TrafficClient } from '../cluster/workload.ts'
import { MINUTE, type Micros, SECOND } from '../kernel/time.ts'
import type { KubeObject } from '../objects/index.ts'
import { type DrawnStepKind, even, trafficArbitrary, workloadArbitrary } from './arbitraries.ts'
import { coreArbitrary } from './core-arbitrary.ts'
import { type EtcdClientOptions, etcdClientsArbitrary } from './etcd-client-arbitrary.ts'
import { faultsArbitrary } from './fault-arbitraries.ts'
import type { Registry } from './registry.ts'
import { SCENARIO_FORMAT, SCENARIO_VERSION, type Scenario } from './scenario.ts'

/**
 * Longer than anything upstream waits for: a ReplicaSet gives up after five minutes on a pod whose creation it was never
 * shown (because it was deleted again while the watch was broken); a work queue's back-off grows to 1,000 s when a cache that
 * lags lets several passes fail within seconds. The phase ends as soon as the cluster has come to rest.
 */
const LONGEST_SETTLE_MICROS: Micros = 18 * MINUTE

export interface Recipe {
  /** The suite's id. */
  readonly name: string
  readonly topology?: Topology | Arbitrary<Topology>
  readonly apps?: Scenario['apps'] | Arbitrary<Scenario['apps']>
  readonly objects: readonly KubeObject[] | Arbitrary<readonly KubeObject[]>
  readonly faults?: { readonly kinds?: readonly string[]; readonly least?: number; readonly most?: number }
  readonly workload?: { readonly kinds?: readonly DrawnStepKind[]; readonly least?: number; readonly most?: number }
  /** False: no clients. */
  readonly traffic?:
    | boolean
    | { readonly everyMicros?: Micros; readonly startMicros?: Micros; readonly sourcePorts?: number }
  /** Clients of etcd. Left out: none. */
  readonly etcdClients?: EtcdClientOptions
  /** When faults and steps may begin. Default: 20 s, when a small cluster is up. */
  readonly quietStartMicros?: Micros
  /** Default: 60 s. */
  readonly durationMicros?: Micros
  /** How long the quiet phase may last; it ends as soon as the cluster is quiet. Default: 6 min. */
  readonly settleMicros?: Micros
  readonly properties?: readonly string[]
  /** The quiet phase heals only a part of the cluster, drawn for each scenario. Default: false. */
  readonly losesHosts?: boolean
}

const DEFAULT_QUIET_START: Micros = 20 * SECOND

/** Draws scenarios after a recipe. Faults and steps begin between the quiet start and 5 s before the end of the active phase. */
export function scenarioArbitrary(registry: Registry, recipe: Recipe): Arbitrary<Scenario> {
  const durationMicros = recipe.durationMicros ?? 60 * SECOND
  const fromMicros = Math.min(recipe.quietStartMicros ?? DEFAULT_QUIET_START, durationMicros)
  const toMicros = Math.max(fromMicros, durationMicros - 5 * SECOND)
  const window = { fromMicros, toMicros }
  return fc
    .tuple(
      asArbitrary(recipe.topology ?? SMALL_TOPOLOGY),
      asArbitrary(recipe.objects),
      even(0, 0x7fff_ffff),
      asArbitrary(recipe.apps ?? {}),
    )
    .chain(([topology, objects, seed, apps]) =>
      fc
        .tuple(
          recipe.workload === undefined
            ? fc.constant([])
            : workloadArbitrary(topology, { ...window, objects, ...recipe.workload }),
          clients(recipe, topology, objects),
        )
        .chain(([workload, traffic]) =>
          fc.tuple(
            faultsArbitrary(registry, topology, { ...window, objects, workload, ...recipe.faults }),
            fc.constant(workload),
            fc.constant(traffic),
            recipe.etcdClients === undefined ? fc.constant(undefined) : etcdClientsArbitrary(recipe.etcdClients),
            recipe.losesHosts === true ? coreArbitrary(topology) : fc.constant({}),
          ),
        )
        .map(
          ([faults, workload, traffic, etcdClients, core]): Scenario => ({
            format: SCENARIO_FORMAT,
            version: SCENARIO_VERSION,
            name: recipe.name,
            seed: String(seed),
            topology,
            apps,
            objects,
            workload,
            traffic,
            ...(etcdClients === undefined ? {} : { etcdClients }),
            faults,
            durationMicros,
            ...core,
            settleMicros: recipe.settleMicros ?? LONGEST_SETTLE_MICROS,
            properties: recipe.properties ?? [],
            defects: [],
          }),
        ),
    )
}

function clients(
  recipe: Recipe,
  topology: Topology,
  objects: readonly KubeObject[],
): Arbitrary<readonly TrafficClient[]> {
  if (recipe.traffic === false) return fc.constant([])
  return trafficArbitrary(topology, { objects, ...(typeof recipe.traffic === 'object' ? recipe.traffic : {}) })
}

function asArbitrary<T>(value: T | Arbitrary<T>): Arbitrary<T> {
  return value instanceof fc.Arbitrary ? value : fc.constant(value)
}
