/**
 * What one service needs in IPVS mode on one node: virtual servers with their real servers, and elements of sets. Pure.
 * Models pkg/proxy/ipvs syncProxyRules and syncEndpoint, v1.33. Not here: nodePortAddresses other than the node's own.
 */
import { type Address, formatEntry, type SetEntry, type VirtualServerSpec } from '../dataplane/index.ts'
import { SECOND } from '../kernel/index.ts'
import type { ProxyDecisions } from './decisions.ts'
import type { ProxyEndpoint } from './endpoint.ts'
import { IPVS_SETS, type SetName } from './ipvs-base.ts'
import type { NodeNetworkOptions } from './network-options.ts'
import { categorize, type PortPlan, type ServicePlan } from './plan.ts'

export interface DesiredServer {
  readonly spec: VirtualServerSpec
  /** The address goes on kube-ipvs0. */
  readonly binds: boolean
  readonly endpoints: readonly ProxyEndpoint[]
}

export interface DesiredEntry {
  readonly set: SetName
  readonly entry: SetEntry
  /** As `ipset save` writes it; no two elements of a set have the same. */
  readonly text: string
}

export interface ServiceIpvs {
  readonly servers: readonly DesiredServer[]
  readonly entries: readonly DesiredEntry[]
}

/** What a service wants of a node's IPVS. */
export function serviceIpvs(plan: ServicePlan, node: NodeNetworkOptions, decisions: ProxyDecisions): ServiceIpvs {
  const servers: DesiredServer[] = []
  const entries: DesiredEntry[] = []
  for (const port of plan.ports) addPort(port, node, decisions, servers, entries)
  return { servers, entries }
}

function addPort(
  port: PortPlan,
  node: NodeNetworkOptions,
  decisions: ProxyDecisions,
  servers: DesiredServer[],
  entries: DesiredEntry[],
): void {
  const { protocol } = port
  const { cluster, local } = categorize(port, node.nodeName, decisions)
  const internal = port.internalLocal ? decisions.localServers(local, cluster) : cluster
  const external = port.externalLocal ? decisions.localServers(local, cluster) : cluster
  const add = (address: Address, number: number, binds: boolean, endpoints: readonly ProxyEndpoint[]): void => {
    const persistenceMicros = port.affinitySeconds * SECOND
    servers.push({
      spec: { protocol, address, port: number, scheduler: node.ipvsScheduler, persistenceMicros },
      binds,
      endpoints,
    })
  }
  const element = (set: SetName, address: Address, number: number, secondAddress = 0): void => {
    const entry = { address, protocol, port: number, secondAddress }
    entries.push({ set, entry, text: formatEntry(IPVS_SETS[set], entry) })
  }
  for (const endpoint of port.endpoints) {
    if (endpoint.nodeName === node.nodeName)
      element('KUBE-LOOP-BACK', endpoint.address, endpoint.port, endpoint.address)
  }
  element('KUBE-CLUSTER-IP', port.clusterAddress, port.port)
  add(port.clusterAddress, port.port, true, internal)
  for (const address of port.externalAddresses) {
    element(port.externalLocal ? 'KUBE-EXTERNAL-IP-LOCAL' : 'KUBE-EXTERNAL-IP', address, port.port)
    add(address, port.port, address !== node.nodeAddress, external)
  }
  for (const address of port.loadBalancerAddresses) {
    element('KUBE-LOAD-BALANCER', address, port.port)
    if (port.externalLocal) element('KUBE-LOAD-BALANCER-LOCAL', address, port.port)
    add(address, port.port, address !== node.nodeAddress, external)
  }
  if (port.nodePort === 0) return
  element(`KUBE-NODE-PORT-${protocol}`, 0, port.nodePort)
  if (port.externalLocal) element(`KUBE-NODE-PORT-LOCAL-${protocol}`, 0, port.nodePort)
  add(node.nodeAddress, port.nodePort, false, external)
}
