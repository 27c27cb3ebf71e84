/**
 * What the cluster's DNS answers, as a pure function of Services and EndpointSlices. Models CoreDNS plugin/kubernetes: A and
 * SRV records of services, headless services and their members; CNAME for ExternalName. Not here: caches and time to live,
 * replicas, forwarding, reverse zones, IPv6, wildcards.
 */
import type { Endpoint, EndpointSlice, Service } from '../objects/index.ts'
import { DNS_DECISIONS, type DnsDecisions } from './decisions.ts'
import { isAddress } from './packet.ts'

/** Where the answers come from; the same objects that kube-proxy reads. */
export interface DnsSource {
  /** `key` is `namespace/name`. */
  service(key: string): Service | undefined
  slices(key: string): Iterable<EndpointSlice>
  /** Default: the right ones. */
  readonly decisions?: Partial<DnsDecisions>
}

export interface SrvRecord {
  readonly target: string
  readonly port: number
}

export type DnsAnswer =
  /** `code` NOERROR with nothing in it: the name exists, the type does not. */
  | {
      readonly code: 'NOERROR'
      readonly addresses: readonly string[]
      readonly services: readonly SrvRecord[]
      readonly alias?: string
    }
  | { readonly code: 'NXDOMAIN' }

const NXDOMAIN: DnsAnswer = { code: 'NXDOMAIN' }
const ZONE = 'cluster.local'

/** The names a pod's resolver tries for `name`, in order: its search list first when the name has fewer than five dots. */
export function searchNames(name: string, namespace: string): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const searched = [`${name}.${namespace}.svc.${ZONE}`, `${name}.svc.${ZONE}`, `${name}.${ZONE}`]
  return name.split('.').length > 5 ? [name, ...searched] : [...searched, name]
}

/** What a pod of `namespace` gets for `name`: the first name of its search list that exists. */
export function lookup(name: string, namespace: string, source: DnsSource): DnsAnswer {
  for (const candidate of searchNames(name, namespace)) {
    const answer = resolve(candidate, source)
    if (answer.code === 'NOERROR') return answer
  }
  return NXDOMAIN
}

/** The answer to one full name, such as `web.default.svc.cluster.local` or `_http._tcp.web.default.svc.cluster.local`. */
export function resolve(name: string, source: DnsSource): DnsAnswer {
  const decisions = source.decisions === undefined ? DNS_DECISIONS : { ...DNS_DECISIONS, ...source.decisions }
  const labels = name.toLowerCase().split('.')
  if (labels.splice(-2).join('.') !== ZONE) return NXDOMAIN
  const kind = labels.pop()
  const namespace = labels.pop() ?? ''
  if (kind === 'pod') return podAnswer(labels)
  if (kind !== 'svc') return NXDOMAIN
  const serviceName = labels.pop() ?? ''
  const service = source.service(`${namespace}/${serviceName}`)
  if (service === undefined) return NXDOMAIN
  if (service.spec.type === 'ExternalName') {
    return labels.length > 0
      ? NXDOMAIN
      : { code: 'NOERROR', addresses: [], services: [], alias: service.spec.externalName }
  }
  const slices = [...source.slices(`${namespace}/${serviceName}`)]
  if (labels.length === 2 && labels[0]?.startsWith('_') === true) {
    return serviceRecords(service, slices, labels[0].slice(1), (labels[1] ?? '').slice(1), decisions)
  }
  const members = publishedMembers(service, slices, decisions)
  if (labels.length === 1) {
    const named = members.filter((endpoint) => hostNames(endpoint).includes(labels[0] ?? ''))
    return named.length === 0 ? NXDOMAIN : addressAnswer(named)
  }
  if (labels.length > 1) return NXDOMAIN
  if (service.spec.clusterIP !== 'None')
    return { code: 'NOERROR', addresses: [service.spec.clusterIP ?? ''].filter(isAddress), services: [] }
  return members.length === 0 ? NXDOMAIN : addressAnswer(members)
}

/** `10-244-1-7.default.pod.cluster.local` is its own answer (CoreDNS: pods insecure). */
function podAnswer(labels: readonly string[]): DnsAnswer {
  const address = (labels[0] ?? '').replaceAll('-', '.')
  return labels.length === 1 && isAddress(address) ? { code: 'NOERROR', addresses: [address], services: [] } : NXDOMAIN
}

/** The endpoints that a headless service's name stands for. */
export function publishedMembers(
  service: Service,
  slices: Iterable<EndpointSlice>,
  decisions: DnsDecisions = DNS_DECISIONS,
): Endpoint[] {
  const members: Endpoint[] = []
  for (const slice of slices)
    for (const endpoint of slice.endpoints) if (decisions.publishes(service, endpoint)) members.push(endpoint)
  return members
}

function addressAnswer(endpoints: readonly Endpoint[]): DnsAnswer {
  return { code: 'NOERROR', addresses: [...new Set(endpoints.flatMap((endpoint) => endpoint.addresses))], services: [] }
}

/** A member's own label: its hostname, else its address with dashes. */
function hostNames(endpoint: Endpoint): readonly string[] {
  return endpoint.hostname === undefined
    ? endpoint.addresses.map((address) => address.replaceAll('.', '-'))
    : [endpoint.hostname]
}

function serviceRecords(
  service: Service,
  slices: readonly EndpointSlice[],
  port: string,
  protocol: string,
  decisions: DnsDecisions,
): DnsAnswer {
  const { name, namespace } = service.metadata
  const suffix = `${name}.${namespace}.svc.${ZONE}`
  const records: SrvRecord[] = []
  if (service.spec.clusterIP !== 'None') {
    for (const entry of service.spec.ports ?? []) {
      if (entry.name === port && (entry.protocol ?? 'TCP').toLowerCase() === protocol)
        records.push({ target: suffix, port: entry.port })
    }
  } else {
    for (const slice of slices) {
      for (const entry of slice.ports ?? []) {
        if (entry.name !== port || (entry.protocol ?? 'TCP').toLowerCase() !== protocol) continue
        for (const endpoint of publishedMembers(service, [slice], decisions)) {
          for (const host of hostNames(endpoint)) records.push({ target: `${host}.${suffix}`, port: entry.port ?? 0 })
        }
      }
    }
  }
  return records.length === 0 ? NXDOMAIN : { code: 'NOERROR', addresses: [], services: records }
}

/** The addresses of a full name, for clients that want nothing else. Empty: the name does not exist, or has no addresses. */
export function answerQuery(name: string, source: DnsSource): readonly string[] {
  const answer = resolve(name.endsWith('.') ? name.slice(0, -1) : name, source)
  return answer.code === 'NOERROR' ? answer.addresses : []
}
