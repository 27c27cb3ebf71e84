/**
 * A pod as an endpoint of a service. Models k8s.io/endpointslice utils.go podToEndpoint, getEndpointPorts and util
 * ShouldPodBeInEndpoints, podEndpointsChanged; v1.33. IPv4 only; no topology hints.
 */
import {
  type Endpoint,
  type EndpointSlice,
  isPodReady,
  isPodTerminal,
  type Node,
  type Pod,
  resolvePort,
  type Service,
} from '../../objects/index.ts'

export type EndpointPorts = NonNullable<EndpointSlice['ports']>

const ZONE_LABEL = 'topology.kubernetes.io/zone'
const NO_PORTS: EndpointPorts = Object.freeze([])

/** True for a pod that has an address and has not ended. Terminating pods belong in, marked so. */
export function belongsInEndpoints(pod: Pod): boolean {
  return !isPodTerminal(pod) && podAddress(pod) !== undefined
}

/** The pod's IPv4 address, once it has one. */
export function podAddress(pod: Pod): string | undefined {
  const address = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP
  return address === '' ? undefined : address
}

/** Ready to be sent requests, as far as the pod is concerned. */
export function isReadyEndpoint(serving: boolean, terminating: boolean): boolean {
  return serving && !terminating
}

/** The endpoint for a pod that belongs in. `node` gives the zone. */
export function podToEndpoint(
  pod: Pod,
  node: Node | undefined,
  service: Service,
  isReady: (serving: boolean, terminating: boolean) => boolean = isReadyEndpoint,
): Endpoint {
  const serving = isPodReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const ready = service.spec.publishNotReadyAddresses === true || isReady(serving, terminating)
  const { namespace, name, uid } = pod.metadata
  const zone = node?.metadata.labels?.[ZONE_LABEL]
  return {
    addresses: [podAddress(pod) as string],
    conditions: { ready, serving, terminating },
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(pod.spec.nodeName === undefined ? undefined : { nodeName: pod.spec.nodeName }),
    ...(zone === undefined ? undefined : { zone }),
    ...(hasHostname(pod, service) ? { hostname: pod.spec.hostname } : undefined),
  }
}

/** The service's ports as this pod listens on them; a named port that the pod does not have is left out. */
export function endpointPorts(pod: Pod, service: Service): EndpointPorts {
  const servicePorts = service.spec.ports
  if (servicePorts === undefined || servicePorts.length === 0) return NO_PORTS
  const ports: { name: string; port: number; protocol: NonNullable<EndpointPorts[number]['protocol']> }[] = []
  for (const servicePort of servicePorts) {
    const protocol = servicePort.protocol ?? 'TCP'
    const port = resolvePort(pod.spec, servicePort.targetPort ?? servicePort.port, protocol)
    if (port !== undefined) ports.push({ name: servicePort.name ?? '', port, protocol })
  }
  return ports
}

/** The key by which endpoints with the same ports share slices. */
export function portsKey(ports: EndpointPorts | undefined): string {
  let key = ''
  for (const port of ports ?? NO_PORTS) key += `${port.name ?? ''}/${port.protocol ?? 'TCP'}/${port.port ?? ''};`
  return key
}

/** Two endpoints with the same key are the same one, perhaps with other conditions. */
export function endpointKey(endpoint: Endpoint): string {
  const target = endpoint.targetRef
  return `${endpoint.addresses[0]}|${target?.namespace ?? ''}/${target?.name ?? ''}|${endpoint.hostname ?? ''}`
}

/** True when the parts of an endpoint that its key does not hold are equal. */
export function sameBeyondKey(a: Endpoint, b: Endpoint): boolean {
  return (
    a.conditions?.ready === b.conditions?.ready &&
    a.conditions?.serving === b.conditions?.serving &&
    a.conditions?.terminating === b.conditions?.terminating &&
    a.nodeName === b.nodeName &&
    a.zone === b.zone &&
    a.targetRef?.uid === b.targetRef?.uid
  )
}

/** True when a pod's change can show in endpoints (labels apart). */
export function endpointChanged(before: Pod, after: Pod): boolean {
  return (
    before.metadata.uid !== after.metadata.uid ||
    (before.metadata.deletionTimestamp === undefined) !== (after.metadata.deletionTimestamp === undefined) ||
    isPodReady(before) !== isPodReady(after) ||
    isPodTerminal(before) !== isPodTerminal(after) ||
    podAddress(before) !== podAddress(after) ||
    before.spec.nodeName !== after.spec.nodeName ||
    before.spec.hostname !== after.spec.hostname
  )
}

function hasHostname(pod: Pod, service: Service): boolean {
  const { hostname, subdomain } = pod.spec
  return (
    hostname !== undefined &&
    hostname !== '' &&
    subdomain === service.metadata.name &&
    service.metadata.namespace === pod.metadata.namespace
  )
}
