/**
 * One Service with its EndpointSlices, digested once for all nodes: its ports, each with its endpoints in a fixed order.
 * Models pkg/proxy (ServicePortMap, EndpointsMap, CategorizeEndpoints), v1.33. Not here: topology hints, IPv6, SCTP,
 * loadBalancerSourceRanges, health-check node ports.
 */

import { type Address, isAddress, parseAddress, type TransportProtocol } from '../dataplane/index.ts'
import { invariant } from '../kernel/index.ts'
import type { Endpoint, EndpointSlice, Service, ServicePort } from '../objects/index.ts'
import { clusterPolicyChain, endpointChain, externalChain, localPolicyChain, servicePortName } from './chain-names.ts'
import type { ProxyDecisions } from './decisions.ts'
import type { ProxyEndpoint } from './endpoint.ts'
import { RulesMemo } from './service-rules.ts'

export interface PortPlan {
  /** `default/web:http` */
  readonly name: string
  /** `KUBE-SVC-…`, `KUBE-SVL-…`, `KUBE-EXT-…` */
  readonly clusterChain: string
  readonly localChain: string
  readonly externalChain: string
  readonly protocol: TransportProtocol
  readonly clusterAddress: Address
  readonly port: number
  /** 0: none. */
  readonly nodePort: number
  readonly externalAddresses: readonly Address[]
  readonly loadBalancerAddresses: readonly Address[]
  /** Session affinity by client address; 0: none. */
  readonly affinitySeconds: number
  readonly internalLocal: boolean
  readonly externalLocal: boolean
  /** Sorted by `text`, no two alike. */
  readonly endpoints: readonly ProxyEndpoint[]
}

export interface ServicePlan {
  /** `default/web` */
  readonly key: string
  readonly service: Service
  readonly slices: readonly EndpointSlice[]
  readonly ports: readonly PortPlan[]
  /** False: every node has the same iptables rules for it. */
  readonly usesLocal: boolean
  readonly memo: RulesMemo
}

const DEFAULT_AFFINITY_SECONDS = 10_800
const memo = new WeakMap<Service, ServicePlan>()

/** True for services that kube-proxy has work for: with a cluster address, and not of another proxy. */
export function isProxied(service: Service): boolean {
  const { type, clusterIP } = service.spec
  if (type === 'ExternalName' || clusterIP === undefined || !isAddress(clusterIP)) return false
  return service.metadata.labels?.['service.kubernetes.io/service-proxy-name'] === undefined
}

/** The plan of a service. The same objects give the same plan, whichever node asks: it is kept with the Service. */
export function planService(service: Service, slices: readonly EndpointSlice[]): ServicePlan {
  const known = memo.get(service)
  if (known !== undefined && sameSlices(known.slices, slices)) return known
  invariant(isProxied(service), 'proxy: only a service with a cluster address has a plan', service.metadata.name)
  const key = `${service.metadata.namespace}/${service.metadata.name}`
  const ports = (service.spec.ports ?? []).filter(isSupported).map((port) => planPort(key, service, port, slices))
  const plan = {
    key,
    service,
    slices,
    ports,
    usesLocal: ports.some((port) => port.internalLocal || port.externalLocal),
    memo: new RulesMemo(known?.memo),
  }
  memo.set(service, plan)
  return plan
}

