/** Every option of the controller manager, with its unit and default (kube-controller-manager v1.33). Made total once. */
import type { ClientDecisions, LeaderElectionOptions } from '../client/index.ts'
import { MINUTE, type Micros, type ProcessId, SECOND, type Streams } from '../kernel/index.ts'
import { CONTROLLER_DECISIONS, type ControllerDecisions } from './decisions.ts'
import type { EvictionRates } from './nodelifecycle/zones.ts'

export interface ReplicaSetOptions {
  /** Syncs at once. Default 5. */
  readonly workers: number
  /** Pods created or deleted in one sync at most. Default 500. */
  readonly burstReplicas: number
}

export interface DeploymentOptions {
  /** Syncs at once. Default 5. */
  readonly workers: number
}

export interface EndpointSliceOptions {
  /** Syncs at once. Default 5. */
  readonly workers: number
  /** Default 100. */
  readonly maxEndpointsPerSlice: number
  /** Wait after a pod's change before its services are synced. Default 0. */
  readonly batchMicros: Micros
  /** Wait after a foreign change of a slice. Default 1 s. */
  readonly sliceChangeMicros: Micros
  /** First wait after a failed sync; doubles. Default 1 s. */
  readonly backoffMicros: Micros
}

export interface NodeLifecycleOptions extends EvictionRates {
  /** Nodes written at once. Default 8. */
  readonly workers: number
  /** Between two looks at all nodes. Default 5 s. */
  readonly monitorPeriodMicros: Micros
  /** Silence after which a node counts as unknown. Default 50 s (v1.32 raised it from 40 s). */
  readonly graceMicros: Micros
  /** The same for a node that never reported. Default 60 s. */
  readonly startupGraceMicros: Micros
}

export interface GarbageCollectorOptions {
  /** Default 20. */
  readonly workers: number
}

export interface PodGarbageCollectorOptions {
  /** Between two passes. Default 20 s. */
  readonly periodMicros: Micros
  /** How long a node must be missing before its pods go. Default 40 s. */
  readonly quarantineMicros: Micros
  /** Ended pods kept. Default 12,500; 0 keeps all. */
  readonly terminatedPodThreshold: number
}

export interface NamespaceOptions {
  /** Default 10. */
  readonly workers: number
  /** Wait before the first look at a terminating namespace. Default 5 s. */
  readonly graceMicros: Micros
}

export interface ControllerManagerOptions {
  /** The process's name; its identity in leader election. */
  readonly name: string
  readonly servers: readonly ProcessId[]
  readonly streams: Streams
  readonly decisions?: Partial<ControllerDecisions>
  readonly clientDecisions?: Partial<ClientDecisions>
  /** Note every change that the informers show. Default false. */
  readonly observe?: boolean
  /** Tell what the controllers do as Events. Default false. */
  readonly events?: boolean
  /** Times and lease of the election; false: lead from the start, without a lease. */
  readonly leaderElection?: Partial<LeaderElectionOptions> | false
  /** Requests a second of each controller. Default 20; 0 for no limit. */
  readonly qps?: number
  /** Requests at once of each controller. Default 30. */
  readonly burst?: number
  readonly replicaSet?: Partial<ReplicaSetOptions>
  readonly deployment?: Partial<DeploymentOptions>
  readonly endpointSlice?: Partial<EndpointSliceOptions>
  readonly nodeLifecycle?: Partial<NodeLifecycleOptions>
  readonly garbageCollector?: Partial<GarbageCollectorOptions>
  readonly podGarbageCollector?: Partial<PodGarbageCollectorOptions>
  readonly namespace?: Partial<NamespaceOptions>
}

/** The options with nothing left out. */
export interface CompleteOptions {
  readonly name: string
  readonly servers: readonly ProcessId[]
  readonly streams: Streams
  readonly decisions: ControllerDecisions
  readonly clientDecisions: Partial<ClientDecisions>
  readonly observe: boolean
  readonly events: boolean
  readonly leaderElection: LeaderElectionOptions | false
  readonly qps: number
  readonly burst: number
  readonly replicaSet: ReplicaSetOptions
  readonly deployment: DeploymentOptions
  readonly endpointSlice: EndpointSliceOptions
  readonly nodeLifecycle: NodeLifecycleOptions
  readonly garbageCollector: GarbageCollectorOptions
  readonly podGarbageCollector: PodGarbageCollectorOptions
  readonly namespace: NamespaceOptions
}

const NODE_LIFECYCLE: NodeLifecycleOptions = {
  workers: 8,
  monitorPeriodMicros: 5 * SECOND,
  graceMicros: 50 * SECOND,
  startupGraceMicros: MINUTE,
  nodesPerThousandSeconds: 100,
  secondaryNodesPerThousandSeconds: 10,
  largeClusterThreshold: 50,
  unhealthyThresholdPercent: 55,
}
const ENDPOINT_SLICE: EndpointSliceOptions = {
  workers: 5,
  maxEndpointsPerSlice: 100,
  batchMicros: 0,
  sliceChangeMicros: SECOND,
  backoffMicros: SECOND,
}

export function completeControllerManagerOptions(options: ControllerManagerOptions): CompleteOptions {
  const { name, streams } = options
  return {
    name,
    streams,
    servers: options.servers,
    decisions: { ...CONTROLLER_DECISIONS, ...options.decisions },
    clientDecisions: options.clientDecisions ?? {},
    observe: options.observe ?? false,
    events: options.events ?? false,
    leaderElection:
      options.leaderElection === false
        ? false
        : {
            lease: 'kube-controller-manager',
            identity: name,
            streams,
            decisions: options.clientDecisions ?? {},
            ...options.leaderElection,
          },
    qps: options.qps ?? 20,
    burst: options.burst ?? 30,
    replicaSet: { workers: 5, burstReplicas: 500, ...options.replicaSet },
    deployment: { workers: 5, ...options.deployment },
    endpointSlice: { ...ENDPOINT_SLICE, ...options.endpointSlice },
    nodeLifecycle: { ...NODE_LIFECYCLE, ...options.nodeLifecycle },
    garbageCollector: { workers: 20, ...options.garbageCollector },
    podGarbageCollector: {
      periodMicros: 20 * SECOND,
      quarantineMicros: 40 * SECOND,
      terminatedPodThreshold: 12_500,
      ...options.podGarbageCollector,
    },
    namespace: { workers: 10, graceMicros: 5 * SECOND, ...options.namespace },
  }
}
