/**
 * What the controllers decide where historical bugs decided otherwise, one interface a controller, composed into one flat table.
 * Each function here is right; a defect is a `Partial<ControllerDecisions>` laid over it. Nothing else knows that defects exist.
 */
import { type Tombstone, updateRequest } from '../client/index.ts'
import type {
  ApiRequest,
  Condition,
  Deployment,
  KubeObject,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
} from '../objects/index.ts'
import { computeNewReplicas, type Fenceposts, resolveFenceposts } from './deployment/fenceposts.ts'
import { isScalingEvent } from './deployment/proportional.ts'
import { computeScaleDown, type Resize } from './deployment/rolling.ts'
import { type BudgetComputation, type BudgetStatus, computeBudgetStatus } from './disruption/budget.ts'
import { isReadyEndpoint } from './endpointslice/endpoints.ts'
import { GARBAGE_COLLECTOR_DECISIONS, type GarbageCollectorDecisions } from './garbagecollector/decisions.ts'
import { computeEvictionRate, computeZoneState, type EvictionRates, type ZoneState } from './nodelifecycle/zones.ts'
import { computePodsToDelete } from './replicaset/ranking.ts'

export interface HandlerDecisions {
  /** The object of a delete notice. Right: a tombstone is unwrapped. Seam of controller-ignores-tombstone: undefined for one. */
  deletedObject<T extends KubeObject>(deleted: T | Tombstone<T>): T | undefined
}

export interface ReplicaSetDecisions {
  /** Whether pods may be created or deleted now. `satisfied`: nothing asked for is outstanding. Seam of rs-no-expectations: always. */
  replicaSetMayAct(satisfied: boolean): boolean
  /** Which pods go first. `wall` in Unix microseconds. */
  replicaSetPodsToDelete(pods: readonly Pod[], related: readonly Pod[], count: number, wall: number): readonly Pod[]
}

export interface DeploymentDecisions {
  deploymentFenceposts(deployment: Deployment): Fenceposts
  deploymentNewReplicas(
    deployment: Deployment,
    all: readonly ReplicaSet[],
    newReplicas: number,
    fenceposts: Fenceposts,
  ): number
  deploymentScaleDown(
    deployment: Deployment,
    active: readonly ReplicaSet[],
    newSet: ReplicaSet,
    fenceposts: Fenceposts,
  ): readonly Resize[]
  /** Whether the deployment was scaled since its sets were sized. Seam of deployment-surge-recounts-on-stale-rs: compare sums. */
  deploymentIsScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[], fenceposts: Fenceposts): boolean
  /**
   * The request that writes a resized set. Right: an update of the cached object, which the server refuses if the cache was old.
   * Seam of deployment-surge-recounts-on-stale-rs: a patch without a version, which it cannot refuse.
   */
  deploymentResizeRequest(resized: ReplicaSet): ApiRequest
}

export interface EndpointSliceDecisions {
  /** Whether a sync must wait for the cache. `stale`: it lacks our own writes. Seam of endpointslice-duplicates-on-stale-cache: never. */
  endpointSliceMustWait(stale: boolean): boolean
  /** Whether a pod is a ready endpoint by what it says of itself. Right: it serves and is not being deleted. */
  endpointIsReady(serving: boolean, terminating: boolean): boolean
}

export interface NodeLifecycleDecisions {
  /** Seam of nodelifecycle-mass-eviction: 'Normal' whatever the nodes say. */
  zoneState(conditions: readonly (Condition | undefined)[], unhealthyThresholdPercent: number): ZoneState
  /** Nodes per 1,000 s that may be tainted NoExecute. */
  evictionRate(state: ZoneState, size: number, rates: EvictionRates): number
  /**
   * Whether the pods of a node that is not ready are looked at. `transition`: this very look found the node silent. Right: always.
   * Seam of nodelifecycle-notready-lost-on-restart: only on the transition.
   */
  marksPodsNotReady(transition: boolean): boolean
}

export interface DisruptionDecisions {
  budgetStatus(
    budget: PodDisruptionBudget,
    pods: readonly Pod[],
    expectedScale: () => number | undefined,
    wall: number,
  ): BudgetComputation
  /**
   * What to write after a conflict. Right: nothing; compute again from current pods. Seam of pdb-recompute-overwrites-eviction: the
   * status computed before, over the fresh object.
   */
  budgetAfterConflict(computed: BudgetStatus): BudgetStatus | undefined
}

export interface NamespaceDecisions {
  /** Whether a resource that cannot be listed ends the pass. Right: no. Seam of namespace-stuck-on-discovery-failure: yes. */
  namespaceStopsAtFailure(): boolean
}

export interface ControllerDecisions
  extends HandlerDecisions,
    ReplicaSetDecisions,
    DeploymentDecisions,
    EndpointSliceDecisions,
    NodeLifecycleDecisions,
    DisruptionDecisions,
    NamespaceDecisions,
    GarbageCollectorDecisions {}

export const CONTROLLER_DECISIONS: ControllerDecisions = {
  deletedObject: (deleted) => ('tombstone' in deleted ? deleted.object : deleted),
  replicaSetMayAct: (satisfied) => satisfied,
  replicaSetPodsToDelete: computePodsToDelete,
  deploymentFenceposts: resolveFenceposts,
  deploymentNewReplicas: computeNewReplicas,
  deploymentScaleDown: computeScaleDown,
  deploymentIsScalingEvent: isScalingEvent,
  deploymentResizeRequest: (resized) => updateRequest('replicasets', resized),
  endpointSliceMustWait: (stale) => stale,
  endpointIsReady: isReadyEndpoint,
  zoneState: computeZoneState,
  evictionRate: computeEvictionRate,
  marksPodsNotReady: () => true,
  budgetStatus: computeBudgetStatus,
  budgetAfterConflict: () => undefined,
  namespaceStopsAtFailure: () => false,
  ...GARBAGE_COLLECTOR_DECISIONS,
}
