/**
 * The kinds of packets worth asking about: from a pod, a backend itself, the node, a pod elsewhere, the outside; to a cluster
 * address, a node port, an external address; and to what nobody has. One flow stands for each class.
 */
import {
  type Address,
  contains,
  type Flow,
  formatAddress,
  parseAddress,
  type TransportProtocol,
} from '../dataplane/index.ts'
import type { NodeNetworkOptions } from './network-options.ts'
import type { PortPlan, ServicePlan } from './plan.ts'

export type FlowSource = 'pod' | 'backend' | 'node' | 'remote-pod' | 'outside'
/** `loopback`: the node port on 127.0.0.1. `unknown`: an address or port that no service has. */
export type FlowDestination = 'cluster' | 'node' | 'loopback' | 'external' | 'load-balancer' | 'unknown'

export interface FlowClass {
  /** `default/web:http: pod -> cluster` */
  readonly name: string
  /** The service's key; "" when no service is meant. */
  readonly service: string
  readonly from: FlowSource
  readonly to: FlowDestination
  readonly flow: Flow
}

const OUTSIDE = parseAddress('203.0.113.7')
const LOCALHOST = parseAddress('127.0.0.1')
const SOURCE_PORT = 40_000
const NO_SERVICE_PORT = 4
const NO_NODE_PORT = 32_766

/** All classes for these services on a node; or, with `only`, for those of them alone. */
export function flowClasses(
  plans: Iterable<ServicePlan>,
  node: NodeNetworkOptions,
  only?: ReadonlySet<string>,
): readonly FlowClass[] {
  const classes: FlowClass[] = []
  const all = [...plans]
  for (const plan of all) if (only === undefined || only.has(plan.key)) classes.push(...classesOf(plan, node, 'all'))
  if (only === undefined) classes.push(...strayClasses(all, node))
  return classes
}

/** What no service has: an address of the service range, a node port. */
export function strayClasses(plans: Iterable<ServicePlan>, node: NodeNetworkOptions): readonly FlowClass[] {
  const classes: FlowClass[] = []
  const taken = new Set<Address>()
  const nodePorts = new Set<number>()
  for (const { ports } of plans) {
    for (const port of ports) {
      taken.add(port.clusterAddress)
      nodePorts.add(port.nodePort)
    }
  }
  let free = node.serviceCidr.address + 1
  while (taken.has(free)) free++
  for (const [from, source] of sources(node)) {
    classes.push(make('', '', from, 'unknown', 'TCP', source, free, 80))
    if (!nodePorts.has(NO_NODE_PORT))
      classes.push(make('', '', from, 'unknown', 'TCP', source, node.nodeAddress, NO_NODE_PORT))
  }
  return classes
}

/** The classes from sources that every node has alike, those from backends on the node itself, or all. */
export type ClassGroup = 'everywhere' | 'backends' | 'all'

type Source = readonly [from: FlowSource, address: Address]

/** The classes of one service. */
export function classesOf({ key, ports }: ServicePlan, node: NodeNetworkOptions, group: ClassGroup): FlowClass[] {
  const classes: FlowClass[] = []
  const everywhere = group === 'backends' ? [] : sources(node)
  for (const port of ports) {
    const { name, protocol } = port
    const here = group === 'everywhere' ? undefined : backendOn(node, port)
    const all: readonly Source[] = here === undefined ? everywhere : [...everywhere, ['backend', here]]
    const destinations = all.length === 0 ? [] : destinationsOf(port, node)
    for (const [from, source] of all) {
      for (const { to, address, port: number } of destinations) {
        if (to === 'loopback' && from !== 'node') continue
        classes.push(make(key, name, from, to, protocol, to === 'loopback' ? LOCALHOST : source, address, number))
      }
    }
    if (group !== 'backends' && isClosed(ports))
      classes.push(make(key, name, 'pod', 'unknown', protocol, podSource(node), port.clusterAddress, NO_SERVICE_PORT))
  }
  return classes
}

/** Hears of the sources and destinations of classes: of sources first, then where packets from them go. */
export interface EndsListener {
  from(sources: readonly Address[]): void
  to(to: FlowDestination, protocol: TransportProtocol, address: Address, port: number): void
}

