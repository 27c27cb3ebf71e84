/** Every option of kube-proxy, with its unit and default; made total once. */
import type { ClientDecisions } from '../client/index.ts'
import { type Micros, type ProcessId, SECOND, type Streams } from '../kernel/index.ts'
import { PROXY_DECISIONS, type ProxyDecisions } from './decisions.ts'
import type { NodeNetwork } from './network.ts'

export interface KubeProxySetup {
  /** `kube-proxy-0`: the user towards the API server and the name in facts. */
  readonly name: string
  /** The kernel state of the node; it outlives the process. */
  readonly network: NodeNetwork
  readonly servers: readonly ProcessId[]
  readonly streams: Streams
  /** Least time between two syncs, microseconds. Default 1 s. */
  readonly minSyncPeriodMicros?: Micros
  /** Time to the retry after a failed restore, microseconds. Default 30 s. */
  readonly syncPeriodMicros?: Micros
  /** Syncs that may follow each other at once after a rest. Default 2. */
  readonly burstSyncs?: number
  /** How often draining real servers are looked at, microseconds. Default 60 s. */
  readonly drainCheckMicros?: Micros
  readonly decisions?: Partial<ProxyDecisions>
  readonly clientDecisions?: Partial<ClientDecisions>
  /** Informers note every event that their handlers hear. Default false. */
  readonly observe?: boolean
}

export interface KubeProxyOptions extends Required<Omit<KubeProxySetup, 'clientDecisions'>> {
  readonly decisions: ProxyDecisions
  readonly clientDecisions: Partial<ClientDecisions> | undefined
}

export function completeKubeProxyOptions(setup: KubeProxySetup): KubeProxyOptions {
  return {
    name: setup.name,
    network: setup.network,
    servers: setup.servers,
    streams: setup.streams,
    minSyncPeriodMicros: setup.minSyncPeriodMicros ?? SECOND,
    syncPeriodMicros: setup.syncPeriodMicros ?? 30 * SECOND,
    burstSyncs: setup.burstSyncs ?? 2,
    drainCheckMicros: setup.drainCheckMicros ?? 60 * SECOND,
    decisions: completeDecisions(setup.decisions),
    clientDecisions: setup.clientDecisions,
    observe: setup.observe ?? false,
  }
}

const completed = new WeakMap<Partial<ProxyDecisions>, ProxyDecisions>()

/** The right decisions with `partial` laid over them: the same object for the same `partial`, so that nodes share their rules. */
export function completeDecisions(partial: Partial<ProxyDecisions> | undefined): ProxyDecisions {
  if (partial === undefined) return PROXY_DECISIONS
  let whole = completed.get(partial)
  if (whole === undefined) {
    whole = { ...PROXY_DECISIONS, ...partial }
    completed.set(partial, whole)
  }
  return whole
}