function sameSlices(a: readonly EndpointSlice[], b: readonly EndpointSlice[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function isSupported(port: ServicePort): boolean {
  return port.protocol !== 'SCTP'
}

function planPort(key: string, service: Service, port: ServicePort, slices: readonly EndpointSlice[]): PortPlan {
  const { spec } = service
  const protocol = port.protocol === 'UDP' ? 'UDP' : 'TCP'
  const loadBalancerAddresses = ingressAddresses(service)
  const nodePort = spec.type === 'NodePort' || spec.type === 'LoadBalancer' ? (port.nodePort ?? 0) : 0
  const externalAddresses = (spec.externalIPs ?? []).filter(isAddress).map(parseAddress)
  const reachable = nodePort !== 0 || externalAddresses.length > 0 || loadBalancerAddresses.length > 0
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS
  const name = servicePortName(key, port.name ?? '')
  return {
    name,
    clusterChain: clusterPolicyChain(name, protocol),
    localChain: localPolicyChain(name, protocol),
    externalChain: externalChain(name, protocol),
    protocol,
    clusterAddress: parseAddress(spec.clusterIP ?? ''),
    port: port.port,
    nodePort,
    externalAddresses,
    loadBalancerAddresses,
    affinitySeconds: spec.sessionAffinity === 'ClientIP' ? timeout : 0,
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local' && reachable,
    endpoints: planEndpoints(key, port.name ?? '', protocol, slices),
  }
}

function ingressAddresses(service: Service): Address[] {
  if (service.spec.type !== 'LoadBalancer') return []
  const status = service.status?.loadBalancer as { readonly ingress?: readonly { readonly ip?: string }[] } | undefined
  return (status?.ingress ?? []).flatMap(({ ip }) => (ip !== undefined && isAddress(ip) ? [parseAddress(ip)] : []))
}

function planEndpoints(
  key: string,
  portName: string,
  protocol: TransportProtocol,
  slices: readonly EndpointSlice[],
): ProxyEndpoint[] {
  const name = servicePortName(key, portName)
  const byText = new Map<string, ProxyEndpoint>()
  for (const slice of slices) {
    const port = slice.ports?.find((entry) => (entry.name ?? '') === portName && (entry.protocol ?? 'TCP') === protocol)
    if (port?.port === undefined) continue
    for (const endpoint of slice.endpoints) {
      const address = endpoint.addresses[0]
      if (address === undefined || !isAddress(address)) continue
      const planned = planEndpoint(name, protocol, endpoint, address, port.port)
      const other = byText.get(planned.text)
      if (other === undefined || (planned.ready && !other.ready)) byText.set(planned.text, planned)
    }
  }
  return [...byText.values()].sort((a, b) => (a.text < b.text ? -1 : 1))
}

function planEndpoint(
  name: string,
  protocol: TransportProtocol,
  endpoint: Endpoint,
  address: string,
  port: number,
): ProxyEndpoint {
  const text = `${address}:${port}`
  const ready = endpoint.conditions?.ready ?? true
  return {
    address: parseAddress(address),
    port,
    text,
    chain: endpointChain(name, protocol, text),
    nodeName: endpoint.nodeName ?? '',
    ready,
    serving: endpoint.conditions?.serving ?? ready,
    terminating: endpoint.conditions?.terminating ?? false,
  }
}

/** The endpoints of a port as one node sees them. */
export interface Categories {
  /** Usable under policy Cluster; empty if the port never uses it. */
  readonly cluster: readonly ProxyEndpoint[]
  /** Usable under policy Local; empty if the port never uses it. */
  readonly local: readonly ProxyEndpoint[]
  /** The union of both. */
  readonly reachable: readonly ProxyEndpoint[]
  /** Some node has a usable endpoint. */
  readonly any: boolean
}

/** Reachable by others than the cluster address. */
export function isExternallyAccessible(port: PortPlan): boolean {
  return port.nodePort !== 0 || port.externalAddresses.length > 0 || port.loadBalancerAddresses.length > 0
}

const NONE: readonly ProxyEndpoint[] = []

export function categorize(port: PortPlan, nodeName: string, decisions: ProxyDecisions): Categories {
  const usesCluster = !port.internalLocal || isExternallyAccessible(port)
  const usesLocal = port.internalLocal || port.externalLocal
  const cluster = usesCluster ? decisions.usableEndpoints(port.endpoints, 'Cluster') : NONE
  if (!usesLocal) return { cluster, local: NONE, reachable: cluster, any: cluster.length > 0 }
  const local = decisions.usableEndpoints(
    port.endpoints.filter((endpoint) => endpoint.nodeName === nodeName),
    'Local',
  )
  const any = port.endpoints.some((endpoint) => endpoint.ready || (endpoint.serving && endpoint.terminating))
  const extra = local.filter((endpoint) => !cluster.includes(endpoint))
  return { cluster, local, reachable: extra.length === 0 ? cluster : [...cluster, ...extra], any }
}