/** Tells of the ends that the classes from everywhere have. */
export function tellEnds({ ports }: ServicePlan, node: NodeNetworkOptions, listener: EndsListener): void {
  listener.from(addressesOf(node))
  for (const port of ports) {
    forEachDestination(port, node, listener.to)
    if (isClosed(ports)) listener.to('unknown', port.protocol, port.clusterAddress, NO_SERVICE_PORT)
  }
}

function backendOn(node: NodeNetworkOptions, port: PortPlan): Address | undefined {
  return port.endpoints.find((endpoint) => contains(node.podCidr, endpoint.address))?.address
}

function isClosed(ports: readonly PortPlan[]): boolean {
  return !ports.some((port) => port.port === NO_SERVICE_PORT)
}

interface Destination {
  readonly to: FlowDestination
  readonly protocol: TransportProtocol
  readonly address: Address
  readonly port: number
}

function destinationsOf(port: PortPlan, node: NodeNetworkOptions): readonly Destination[] {
  const destinations: Destination[] = []
  forEachDestination(port, node, (to, protocol, address, number) => {
    destinations.push({ to, protocol, address, port: number })
  })
  return destinations
}

function forEachDestination(port: PortPlan, node: NodeNetworkOptions, visit: EndsListener['to']): void {
  const { protocol, nodePort } = port
  visit('cluster', protocol, port.clusterAddress, port.port)
  if (nodePort !== 0) {
    visit('node', protocol, node.nodeAddress, nodePort)
    if (node.localhostNodePorts) visit('loopback', protocol, LOCALHOST, nodePort)
  }
  for (const address of port.externalAddresses) visit('external', protocol, address, port.port)
  for (const address of port.loadBalancerAddresses) visit('load-balancer', protocol, address, port.port)
}

/** A pod on the node that is no backend: the last address of the node's block that could be one. */
function podSource(node: NodeNetworkOptions): Address {
  return node.podCidr.address + (~node.podCidr.mask >>> 0) - 1
}

/** The addresses that packets to a service come from on every node, that of the loopback with them. Always the same of one node. */
function addressesOf(node: NodeNetworkOptions): readonly Address[] {
  let addresses = addressesByNode.get(node)
  if (addresses === undefined) {
    addresses = [LOCALHOST, ...sources(node).map(([, address]) => address)]
    addressesByNode.set(node, addresses)
  }
  return addresses
}
const addressesByNode = new WeakMap<NodeNetworkOptions, readonly Address[]>()

function sources(node: NodeNetworkOptions): readonly Source[] {
  const all: Source[] = [
    ['pod', podSource(node)],
    ['node', node.nodeAddress],
    ['outside', OUTSIDE],
  ]
  const last = node.clusterCidrBlock.address + (~node.clusterCidrBlock.mask >>> 0) - 1
  if (!contains(node.podCidr, last)) all.push(['remote-pod', last])
  return all
}

function make(
  service: string,
  port: string,
  from: FlowSource,
  to: FlowDestination,
  protocol: TransportProtocol,
  source: Address,
  destination: Address,
  destinationPort: number,
): FlowClass {
  const flow = { protocol, source, sourcePort: SOURCE_PORT, destination, destinationPort }
  return new NamedClass(service, port, from, to, flow)
}

/** Its name is put together when somebody asks: a comparison asks about dozens of classes and names those alone that differ. */
class NamedClass implements FlowClass {
  readonly service: string
  readonly from: FlowSource
  readonly to: FlowDestination
  readonly flow: Flow
  readonly #port: string

  constructor(service: string, port: string, from: FlowSource, to: FlowDestination, flow: Flow) {
    this.service = service
    this.#port = port
    this.from = from
    this.to = to
    this.flow = flow
  }

  get name(): string {
    const { destination, destinationPort } = this.flow
    const port = this.#port === '' ? '' : `${this.#port}: `
    return `${port}${this.from} -> ${this.to} ${formatAddress(destination)}:${destinationPort}`
  }
}
