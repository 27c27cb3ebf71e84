/** Every option of the client library, with its unit and default. Made total once; behind it nothing is optional. */
import type { ProcessId } from '../kernel/machine.ts'
import type { Streams } from '../kernel/random.ts'
import { MILLISECOND, MINUTE, type Micros, SECOND } from '../kernel/time.ts'
import type { BackoffOptions } from './backoff.ts'
import { CLIENT_DECISIONS, type ClientDecisions } from './decisions.ts'

export interface ApiClientOptions {
  /** The API servers, in the order in which they are tried. At least one. */
  readonly servers: readonly ProcessId[]
  /** Who the requests come from. */
  readonly user: string
  readonly streams: Streams
  /** Tells clients of one user apart in draws and facts. Default: the user. */
  readonly name?: string
  /** How long a call may take once it is sent. Default 10 s. A watch has so long to open. */
  readonly timeoutMicros?: Micros
  /** Requests a second. Default 50; 0 for no limit. */
  readonly qps?: number
  /** Requests at once. Default 100. */
  readonly burst?: number
  /** A call timed out and nothing was heard from the server for so long: go to another. Default 30 s. */
  readonly silenceMicros?: Micros
}

/** Upstream's default rates by component: kubelet 50/100, controller manager 20/30, scheduler 50/100. */
export const CLIENT_RATES = {
  kubelet: { qps: 50, burst: 100 },
  controllerManager: { qps: 20, burst: 30 },
  scheduler: { qps: 50, burst: 100 },
  proxy: { qps: 5, burst: 10 },
} as const

export function completeApiClientOptions(options: ApiClientOptions): Required<ApiClientOptions> {
  return {
    servers: options.servers,
    user: options.user,
    streams: options.streams,
    name: options.name ?? options.user,
    timeoutMicros: options.timeoutMicros ?? 10 * SECOND,
    qps: options.qps ?? 50,
    burst: options.burst ?? 100,
    silenceMicros: options.silenceMicros ?? 30 * SECOND,
  }
}

/** Between attempts to reach any server, once each has refused. */
export const DIAL_BACKOFF: BackoffOptions = {
  baseMicros: 200 * MILLISECOND,
  capMicros: 3_200 * MILLISECOND,
  jitterPercent: 50,
  resetMicros: MINUTE,
}

/** Between a reflector's attempts: 800 ms to 30 s, each plus up to as much again. */
export const REFLECTOR_BACKOFF: BackoffOptions = {
  baseMicros: 800 * MILLISECOND,
  capMicros: 30 * SECOND,
  jitterPercent: 100,
  resetMicros: 2 * MINUTE,
}

export interface InformerFactoryOptions {
  /** The process named in facts and draws. Default: the client's name. */
  readonly name?: string
  /** Note an `informer-event` for every change of a store. Default false. */
  readonly observe?: boolean
  /** Default version of first lists: "0", any (upstream), or "", the most recent. Default "0". */
  readonly firstListVersion?: '0' | ''
  /** Replay the whole store to the handlers at this period. Default 0: never. */
  readonly resyncMicros?: Micros
  readonly decisions?: Partial<ClientDecisions>
}

export function completeInformerFactoryOptions(
  options: InformerFactoryOptions,
  clientName: string,
): Required<InformerFactoryOptions> & { readonly decisions: ClientDecisions } {
  return {
    name: options.name ?? clientName,
    observe: options.observe ?? false,
    firstListVersion: options.firstListVersion ?? '0',
    resyncMicros: options.resyncMicros ?? 0,
    decisions: { ...CLIENT_DECISIONS, ...options.decisions },
  }
}

export interface LeaderElectionOptions {
  /** Name of the Lease. */
  readonly lease: string
  /** Default "kube-system". */
  readonly namespace?: string
  /** Unique among the candidates. */
  readonly identity: string
  readonly streams: Streams
  /** How long others leave a holder alone after its last sign of life. Default 15 s. */
  readonly leaseDurationMicros?: Micros
  /** How long a leader tries to renew before it gives up. Default 10 s. */
  readonly renewDeadlineMicros?: Micros
  /** Between attempts. Default 2 s; while acquiring plus up to 120 %. */
  readonly retryPeriodMicros?: Micros
  readonly decisions?: Partial<ClientDecisions>
}

export function completeLeaderElectionOptions(
  options: LeaderElectionOptions,
): Required<LeaderElectionOptions> & { readonly decisions: ClientDecisions } {
  return {
    lease: options.lease,
    namespace: options.namespace ?? 'kube-system',
    identity: options.identity,
    streams: options.streams,
    leaseDurationMicros: options.leaseDurationMicros ?? 15 * SECOND,
    renewDeadlineMicros: options.renewDeadlineMicros ?? 10 * SECOND,
    retryPeriodMicros: options.retryPeriodMicros ?? 2 * SECOND,
    decisions: { ...CLIENT_DECISIONS, ...options.decisions },
  }
}
