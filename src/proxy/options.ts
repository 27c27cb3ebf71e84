/** Every option of the node's network and of kube-proxy, with its unit and default; made total once. */
import type { ClientDecisions } from '../client/index.ts'
import type { Cidr, ConntrackTimeouts, SchedulerName } from '../dataplane/index.ts'
import { CONNTRACK_TIMEOUTS, parseAddress, parseCidr } from '../dataplane/index.ts'
import { type Micros, type ProcessId, SECOND, type Streams } from '../kernel/index.ts'
import { PROXY_DECISIONS, type ProxyDecisions } from './decisions.ts'
import type { NodeNetwork } from './network.ts'

/** What a cluster says about a node's network. */
export interface NodeNetworkSetup {
  readonly nodeName: string
  readonly nodeAddress: string
  /** The addresses of the pods on this node. */
  readonly podCidr: string
  /** The addresses of all pods: traffic from elsewhere to a cluster address is masqueraded. Default 10.244.0.0/14. */
  readonly clusterCidr?: string
  /** Where cluster addresses are taken from: an unused one leads nowhere. Default 10.96.0.0/16. */
  readonly serviceCidr?: string
  /** Masquerade everything that goes to a cluster address. Default false. */
  readonly masqueradeAll?: boolean
  /** iptables mode: node ports answer on 127.0.0.1 too (and route_localnet is on). Default true, as upstream. */
  readonly localhostNodePorts?: boolean
  /** Default rr, as upstream. */
  readonly ipvsScheduler?: SchedulerName
  readonly conntrackTimeouts?: ConntrackTimeouts
}

export interface NodeNetworkOptions {
  readonly nodeName: string
  readonly nodeAddress: number
  readonly podCidr: Cidr
  readonly clusterCidr: string
  readonly clusterCidrBlock: Cidr
  readonly serviceCidr: Cidr
  /** What a service's rules depend on besides the service: for all nodes alike, and for one node where policies are Local. */
  readonly sharedRulesKey: string
  readonly localRulesKey: string
  readonly masqueradeAll: boolean
  readonly localhostNodePorts: boolean
  readonly ipvsScheduler: SchedulerName
  readonly conntrackTimeouts: ConntrackTimeouts
}

export function completeNodeNetworkOptions(setup: NodeNetworkSetup): NodeNetworkOptions {
  const clusterCidr = setup.clusterCidr ?? '10.244.0.0/14'
  const sharedRulesKey = `${clusterCidr} ${setup.masqueradeAll ?? false}`
  return {
    nodeName: setup.nodeName,
    nodeAddress: parseAddress(setup.nodeAddress),
    podCidr: parseCidr(setup.podCidr),
    clusterCidr,
    clusterCidrBlock: parseCidr(clusterCidr),
    serviceCidr: parseCidr(setup.serviceCidr ?? '10.96.0.0/16'),
    sharedRulesKey,
    localRulesKey: `${setup.nodeName} ${sharedRulesKey}`,
    masqueradeAll: setup.masqueradeAll ?? false,
    localhostNodePorts: setup.localhostNodePorts ?? true,
    ipvsScheduler: setup.ipvsScheduler ?? 'rr',
    conntrackTimeouts: setup.conntrackTimeouts ?? CONNTRACK_TIMEOUTS,
  }
}

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
