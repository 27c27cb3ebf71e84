/** Every option of an API server, with unit and default. */
import type { ProcessId } from '../kernel/machine.ts'
import type { Streams } from '../kernel/random.ts'
import { MINUTE, type Micros, SECOND } from '../kernel/time.ts'
import { API_SERVER_DECISIONS, type ApiServerDecisions } from './decisions.ts'

export interface ApiServerOptions {
  /** `apiserver-0`. Names its streams and facts. */
  readonly name: string
  /** The etcd members it may talk to. */
  readonly etcd: readonly ProcessId[]
  /** Are requests spread over all of them? Default `pinned`: to one until it fails. */
  readonly etcdBalance?: 'pinned' | 'round-robin'
  readonly streams: Streams
  /** Are Events served? Default false: the resource is not there then. */
  readonly events?: boolean
  /** The members of Events' own etcd (`--etcd-servers-overrides=/events#...`). None: they are in the same etcd as the rest. */
  readonly eventsEtcd?: readonly ProcessId[]
  /** How long an Event is kept (`--event-ttl`). One hour. */
  readonly eventTtlSeconds?: number
  /** What a defect replaces; the rest is as it should be. */
  readonly decisions?: Partial<ApiServerDecisions>
  /** Events that each watch cache keeps. 1000. */
  readonly watchCacheCapacity?: number
  /** Between two bookmarks of a watch that allows them. One minute. */
  readonly bookmarkPeriodMicros?: Micros
  /** How long a read waits for its cache to reach a version. 3 s. */
  readonly freshnessTimeoutMicros?: Micros
  /** How long a call may take before it is answered 504. 60 s. */
  readonly requestTimeoutMicros?: Micros
  /** Reads under way at once before 429; watches do not count. 400. */
  readonly readsInFlightMax?: number
  /** Writes under way at once before 429. 200. */
  readonly writesInFlightMax?: number
  /** Between two compactions of etcd's history; 0 for never. 5 minutes. */
  readonly compactionPeriodMicros?: Micros
  /** The least length of a watch without a time-out of its own; drawn from once to twice this. 30 minutes. */
  readonly watchTimeoutMicros?: Micros
  /** Namespaces that the server makes when they are missing. The four of a real cluster. */
  readonly systemNamespaces?: readonly string[]
  /** How long a pod tolerates a node that is not ready or unreachable, unless it says otherwise. 300 s. */
  readonly nodeTolerationSeconds?: number
}

export interface CompleteApiServerOptions extends Required<Omit<ApiServerOptions, 'decisions'>> {
  readonly decisions: ApiServerDecisions
}

const SYSTEM_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'] as const

/** The options with every default filled in. */
export function completeApiServerOptions(options: ApiServerOptions): CompleteApiServerOptions {
  return {
    watchCacheCapacity: 1000,
    bookmarkPeriodMicros: MINUTE,
    freshnessTimeoutMicros: 3 * SECOND,
    requestTimeoutMicros: MINUTE,
    readsInFlightMax: 400,
    writesInFlightMax: 200,
    compactionPeriodMicros: 5 * MINUTE,
    watchTimeoutMicros: 30 * MINUTE,
    systemNamespaces: SYSTEM_NAMESPACES,
    nodeTolerationSeconds: 300,
    events: false,
    eventsEtcd: [],
    etcdBalance: 'pinned',
    eventTtlSeconds: 3_600,
    ...options,
    decisions:
      options.decisions === undefined ? API_SERVER_DECISIONS : { ...API_SERVER_DECISIONS, ...options.decisions },
  }
}
