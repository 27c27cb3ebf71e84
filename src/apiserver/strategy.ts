/**
 * What an API server does to an object between a request and the store: which parts of it a write may touch, what is set or reset, when the
 * generation moves. Models apiserver pkg/registry/rest and the strategies in kubernetes pkg/registry, v1.33.
 */
import {
  copyWith,
  type KubeObject,
  type Namespace,
  type ObjectMeta,
  type Pod,
  qosClass,
  RESOURCES,
  type Resource,
  sameButVersion,
  sameValue,
  withIdentity,
} from '../objects/index.ts'

/** Any object's top level: spec, status, data and so on by name. */
type Parts = KubeObject & Readonly<Record<string, unknown>>

const COUNTS_GENERATIONS: ReadonlySet<Resource> = new Set<Resource>([
  'pods',
  'deployments',
  'replicasets',
  'poddisruptionbudgets',
  'endpointslices',
])
/** Updates of these must name the version that they change. */
const NEEDS_VERSION: ReadonlySet<Resource> = new Set<Resource>(['leases', 'endpointslices', 'poddisruptionbudgets'])

/** True when an update must carry a resourceVersion. */
export function needsVersion(resource: Resource): boolean {
  return NEEDS_VERSION.has(resource)
}

function hasStatus(resource: Resource): boolean {
  return RESOURCES[resource].subresources.includes('status')
}

/** A new object as it is stored: identity and time set, status reset. */
export function prepareForCreate(resource: Resource, object: KubeObject, identity: ObjectMeta): KubeObject {
  const given = object.metadata
  const metadata = withIdentity(
    given,
    COUNTS_GENERATIONS.has(resource) ? copyWith(identity, { generation: 1 }) : identity,
  )
  switch (resource) {
    case 'pods':
      return copyWith(object as Pod, {
        metadata,
        status: { phase: 'Pending', qosClass: qosClass((object as Pod).spec) },
      })
    case 'namespaces':
      return copyWith(object as Namespace, {
        metadata: copyWith(metadata, { labels: { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name } }),
        spec: { finalizers: withKubernetesFinalizer((object as Namespace).spec?.finalizers) },
        status: { phase: 'Active' },
      })
    case 'services':
      return copyWith(object as Parts, { metadata, status: { loadBalancer: {} } })
    case 'nodes':
      return copyWith(object, { metadata })
    default: {
      if (!hasStatus(resource)) return copyWith(object, { metadata })
      const { status: _status, ...rest } = object as Parts
      return copyWith(rest, { metadata })
    }
  }
}

function withKubernetesFinalizer(finalizers: readonly string[] = []): readonly string[] {
  return finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes']
}

/** A changed object as it is stored: what this write may not touch is taken from before, the generation moves if it must. */
export function prepareForUpdate(resource: Resource, given: KubeObject, before: KubeObject): KubeObject {
  const old = before as Parts
  let after = copyWith(given as Parts, { apiVersion: before.apiVersion, kind: before.kind })
  if (hasStatus(resource) && after.status !== old.status) after = replaced(after, 'status', old.status)
  if (resource === 'namespaces' && after.spec !== old.spec) after = replaced(after, 'spec', old.spec)
  const moves = COUNTS_GENERATIONS.has(resource) && generationMoves(resource, after, old)
  return copyWith(after, { metadata: keptIdentity(given.metadata, before.metadata, moves) })
}

/** As `prepareForUpdate`, for the status subresource: only the status (and ordinary metadata) is taken. */
export function prepareForStatusUpdate(given: KubeObject, before: KubeObject): KubeObject {
  const after = replaced(before as Parts, 'status', (given as Parts).status)
  const owners = before.metadata.ownerReferences
  const kept =
    owners === given.metadata.ownerReferences ? given.metadata : copyWith(given.metadata, { ownerReferences: owners })
  return copyWith(after, { metadata: keptIdentity(kept, before.metadata, false) })
}

function replaced(object: Parts, part: string, value: unknown): Parts {
  if (value !== undefined) return copyWith(object, { [part]: value } as Partial<Parts>)
  const { [part]: _part, ...rest } = object
  return rest as Parts
}

function generationMoves(resource: Resource, after: Parts, before: Parts): boolean {
  if (resource === 'endpointslices') {
    return !sameValue(after.endpoints, before.endpoints) || !sameValue(after.ports, before.ports)
  }
  if (!sameValue(after.spec, before.spec)) return true
  return resource === 'deployments' && !sameValue(after.metadata.annotations ?? {}, before.metadata.annotations ?? {})
}

/** The new metadata with what no client may set. */
function keptIdentity(given: ObjectMeta, before: ObjectMeta, moves: boolean): ObjectMeta {
  if (!moves || before.generation === undefined) return withIdentity(given, before)
  return withIdentity(given, copyWith(before, { generation: before.generation + 1 }))
}

/** True when a write would change nothing but the version. */
export function isUnchanged(after: KubeObject, before: KubeObject): boolean {
  const left = after as Parts
  const right = before as Parts
  for (const key in left) if (key !== 'metadata' && !sameValue(left[key], right[key])) return false
  for (const key in right) if (left[key] === undefined && right[key] !== undefined) return false
  return sameButVersion(after.metadata, before.metadata)
}

/** True when an update that leaves no finalizer must remove the object, because its deletion was only waiting for that. */
export function endsDeletion(resource: Resource, after: KubeObject, before: KubeObject): boolean {
  if ((after.metadata.finalizers?.length ?? 0) > 0) return false
  if (before.metadata.deletionTimestamp === undefined) return false
  if (resource === 'namespaces' && ((after as Namespace).spec?.finalizers?.length ?? 0) > 0) return false
  return (before.metadata.deletionGracePeriodSeconds ?? 0) === 0
}
