/**
 * What a DELETE means for an object: keep it, mark it, shorten its grace, or remove it. Pure.
 * Models apiserver pkg/registry/rest/delete.go BeforeDelete, generic/registry store.go (finalizers of the garbage collector), kubernetes
 * pkg/registry/core/{pod,namespace} strategies, v1.33. Simplified: a pod that goes at once is removed in one write, without the update to
 * grace 0 that upstream writes just before.
 */
import { type Micros, SECOND } from '../kernel/time.ts'
import {
  copyWith,
  type DeleteOptions,
  isPodTerminal,
  type KubeObject,
  type Namespace,
  type ObjectMeta,
  type Pod,
  parseTime,
  type Resource,
  sameValue,
  timestamp,
} from '../objects/index.ts'
import { conflict, forbidden } from './status.ts'
import type { Outcome } from './update.ts'

const ORPHAN = 'orphan'
const FOREGROUND = 'foregroundDeletion'
const IMMORTAL_NAMESPACES = ['default', 'kube-system', 'kube-public']

/** Decides a DELETE on one copy of the object. `wall` is Unix microseconds. */
export function decideDeletion(resource: Resource, current: KubeObject, options: DeleteOptions, wall: Micros): Outcome {
  const refusal = unmetPrecondition(resource, current, options)
  if (refusal !== undefined) return { outcome: 'refuse', status: refusal }
  if (resource === 'namespaces') return decideNamespace(current as Namespace, options, wall)
  const finalizers = finalizersFor(current.metadata.finalizers, options)
  if (resource === 'pods') return decidePod(current as Pod, finalizers, options, wall)
  if (finalizers.length === 0) return { outcome: 'remove', object: current }
  return marked(current, finalizers, wall, 0)
}

/** The mismatch of uid or resourceVersion that forbids the deletion, or undefined. */
export function unmetPrecondition(resource: Resource, current: KubeObject, { preconditions }: DeleteOptions) {
  const { uid, resourceVersion, name } = current.metadata
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`
    return conflict(resource, name, why)
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`
    return conflict(resource, name, why)
  }
  return undefined
}

/** The finalizers after the propagation policy had its say. */
function finalizersFor(before: readonly string[] = [], { propagationPolicy }: DeleteOptions): readonly string[] {
  if (propagationPolicy === undefined) return before
  const rest = before.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND)
  if (propagationPolicy === 'Orphan') return [...rest, ORPHAN]
  if (propagationPolicy === 'Foreground') return [...rest, FOREGROUND]
  return rest
}

function decidePod(pod: Pod, finalizers: readonly string[], options: DeleteOptions, wall: Micros): Outcome {
  const { deletionTimestamp, deletionGracePeriodSeconds: granted } = pod.metadata
  if (deletionTimestamp === undefined) {
    const period = gracePeriodSeconds(pod, options)
    if (period === 0 && finalizers.length === 0) return { outcome: 'remove', object: pod }
    return marked(pod, finalizers, wall, period)
  }
  const asked = options.gracePeriodSeconds
  if (granted !== undefined && (asked === undefined || asked >= granted)) return { outcome: 'keep', object: pod }
  const period = asked === undefined ? 0 : Math.max(asked, 0)
  if (period === 0 && finalizers.length === 0) return { outcome: 'remove', object: pod }
  const shortened = parseTime(deletionTimestamp) - ((granted ?? period) - period) * SECOND
  return put(
    pod,
    copyWith(withFinalizers(pod.metadata, finalizers), {
      deletionTimestamp: timestamp(shortened),
      deletionGracePeriodSeconds: period,
    }),
  )
}

/** Seconds of grace: the caller's, else the pod's own; none for a pod that is on no node or has ended. */
function gracePeriodSeconds(pod: Pod, options: DeleteOptions): number {
  if (!pod.spec.nodeName || isPodTerminal(pod)) return 0
  const period = options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 0
  return period < 0 ? 1 : period
}

function decideNamespace(namespace: Namespace, options: DeleteOptions, wall: Micros): Outcome {
  const { name, deletionTimestamp, finalizers = [] } = namespace.metadata
  if (IMMORTAL_NAMESPACES.includes(name)) {
    return { outcome: 'refuse', status: forbidden('namespaces', name, 'this namespace may not be deleted') }
  }
  const pending = (namespace.spec?.finalizers?.length ?? 0) > 0
  if (deletionTimestamp !== undefined) {
    return pending || finalizers.length > 0
      ? { outcome: 'keep', object: namespace }
      : { outcome: 'remove', object: namespace }
  }
  const wanted = finalizersFor(finalizers, options)
  if (!pending && wanted.length === 0) return { outcome: 'remove', object: namespace }
  const object: Namespace = {
    ...namespace,
    metadata: { ...withFinalizers(namespace.metadata, wanted), deletionTimestamp: timestamp(wall) },
    status: { ...namespace.status, phase: 'Terminating' },
  }
  return { outcome: 'put', object }
}

function marked(object: KubeObject, finalizers: readonly string[], wall: Micros, period: number): Outcome {
  const { metadata } = object
  if (metadata.deletionTimestamp !== undefined) {
    if (sameValue(metadata.finalizers ?? [], finalizers)) return { outcome: 'keep', object }
    return put(object, withFinalizers(metadata, finalizers))
  }
  const moved = metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }
  return put(
    object,
    copyWith(withFinalizers(metadata, finalizers), {
      deletionTimestamp: timestamp(wall + period * SECOND),
      deletionGracePeriodSeconds: period,
      ...moved,
    }),
  )
}

function withFinalizers(metadata: ObjectMeta, finalizers: readonly string[]): ObjectMeta {
  if (finalizers === metadata.finalizers) return metadata
  const { finalizers: _before, ...rest } = metadata
  return finalizers.length === 0 ? rest : copyWith<ObjectMeta>(rest, { finalizers })
}

function put(object: KubeObject, metadata: ObjectMeta): Outcome {
  return { outcome: 'put', object: copyWith(object, { metadata }) }
}
