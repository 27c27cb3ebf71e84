/** Objects as `kubectl get` shows them, one table a kind. Models the printer columns of kubernetes pkg/printers, v1.33. */
import type { Micros } from '../kernel/index.ts'
import {
  type Deployment,
  type EndpointSlice,
  type KubeObject,
  type Lease,
  type Node,
  type Pod,
  type PodDisruptionBudget,
  RESOURCES,
  type ReplicaSet,
  type Resource,
  type ResourceTypes,
  type Service,
  tryParseTime,
} from '../objects/index.ts'
import { eventTable } from './events.ts'
import { textTable } from './text-table.ts'
import { age } from './time.ts'

interface Columns<T extends KubeObject> {
  readonly header: readonly string[]
  row(object: T): readonly string[]
}

const COLUMNS: { readonly [R in Resource]?: Columns<ResourceTypes[R]> } = {
  nodes: {
    header: ['STATUS'],
    row: (node) => [nodeStatus(node)],
  },
  pods: {
    header: ['READY', 'STATUS', 'RESTARTS', 'IP', 'NODE'],
    row: (pod) => [
      readyContainers(pod),
      podStatus(pod),
      restarts(pod),
      pod.status?.podIP ?? '<none>',
      pod.spec.nodeName ?? '<none>',
    ],
  },
  deployments: {
    header: ['READY', 'UP-TO-DATE', 'AVAILABLE'],
    row: ({ spec, status }: Deployment) => [
      `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}`,
      `${status?.updatedReplicas ?? 0}`,
      `${status?.availableReplicas ?? 0}`,
    ],
  },
  replicasets: {
    header: ['DESIRED', 'CURRENT', 'READY'],
    row: ({ spec, status }: ReplicaSet) => [
      `${spec.replicas ?? 1}`,
      `${status?.replicas ?? 0}`,
      `${status?.readyReplicas ?? 0}`,
    ],
  },
  services: {
    header: ['TYPE', 'CLUSTER-IP', 'PORT(S)'],
    row: ({ spec }: Service) => [spec.type ?? 'ClusterIP', spec.clusterIP ?? '<none>', servicePorts(spec.ports ?? [])],
  },
  endpointslices: {
    header: ['ADDRESSTYPE', 'PORTS', 'ENDPOINTS'],
    row: (slice) => [
      slice.addressType,
      (slice.ports ?? []).map((port) => `${port.port ?? '*'}`).join(',') || '<unset>',
      endpoints(slice),
    ],
  },
  poddisruptionbudgets: {
    header: ['MIN AVAILABLE', 'MAX UNAVAILABLE', 'ALLOWED DISRUPTIONS'],
    row: ({ spec, status }: PodDisruptionBudget) => [
      `${spec.minAvailable ?? 'N/A'}`,
      `${spec.maxUnavailable ?? 'N/A'}`,
      `${status?.disruptionsAllowed ?? 0}`,
    ],
  },
  leases: {
    header: ['HOLDER'],
    row: ({ spec }: Lease) => [spec.holderIdentity ?? ''],
  },
}

/** The order in which `--at` prints. */
const SHOWN: readonly Resource[] = [
  'nodes',
  'deployments',
  'replicasets',
  'pods',
  'services',
  'endpointslices',
  'poddisruptionbudgets',
  'leases',
]

/** What to print from: the stored objects of each resource. */
export interface ObjectSource {
  list<R extends Resource>(resource: R): Iterable<ResourceTypes[R]>
}

/** Every non-empty table, as of the wall-clock reading `wallMicros` (Unix microseconds). */
export function objectTables(source: ObjectSource, wallMicros: Micros): string {
  const tables: string[] = []
  for (const resource of SHOWN) {
    const table = objectTable(resource, [...source.list(resource)], wallMicros)
    if (table !== '') tables.push(table)
  }
  const events = eventTable([...source.list('events')], wallMicros)
  if (events !== '') tables.push(events)
  return tables.join('\n\n')
}

/** One resource's table; empty when there are no objects. */
export function objectTable<R extends Resource>(
  resource: R,
  objects: readonly ResourceTypes[R][],
  wallMicros: Micros,
): string {
  if (objects.length === 0) return ''
  const columns = COLUMNS[resource] as Columns<ResourceTypes[R]> | undefined
  const namespaced = RESOURCES[resource].namespaced
  const rows = objects
    .toSorted(
      (a, b) =>
        compare(a.metadata.namespace ?? '', b.metadata.namespace ?? '') || compare(a.metadata.name, b.metadata.name),
    )
    .map((object) => [
      ...(namespaced ? [object.metadata.namespace ?? ''] : []),
      `${RESOURCES[resource].singular}/${object.metadata.name}`,
      ...(columns?.row(object) ?? []),
      ageOf(object, wallMicros),
    ])
  return textTable([...(namespaced ? ['NAMESPACE'] : []), 'NAME', ...(columns?.header ?? []), 'AGE'], rows)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function ageOf(object: KubeObject, wallMicros: Micros): string {
  const created = tryParseTime(object.metadata.creationTimestamp ?? '')
  return created === undefined ? '<unknown>' : age(wallMicros - created)
}

function nodeStatus(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')
  const state = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return node.spec.unschedulable === true ? `${state},SchedulingDisabled` : state
}

function readyContainers(pod: Pod): string {
  const statuses = pod.status?.containerStatuses ?? []
  return `${statuses.filter((status) => status.ready).length}/${pod.spec.containers.length}`
}

function podStatus(pod: Pod): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating'
  for (const status of pod.status?.containerStatuses ?? []) {
    const reason = status.state.waiting?.reason ?? status.state.terminated?.reason
    if (reason !== undefined && reason !== '') return reason
  }
  return pod.status?.reason ?? pod.status?.phase ?? 'Pending'
}

function restarts(pod: Pod): string {
  return `${(pod.status?.containerStatuses ?? []).reduce((sum, status) => sum + status.restartCount, 0)}`
}

function servicePorts(ports: NonNullable<Service['spec']['ports']>): string {
  return (
    ports
      .map((port) => `${port.port}${port.nodePort === undefined ? '' : `:${port.nodePort}`}/${port.protocol ?? 'TCP'}`)
      .join(',') || '<none>'
  )
}

function endpoints(slice: EndpointSlice): string {
  const ready = slice.endpoints
    .filter((endpoint) => endpoint.conditions?.ready !== false)
    .flatMap((endpoint) => endpoint.addresses)
  const shown = ready.slice(0, 3).join(',')
  return ready.length === 0 ? '<none ready>' : ready.length > 3 ? `${shown} + ${ready.length - 3} more...` : shown
}
