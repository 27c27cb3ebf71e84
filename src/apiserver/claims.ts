/**
 * Cluster addresses and node ports of Services. Each one in use is a key of its own in etcd, written in the same transaction as the Service, so
 * two API servers that give out addresses at once can never give out one twice. Models kubernetes pkg/registry/core/service (ipallocator,
 * portallocator), v1.33. Simplified: upstream writes a bitmap or IPAddress objects and repairs them later; one IPv4 family only.
 */
import { addressOf, type Rand } from '../kernel/random.ts'
import { copyWith, type FieldError, type KubeObject, type Service, type ServicePort } from '../objects/index.ts'

const ADDRESS_PREFIX = '/registry/ranges/serviceips/'
const PORT_PREFIX = '/registry/ranges/servicenodeports/'
/** 10.96.0.0/16. The first 256 addresses are left to those who name one themselves; .1 is the API's own. */
const NETWORK = '10.96'
const DYNAMIC_FIRST = 257
const DYNAMIC_LAST = 65_533
const PORT_FIRST = 30_000
const PORT_DYNAMIC_FIRST = 30_086
const PORT_LAST = 32_767
const CANDIDATES_MAX = 10_000

/** The keys in etcd that a Service holds: its cluster address and its node ports. */
export function claimsOf(object: KubeObject): readonly string[] {
  const { clusterIP, ports } = (object as Service).spec
  const claims: string[] = []
  if (clusterIP && clusterIP !== 'None') claims.push(ADDRESS_PREFIX + clusterIP)
  for (const port of ports ?? []) {
    const claim = PORT_PREFIX + port.nodePort
    if (port.nodePort && !claims.includes(claim)) claims.push(claim)
  }
  return claims
}

/** A Service with the addresses and ports it needs, or the field that asks for one that others hold. */
export type Allocated =
  | { readonly ok: true; readonly service: Service }
  | { readonly ok: false; readonly error: FieldError }

/** Gives a Service its cluster address and node ports, as its type wants; keeps those of `before`. `taken` are claims of others. */
export function allocate(
  service: Service,
  before: Service | undefined,
  taken: ReadonlySet<string>,
  rand: Rand,
): Allocated {
  const { type } = service.spec
  const address = addressOf(`${service.metadata.namespace}/${service.metadata.name}`)
  if (type === 'ExternalName') return { ok: true, service: withoutAddress(service) }
  const clusterIP = service.spec.clusterIP || before?.spec.clusterIP || freeAddress(taken, rand, address)
  if (clusterIP !== 'None' && taken.has(ADDRESS_PREFIX + clusterIP)) {
    const message = `Invalid value: ${JSON.stringify([clusterIP])}: failed to allocate IP ${clusterIP}: provided IP is already allocated`
    return { ok: false, error: { field: 'spec.clusterIPs', reason: 'FieldValueInvalid', message } }
  }
  let { ports } = service.spec
  if (type === 'NodePort' || type === 'LoadBalancer') {
    const chosen: ServicePort[] = []
    for (const [i, port] of (ports ?? []).entries()) {
      const { nodePort } = port
      if (nodePort && taken.has(PORT_PREFIX + nodePort)) {
        const message = `Invalid value: ${nodePort}: provided port is already allocated`
        return { ok: false, error: { field: `spec.ports[${i}].nodePort`, reason: 'FieldValueInvalid', message } }
      }
      chosen.push(
        nodePort ? port : { ...port, nodePort: freePort(port, before, ports ?? [], chosen, taken, rand, address) },
      )
    }
    ports = chosen
  } else if (before !== undefined && before.spec.type !== type) {
    ports = ports?.map(({ nodePort: _nodePort, ...port }) => port)
  }
  const same =
    service.spec.clusterIP === clusterIP && service.spec.clusterIPs?.[0] === clusterIP && ports === service.spec.ports
  if (same) return { ok: true, service }
  const spec = copyWith(service.spec, { clusterIP, clusterIPs: [clusterIP], ...(ports === undefined ? {} : { ports }) })
  return { ok: true, service: copyWith(service, { spec }) }
}

function withoutAddress(service: Service): Service {
  if (service.spec.clusterIP === undefined && service.spec.clusterIPs === undefined) return service
  const { clusterIP: _address, clusterIPs: _addresses, ...spec } = service.spec
  return { ...service, spec }
}

function freeAddress(taken: ReadonlySet<string>, rand: Rand, address: number): string {
  for (let attempt = 0; attempt < CANDIDATES_MAX; attempt++) {
    const offset = rand.intAt(DYNAMIC_FIRST, DYNAMIC_LAST, address, attempt)
    const candidate = `${NETWORK}.${offset >> 8}.${offset & 255}`
    if (!taken.has(ADDRESS_PREFIX + candidate)) return candidate
  }
  return `${NETWORK}.255.254`
}

function freePort(
  port: ServicePort,
  before: Service | undefined,
  all: readonly ServicePort[],
  chosen: readonly ServicePort[],
  taken: ReadonlySet<string>,
  rand: Rand,
  address: number,
): number {
  const used = (candidate: number) =>
    taken.has(PORT_PREFIX + candidate) || [...all, ...chosen].some((other) => other.nodePort === candidate)
  const kept = before?.spec.ports?.find((old) => old.port === port.port && old.protocol === port.protocol)?.nodePort
  if (kept && !used(kept)) return kept
  for (let attempt = 0; attempt < CANDIDATES_MAX; attempt++) {
    const candidate = rand.intAt(PORT_DYNAMIC_FIRST, PORT_LAST, address, port.port, attempt)
    if (!used(candidate)) return candidate
  }
  return PORT_FIRST
}
