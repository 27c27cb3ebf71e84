/** Every option of the kubelet, with its unit and default. Made total once; behind it nothing is optional. */
import type { ClientDecisions } from '../client/index.ts'
import { MINUTE, type Micros, type ProcessId, SECOND, type Streams } from '../kernel/index.ts'
import type { Labels, ResourceList } from '../objects/index.ts'
import { KUBELET_DECISIONS, type KubeletDecisions } from './decisions.ts'
import type { ContainerRuntime } from './runtime.ts'

export interface KubeletOptions {
  /** The process's name in facts and draws. Default `kubelet/<node>`. */
  readonly name?: string
  readonly node: string
  readonly nodeAddress: string
  readonly podCidr: string
  readonly servers: readonly ProcessId[]
  readonly streams: Streams
  /** The runtime's process on the same host: calls go there. */
  readonly runtimeProcess: ProcessId
  /** The runtime itself, asked anew each time (a restarted host has a new one). Read only, for probes. */
  readonly runtime: () => ContainerRuntime | undefined
  /** What the node has. Default 4 cpu, 8Gi, 110 pods; allocatable is the same. */
  readonly capacity?: ResourceList
  /** Besides kubernetes.io/hostname, os and arch. Default: none. */
  readonly labels?: Labels
  /** How often the node's status is looked at. Default 10 s. */
  readonly nodeStatusMicros?: Micros
  /** A status that did not change is written after so long. Default 5 min. */
  readonly nodeStatusReportMicros?: Micros
  /** Default 40 s; renewed at a quarter of it. */
  readonly leaseDurationSeconds?: number
  /** How often the runtime is relisted: what happened is seen at the next relist. Default 1 s. */
  readonly relistMicros?: Micros
  /** Between looks for containers that no pod owns, while there are any. Default 2 s. */
  readonly housekeepingMicros?: Micros
  /** Between attempts to write a status that failed. Default 10 s. */
  readonly statusRetryMicros?: Micros
  /** Between a failed sync and the next, plus up to half of it. Default 10 s. */
  readonly syncRetryMicros?: Micros
  /** How often exited containers beyond one a name are removed, while there are any. Default 1 min. */
  readonly collectionMicros?: Micros
  readonly decisions?: Partial<KubeletDecisions>
  /** Note every change that the informers show. Default false. */
  readonly observe?: boolean
  /** Tell what happens to pods as Events. Default false. */
  readonly events?: boolean
  readonly clientDecisions?: Partial<ClientDecisions>
}

export type CompleteKubeletOptions = Required<Omit<KubeletOptions, 'decisions'>> & {
  readonly decisions: KubeletDecisions
}

export function completeKubeletOptions(options: KubeletOptions): CompleteKubeletOptions {
  return {
    name: options.name ?? `kubelet/${options.node}`,
    observe: options.observe ?? false,
    events: options.events ?? false,
    clientDecisions: options.clientDecisions ?? {},
    node: options.node,
    nodeAddress: options.nodeAddress,
    podCidr: options.podCidr,
    servers: options.servers,
    streams: options.streams,
    runtimeProcess: options.runtimeProcess,
    runtime: options.runtime,
    capacity: options.capacity ?? { cpu: '4', memory: '8Gi', pods: '110' },
    labels: options.labels ?? {},
    nodeStatusMicros: options.nodeStatusMicros ?? 10 * SECOND,
    nodeStatusReportMicros: options.nodeStatusReportMicros ?? 5 * MINUTE,
    leaseDurationSeconds: options.leaseDurationSeconds ?? 40,
    relistMicros: options.relistMicros ?? SECOND,
    housekeepingMicros: options.housekeepingMicros ?? 2 * SECOND,
    statusRetryMicros: options.statusRetryMicros ?? 10 * SECOND,
    syncRetryMicros: options.syncRetryMicros ?? 10 * SECOND,
    collectionMicros: options.collectionMicros ?? MINUTE,
    decisions: options.decisions === undefined ? KUBELET_DECISIONS : { ...KUBELET_DECISIONS, ...options.decisions },
  }
}
