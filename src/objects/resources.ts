/** The resources that the API serves: their group, kind, scope and subresources. One row a resource. */
import type {
  ConfigMap,
  CoreEvent,
  Deployment,
  EndpointSlice,
  Lease,
  Namespace,
  Node,
  PodDisruptionBudget,
  ReplicaSet,
  Secret,
  Service,
  ServiceAccount,
} from './kinds.ts'
import type { KubeObject } from './meta.ts'
import type { Pod } from './pod.ts'

export interface ResourceTypes {
  pods: Pod
  nodes: Node
  namespaces: Namespace
  deployments: Deployment
  replicasets: ReplicaSet
  services: Service
  endpointslices: EndpointSlice
  leases: Lease
  poddisruptionbudgets: PodDisruptionBudget
  configmaps: ConfigMap
  secrets: Secret
  serviceaccounts: ServiceAccount
  events: CoreEvent
}

/** The plural name in URLs and etcd keys. */
export type Resource = keyof ResourceTypes

export interface ResourceInfo {
  readonly resource: Resource
  readonly group: string
  readonly version: string
  readonly apiVersion: string
  readonly kind: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly namespaced: boolean
  readonly subresources: readonly string[]
}

const row = (
  resource: Resource,
  group: string,
  kind: string,
  namespaced: boolean,
  shortNames: readonly string[],
  subresources: readonly string[],
): ResourceInfo => ({
  resource,
  group,
  version: 'v1',
  apiVersion: group === '' ? 'v1' : `${group}/v1`,
  kind,
  singular: kind.toLowerCase(),
  shortNames,
  namespaced,
  subresources,
})

export const RESOURCES: Readonly<Record<Resource, ResourceInfo>> = {
  pods: row('pods', '', 'Pod', true, ['po'], ['status', 'binding', 'eviction']),
  nodes: row('nodes', '', 'Node', false, ['no'], ['status']),
  namespaces: row('namespaces', '', 'Namespace', false, ['ns'], ['status', 'finalize']),
  deployments: row('deployments', 'apps', 'Deployment', true, ['deploy'], ['status', 'scale']),
  replicasets: row('replicasets', 'apps', 'ReplicaSet', true, ['rs'], ['status', 'scale']),
  services: row('services', '', 'Service', true, ['svc'], ['status']),
  endpointslices: row('endpointslices', 'discovery.k8s.io', 'EndpointSlice', true, [], []),
  leases: row('leases', 'coordination.k8s.io', 'Lease', true, [], []),
  poddisruptionbudgets: row('poddisruptionbudgets', 'policy', 'PodDisruptionBudget', true, ['pdb'], ['status']),
  configmaps: row('configmaps', '', 'ConfigMap', true, ['cm'], []),
  secrets: row('secrets', '', 'Secret', true, [], []),
  serviceaccounts: row('serviceaccounts', '', 'ServiceAccount', true, ['sa'], []),
  events: row('events', '', 'Event', true, ['ev'], []),
}

/** The resources that every cluster serves: all but events, which a topology may do without. */
export const RESOURCE_NAMES = (Object.keys(RESOURCES) as readonly Resource[]).filter((name) => name !== 'events')

const BY_KIND = new Map(Object.values(RESOURCES).map((info) => [`${info.apiVersion}/${info.kind}`, info]))

/** The resource of an apiVersion and kind, or undefined when the API does not serve it. */
export function resourceOfKind(apiVersion: string, kind: string): ResourceInfo | undefined {
  return BY_KIND.get(`${apiVersion}/${kind}`)
}

interface Keyed {
  readonly namespace: string
  readonly key: string
}

/** The keys that were asked for last, by name: one text for all caches, and its hash is computed once. */
const keys = new Map<string, Keyed>()
const KEYS_MAX = 1 << 17

/** `namespace/name`, or `name` for what is cluster-scoped: the key in caches and work queues. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata
  if (namespace === undefined || namespace === '') return name
  const known = keys.get(name)
  if (known !== undefined && known.namespace === namespace) return known.key
  const key = `${namespace}/${name}`
  if (keys.size >= KEYS_MAX) keys.clear()
  keys.set(name, { namespace, key })
  return key
}

/** The same for the keys in etcd, by resource. */
const registryKeys = new Map<Resource, Map<string, Keyed>>()

/** The key in etcd: `/registry/<resource>/<namespace>/<name>`. */
export function registryKey(resource: Resource, namespace: string | undefined, name: string): string {
  let known = registryKeys.get(resource)
  if (known === undefined) {
    known = new Map()
    registryKeys.set(resource, known)
  }
  const place = RESOURCES[resource].namespaced ? String(namespace) : ''
  const same = known.get(name)
  if (same !== undefined && same.namespace === place) return same.key
  const key = place === '' ? `/registry/${resource}/${name}` : `/registry/${resource}/${place}/${name}`
  if (known.size >= KEYS_MAX) known.clear()
  known.set(name, { namespace: place, key })
  return key
}
