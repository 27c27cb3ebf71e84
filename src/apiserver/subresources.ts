/**
 * Scale, binding, finalize. Models kubernetes pkg/registry/apps (ScaleREST), pkg/registry/core/pod/storage (BindingREST) and
 * pkg/registry/core/namespace/storage (FinalizeREST), v1.33.
 */
import {
  type ApiRequest,
  type ApiResponse,
  copyWith,
  type Deployment,
  findCondition,
  type KubeObject,
  type Namespace,
  type Pod,
  type ReplicaSet,
  type Resource,
  timestamp,
  withCondition,
} from '../objects/index.ts'
import { answerOf, decideChange } from './change.ts'
import type { Context } from './context.ts'
import { unmetPrecondition } from './deletion.ts'
import { mergePatch } from './mergepatch.ts'
import { badRequest, conflict, invalid, success } from './status.ts'
import type { Steps } from './storage.ts'
import { endsDeletion, isUnchanged } from './strategy.ts'
import { guaranteedUpdate } from './update.ts'

type Write = Extract<ApiRequest, { verb: 'update' | 'patch' }>
type Create = Extract<ApiRequest, { verb: 'create' }>

interface Scale extends KubeObject {
  readonly kind: 'Scale'
  readonly spec: { readonly replicas: number }
  readonly status: { readonly replicas: number }
}

/** PUT or PATCH of scale: only spec.replicas (and the version that it was read at) count. Answers with the Scale. */
export function* scale(context: Context, request: Write): Steps<ApiResponse> {
  const { resource, namespace, name, dryRun = false } = request
  const written = yield* guaranteedUpdate(context, resource, namespace, name, dryRun, (current, taken) => {
    const before = scaleOf(current)
    const wanted = (request.verb === 'patch' ? mergePatch(before, request.patch) : request.object) as Partial<Scale>
    const replicas = wanted?.spec?.replicas ?? 0
    if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
      const message = `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`
      return {
        outcome: 'refuse',
        status: invalid(resource, name, [{ field: 'spec.replicas', reason: 'FieldValueInvalid', message }]),
      }
    }
    const { resourceVersion: _version, ...metadata } = current.metadata
    const asked = wanted.metadata?.resourceVersion
    const given = {
      ...current,
      metadata: asked === undefined ? metadata : { ...metadata, resourceVersion: asked },
      spec: { ...(current as Deployment).spec, replicas },
    } as KubeObject
    return decideChange(context, resource, false, given, current, taken)
  })
  return written.done === 'refused' ? answerOf(written) : { code: 200, body: scaleOf(written.object) }
}

/** The Scale of a Deployment or ReplicaSet. */
function scaleOf(object: KubeObject): Scale {
  const { spec, status } = object as Deployment | ReplicaSet
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 0 },
    status: { replicas: status?.replicas ?? 0 },
  }
}

/** POST of a Binding: puts a pod on a node, once. */
export function* bind(context: Context, request: Create): Steps<ApiResponse> {
  const { namespace, name = '', dryRun = false } = request
  const binding = request.object as Partial<KubeObject> & { readonly target?: { readonly name?: string } }
  const nodeName = binding?.target?.name
  if (!nodeName) {
    const status = badRequest('a binding names its target node')
    return { code: status.code, body: status }
  }
  const { uid, resourceVersion, annotations } = binding.metadata ?? {}
  const written = yield* guaranteedUpdate(context, 'pods', namespace, name, dryRun, (current) => {
    const pod = current as Pod
    const refusal = unmetPrecondition('pods', pod, { preconditions: { uid, resourceVersion } })
    if (refusal !== undefined) return { outcome: 'refuse', status: refusal }
    if (pod.metadata.deletionTimestamp !== undefined) {
      return {
        outcome: 'refuse',
        status: conflict('pods', name, `pod ${name} is being deleted, cannot be assigned to a host`),
      }
    }
    if (pod.spec.nodeName && !context.options.decisions.mayRebind()) {
      return {
        outcome: 'refuse',
        status: conflict('pods', name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`),
      }
    }
    return { outcome: 'put', object: bound(pod, nodeName, annotations, timestamp(context.out.wall)) }
  })
  if (written.done === 'refused') return answerOf(written)
  return { code: 201, body: success(201) }
}

function bound(pod: Pod, nodeName: string, annotations: Pod['metadata']['annotations'], stamp: string): Pod {
  const before = pod.status?.conditions
  const scheduled = findCondition(before, 'PodScheduled')
  const conditions =
    scheduled?.status === 'True'
      ? before
      : withCondition(
          before?.filter((entry) => entry !== scheduled),
          { type: 'PodScheduled', status: 'True' },
          stamp,
        )
  return copyWith(pod, {
    metadata:
      annotations === undefined
        ? pod.metadata
        : copyWith(pod.metadata, { annotations: { ...pod.metadata.annotations, ...annotations } }),
    spec: copyWith(pod.spec, { nodeName }),
    status: copyWith(pod.status ?? {}, { conditions }),
  })
}

/** PUT of a namespace's finalize: only spec.finalizers count. With the last one gone a dying namespace is removed. */
export function* finalize(context: Context, request: Write): Steps<ApiResponse> {
  const { resource, name, dryRun = false } = request
  const written = yield* guaranteedUpdate(context, resource as Resource, undefined, name, dryRun, (current) => {
    const given = (request.verb === 'patch' ? mergePatch(current, request.patch) : request.object) as Namespace
    const asked = given.metadata?.resourceVersion
    if (asked && asked !== current.metadata.resourceVersion) {
      return {
        outcome: 'refuse',
        status: conflict(
          resource,
          name,
          'the object has been modified; please apply your changes to the latest version and try again',
        ),
      }
    }
    const after: Namespace = {
      ...(current as Namespace),
      spec: { ...(current as Namespace).spec, finalizers: given.spec?.finalizers ?? [] },
    }
    if (endsDeletion(resource, after, current)) return { outcome: 'remove', object: after }
    return isUnchanged(after, current) ? { outcome: 'keep', object: current } : { outcome: 'put', object: after }
  })
  return answerOf(written)
}
