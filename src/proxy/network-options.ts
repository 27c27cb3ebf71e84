/** Every option of the node's network, with its unit and default; made total once. */
import type { Cidr, ConntrackTimeouts, SchedulerName } from '../dataplane/index.ts'
import { CONNTRACK_TIMEOUTS, parseAddress, parseCidr } from '../dataplane/index.ts'

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
