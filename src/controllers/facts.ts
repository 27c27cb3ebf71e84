/** What the controllers publish. Times are added by the kernel. Keys are `namespace/name`, or a name for what is cluster-scoped. */
import type { Resource } from '../objects/index.ts'
import type { ZoneState } from './nodelifecycle/zones.ts'

/** A controller made a pod, or asked for one to go. */
export interface ControllerPodFact {
  readonly type: 'controller-created-pod' | 'controller-deleted-pod'
  readonly controller: string
  readonly owner: string
  readonly pod: string
}

/** A rollout or a scaling gave a ReplicaSet another size. */
export interface ReplicaSetResizedFact {
  readonly type: 'replicaset-resized'
  readonly deployment: string
  readonly replicaSet: string
  readonly from: number
  readonly to: number
}

export interface DeploymentProgressFact {
  readonly type: 'deployment-progress'
  readonly deployment: string
  readonly replicas: number
  readonly updated: number
  readonly available: number
  readonly complete: boolean
}

export interface EndpointsWrittenFact {
  readonly type: 'endpoints-written'
  readonly service: string
  readonly slices: number
}

/** A sync was put off because the cache had not caught up with the controller's own writes. */
export interface StaleCacheFact {
  readonly type: 'endpointslice-cache-stale'
  readonly service: string
}

export interface NodeMarkedFact {
  readonly type: 'node-marked-unknown'
  readonly node: string
}

/** `pods` were marked not ready because their node is not. */
export interface PodsNotReadyFact {
  readonly type: 'node-pods-marked-not-ready'
  readonly node: string
  readonly pods: number
}

export interface NodeTaintedFact {
  readonly type: 'node-tainted-noexecute' | 'node-untainted-noexecute'
  readonly node: string
  readonly zone: string
}

export interface ZoneStateFact {
  readonly type: 'zone-state'
  readonly zone: string
  readonly state: ZoneState
}

export interface TaintEvictionFact {
  readonly type: 'pod-evicted-by-taint'
  readonly pod: string
  readonly node: string
}

/** The garbage collector deleted an object; `owners` are the uids that it had referred to. */
export interface CollectedFact {
  readonly type: 'gc-deleted'
  readonly resource: Resource
  readonly key: string
  readonly owners: readonly string[]
}

export interface PodCollectedFact {
  readonly type: 'podgc-deleted'
  readonly pod: string
  readonly reason: 'orphaned' | 'terminated' | 'unscheduled-terminating' | 'out-of-service'
}

export interface NamespaceFinalizedFact {
  readonly type: 'namespace-finalized'
  readonly namespace: string
}

export interface BudgetFact {
  readonly type: 'budget-written'
  readonly budget: string
  readonly disruptionsAllowed: number
  readonly currentHealthy: number
}

export type ControllerFact =
  | ControllerPodFact
  | ReplicaSetResizedFact
  | DeploymentProgressFact
  | EndpointsWrittenFact
  | StaleCacheFact
  | NodeMarkedFact
  | PodsNotReadyFact
  | NodeTaintedFact
  | ZoneStateFact
  | TaintEvictionFact
  | CollectedFact
  | PodCollectedFact
  | NamespaceFinalizedFact
  | BudgetFact
