/**
 * The second, stupid opinion: what Services and EndpointSlices say should happen to a flow, read straight from the objects
 * with no chains, no plans, no sets. Follows the documentation of Services (traffic policies, session affinity, terminating
 * endpoints) and shares nothing with the code it judges but the types.
 */
import { type Address, contains, formatAddress } from '../dataplane/index.ts'
import type { Endpoint, EndpointSlice, Service, ServicePort } from '../objects/index.ts'
import type { FlowClass } from './classes.ts'
import type { NodeNetworkOptions } from './network-options.ts'

/** What should happen. `masqueraded`: the backends that must see the node's address. */
export interface Expectation {
  readonly verdict: 'dnat' | 'reject' | 'drop' | 'direct'
  readonly backends: ReadonlySet<string>
  readonly masqueraded: ReadonlySet<string>
  readonly affinitySeconds: number
}

/** A service port's endpoints as one node sees them, looked up once however many flows are asked about. */
export type EndpointMemo = Map<ServicePort, PortEndpoints>

interface PortEndpoints {
  /** Usable ones, as `address:port`. */
  readonly everywhere: ReadonlySet<string>
  readonly here: ReadonlySet<string>
  /** Some node has one that is ready or serves while it leaves. */
  readonly somewhere: boolean
}

interface NamedEndpoint {
  readonly text: string
  readonly endpoint: Endpoint
}

/** One service and the slices that name it. */
export interface ServiceObjects {
  readonly service: Service
  readonly slices: readonly EndpointSlice[]
}

const EMPTY: ReadonlySet<string> = new Set()

export function nothing(verdict: 'reject' | 'drop' | 'direct'): Expectation {
  return { verdict, backends: EMPTY, masqueraded: EMPTY, affinitySeconds: 0 }
}

/** The endpoints behind a service port, as `address:port` with their objects. */
function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[]): readonly NamedEndpoint[] {
  const named: NamedEndpoint[] = []
  for (const { ports, endpoints } of slices) {
    for (const entry of ports ?? []) {
      if ((entry.name ?? '') !== (port.name ?? '') || (entry.protocol ?? 'TCP') !== (port.protocol ?? 'TCP')) continue
      for (const endpoint of endpoints) named.push({ text: `${endpoint.addresses[0]}:${entry.port}`, endpoint })
    }
  }
  return named
}

const isReady = ({ endpoint }: NamedEndpoint): boolean => endpoint.conditions?.ready !== false
const isLeaving = ({ endpoint }: NamedEndpoint): boolean =>
  endpoint.conditions?.ready === false &&
  endpoint.conditions.serving === true &&
  endpoint.conditions.terminating === true

/** Ready endpoints, or, when there are none, those that serve while they terminate; of one node, if one is named. */
function usable(endpoints: readonly NamedEndpoint[], nodeName?: string): ReadonlySet<string> {
  const ready = new Set<string>()
  const leaving = new Set<string>()
  for (const each of endpoints) {
    if (nodeName !== undefined && each.endpoint.nodeName !== nodeName) continue
    if (isReady(each)) ready.add(each.text)
    else if (isLeaving(each)) leaving.add(each.text)
  }
  return ready.size > 0 ? ready : leaving
}

function seenFrom(nodeName: string, all: readonly NamedEndpoint[]): PortEndpoints {
  return {
    everywhere: usable(all),
    here: usable(all, nodeName),
    somewhere: all.some((each) => isReady(each) || isLeaving(each)),
  }
}

/** All that `naive` reads of these slices as long as no policy is Local, as text: the same text, the same expectations. */
export function whatSlicesSay({ service, slices }: ServiceObjects): string {
  let text = ''
  for (const port of service.spec.ports ?? []) {
    const texts = usable(endpointsOf(port, slices))
    if (texts.size === 0) text += 'none'
    for (const each of texts) text += `${each} `
    text += ';'
  }
  return text
}

/** What the objects say about a flow of this class. */
export function naive(
  flowClass: FlowClass,
  objects: ServiceObjects | undefined,
  node: NodeNetworkOptions,
  memo: EndpointMemo = new Map(),
): Expectation {
  const { flow, to } = flowClass
  if (objects === undefined || to === 'unknown')
    return nothing(contains(node.serviceCidr, flow.destination) ? 'drop' : 'direct')
  const { service, slices } = objects
  const port = (service.spec.ports ?? []).find(
    (entry) =>
      (to === 'node' || to === 'loopback' ? entry.nodePort : entry.port) === flow.destinationPort &&
      (entry.protocol ?? 'TCP') === flow.protocol,
  )
  if (port === undefined) return nothing(contains(node.serviceCidr, flow.destination) ? 'drop' : 'direct')

  const known = memo.get(port)
  const endpoints = known ?? seenFrom(node.nodeName, endpointsOf(port, slices))
  if (known === undefined) memo.set(port, endpoints)
  if (!endpoints.somewhere) return nothing('reject')
  const fromNode = flowClass.from === 'node'
  const fromPod = contains(node.clusterCidrBlock, flow.source)
  const external = to !== 'cluster'
  const local = external
    ? service.spec.externalTrafficPolicy === 'Local' && !fromNode && !fromPod
    : service.spec.internalTrafficPolicy === 'Local'
  const backends = local ? endpoints.here : endpoints.everywhere
  if (backends.size === 0) return nothing('drop')

  const hidesSource = external
    ? service.spec.externalTrafficPolicy !== 'Local' || fromNode
    : node.masqueradeAll || !fromPod
  const masqueraded = hidesSource ? backends : ofAddress(backends, flow.source)
  const seconds = service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800
  return {
    verdict: 'dnat',
    backends,
    masqueraded,
    affinitySeconds: service.spec.sessionAffinity === 'ClientIP' ? seconds : 0,
  }
}

/** The backends of that address: of a pod that reaches itself. */
function ofAddress(backends: ReadonlySet<string>, address: Address): ReadonlySet<string> {
  const prefix = `${formatAddress(address)}:`
  let own: Set<string> | undefined
  for (const text of backends) {
    if (!text.startsWith(prefix)) continue
    own ??= new Set()
    own.add(text)
  }
  return own ?? EMPTY
}
