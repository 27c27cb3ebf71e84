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
  const everywhere = sources(node)
  const taken = new Set<Address>()
  const nodePorts = new Set<number>()
  for (const plan of plans) {
    const asked = only === undefined || only.has(plan.key)
    for (const port of plan.ports) {
      taken.add(port.clusterAddress)
      nodePorts.add(port.nodePort)
      if (asked) addClassesOf(plan, port, node, everywhere, classes)
    }
  }
  if (only !== undefined) return classes
  let free = node.serviceCidr.address + 1
  while (taken.has(free)) free++
  for (const [from, source] of everywhere) {
    classes.push(make('', '', from, 'unknown', 'TCP', source, free, 80))
    if (!nodePorts.has(NO_NODE_PORT))
      classes.push(make('', '', from, 'unknown', 'TCP', source, node.nodeAddress, NO_NODE_PORT))
  }
  return classes
}

type Source = readonly [from: FlowSource, address: Address]

function addClassesOf(
  { key, ports }: ServicePlan,
  port: PortPlan,
  node: NodeNetworkOptions,
  everywhere: readonly Source[],
  into: FlowClass[],
): void {
  const { name, protocol } = port
  const here = port.endpoints.find((endpoint) => contains(node.podCidr, endpoint.address))
  const all: readonly Source[] = here === undefined ? everywhere : [...everywhere, ['backend', here.address]]
  const destinations = destinationsOf(port, node)
  for (const [from, source] of all) {
    for (const [to, address, number] of destinations) {
      if (to === 'loopback' && from !== 'node') continue
      into.push(make(key, name, from, to, protocol, to === 'loopback' ? LOCALHOST : source, address, number))
    }
  }
  const open = ports.some((other) => other.port === NO_SERVICE_PORT)
  if (!open)
    into.push(make(key, name, 'pod', 'unknown', protocol, podSource(node), port.clusterAddress, NO_SERVICE_PORT))
}

function destinationsOf(port: PortPlan, node: NodeNetworkOptions): [FlowDestination, Address, number][] {
  const destinations: [FlowDestination, Address, number][] = [['cluster', port.clusterAddress, port.port]]
  if (port.nodePort !== 0) {
    destinations.push(['node', node.nodeAddress, port.nodePort])
    if (node.localhostNodePorts) destinations.push(['loopback', LOCALHOST, port.nodePort])
  }
  for (const address of port.externalAddresses) destinations.push(['external', address, port.port])
  for (const address of port.loadBalancerAddresses) destinations.push(['load-balancer', address, port.port])
  return destinations
}

/** A pod on the node that is no backend: the last address of the node's block that could be one. */
function podSource(node: NodeNetworkOptions): Address {
  return node.podCidr.address + (~node.podCidr.mask >>> 0) - 1
}

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
