/**
 * What kube-proxy decides and a historical bug decided otherwise. Each function here is right; a defect is a
 * `Partial<ProxyDecisions>` laid over it.
 */
import type { Address, IpvsSysctls, TransportProtocol } from '../dataplane/index.ts'
import type { ProxyEndpoint } from './endpoint.ts'

/** A service address (0: any address, for node ports) whose UDP flows may point to a backend that is gone. */
export interface UdpTarget {
  readonly service: string
  readonly protocol: TransportProtocol
  readonly address: Address
  readonly port: number
  /** `address:port` of the backends that still serve. */
  readonly live: ReadonlySet<string>
  /** False: the service was deleted. */
  readonly present: boolean
}

/** What to do after a restore failed. */
export interface FailedRestorePlan {
  /** Services whose changes are still to be applied. */
  readonly pending: Iterable<string>
  /** The next sync applies every service. */
  readonly full: boolean
}

export interface ProxyDecisions {
  /**
   * The endpoints that a traffic policy may use, of those that it reaches. Right: the ready ones, or else those that still
   * serve while terminating. Seam of proxy-local-policy-blackhole: the bug is to know only ready ones under `Local`.
   */
  usableEndpoints(reached: readonly ProxyEndpoint[], policy: 'Cluster' | 'Local'): readonly ProxyEndpoint[]
  /**
   * The real servers behind a virtual server of a service with policy `Local`. Right: the local ones if there are any.
   * Seam of proxy-ipvs-nodeport-ignores-local: the bug is to answer with all.
   */
  localServers(local: readonly ProxyEndpoint[], cluster: readonly ProxyEndpoint[]): readonly ProxyEndpoint[]
  /**
   * Which service addresses are cleaned of stale UDP flows after the rules changed. Right: all that were touched. Seam of
   * proxy-udp-conntrack-after-endpoint-removal: the bug is to clean none (variants: skip those without `live` backends or
   * not `present`).
   */
  udpTargetsToClean(touched: readonly UdpTarget[]): readonly UdpTarget[]
  /** Right: everything stays pending and the next sync is full. Seam of proxy-loses-changes-after-failed-restore: nothing stays. */
  afterFailedRestore(changed: ReadonlySet<string>): FailedRestorePlan
  /**
   * Which addresses leave kube-ipvs0 when virtual servers went. Right: those that no remaining service uses. Seam of
   * proxy-ipvs-unbinds-shared-address: the bug is to answer with all.
   */
  addressesToUnbind(released: readonly Address[], stillUsed: (address: Address) => boolean): readonly Address[]
  /**
   * What kube-proxy sets under net.ipv4.vs. Right: a new connection on a known tuple may be scheduled afresh. Seam of
   * proxy-ipvs-port-reuse-to-dead-backend: the bug is connReuseMode 0 (and with it a draining server keeps its tuples).
   */
  ipvsSysctls(): IpvsSysctls
  /** Right: a removed TCP real server drains while it has connections. Seam of proxy-ipvs-abrupt-removal: it is removed at once. */
  drainsRealServers(): boolean
}

export const PROXY_DECISIONS: ProxyDecisions = {
  usableEndpoints(reached) {
    const ready = reached.filter((endpoint) => endpoint.ready)
    return ready.length > 0 ? ready : reached.filter((endpoint) => endpoint.serving && endpoint.terminating)
  },
  localServers: (local, cluster) => (local.length > 0 ? local : cluster),
  udpTargetsToClean: (touched) => touched,
  afterFailedRestore: (changed) => ({ pending: changed, full: true }),
  addressesToUnbind: (released, stillUsed) => released.filter((address) => !stillUsed(address)),
  ipvsSysctls: () => ({ connReuseMode: 1, expireNodestConn: true, expireQuiescentTemplate: true }),
  drainsRealServers: () => true,
}
