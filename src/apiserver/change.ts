/**
 * PUT and PATCH of an object or its status: the version that the writer saw must be the present one, what the write may not touch is kept, what
 * changed is validated, and an update that takes the last finalizer off a dying object removes it.
 * Models apiserver pkg/registry/generic/registry/store.go Update and pkg/endpoints/handlers/patch.go, v1.33. JSON merge patch only.
 */
import {
  type ApiRequest,
  type ApiResponse,
  deepFreeze,
  type KubeObject,
  type Resource,
  type Service,
  validateUpdate,
  withDefaults,
} from '../objects/index.ts'
import { checkBody } from './body.ts'
import { allocate } from './claims.ts'
import type { Context } from './context.ts'
import { mergePatch } from './mergepatch.ts'
import { conflict, invalid, isStatus, modified } from './status.ts'
import type { Steps } from './storage.ts'
import { endsDeletion, isUnchanged, needsVersion, prepareForStatusUpdate, prepareForUpdate } from './strategy.ts'
import { guaranteedUpdate, type Outcome, type Written } from './update.ts'

type UpdateRequest = Extract<ApiRequest, { verb: 'update' }>
type PatchRequest = Extract<ApiRequest, { verb: 'patch' }>

/** The answer for what an update came to. */
export function answerOf(written: Written): ApiResponse {
  return written.done === 'refused'
    ? { code: written.status.code, body: written.status }
    : { code: 200, body: written.object }
}

export function* update(context: Context, request: UpdateRequest): Steps<ApiResponse> {
  const { resource, namespace, name, subresource, dryRun = false } = request
  const body = checkBody(request, request.object)
  if (isStatus(body)) return { code: body.code, body }
  if (needsVersion(resource) && !body.metadata.resourceVersion) {
    const message = 'Invalid value: 0: must be specified for an update'
    const status = invalid(resource, name, [
      { field: 'metadata.resourceVersion', reason: 'FieldValueInvalid', message },
    ])
    return { code: status.code, body: status }
  }
  const written = yield* guaranteedUpdate(context, resource, namespace, name, dryRun, (current, taken) =>
    decideChange(context, resource, subresource === 'status', body, current, taken),
  )
  return answerOf(written)
}

export function* patch(context: Context, request: PatchRequest): Steps<ApiResponse> {
  const { resource, namespace, name, subresource, dryRun = false } = request
  const given = deepFreeze(request.patch)
  const written = yield* guaranteedUpdate(context, resource, namespace, name, dryRun, (current, taken) => {
    const body = checkBody(request, mergePatch(current, given))
    if (isStatus(body)) return { outcome: 'refuse', status: body }
    return decideChange(context, resource, subresource === 'status', body, current, taken)
  })
  return answerOf(written)
}

/** Decides an update on one copy: `given` is what the writer wants the object to be. */
export function decideChange(
  context: Context,
  resource: Resource,
  isStatusUpdate: boolean,
  given: KubeObject,
  current: KubeObject,
  taken: ReadonlySet<string>,
): Outcome {
  const { name, uid, resourceVersion } = current.metadata
  if (given.metadata.resourceVersion && given.metadata.resourceVersion !== resourceVersion) {
    return { outcome: 'refuse', status: modified(resource, name) }
  }
  if (given.metadata.uid && given.metadata.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${given.metadata.uid}, UID in object meta: ${uid}`
    return { outcome: 'refuse', status: conflict(resource, name, why) }
  }
  let after = isStatusUpdate
    ? prepareForStatusUpdate(given, current)
    : prepareForUpdate(resource, withDefaults(given), current)
  if (resource === 'services' && !isStatusUpdate) {
    const allocated = allocate(after as Service, current as Service, taken, context.addresses)
    if (!allocated.ok) return { outcome: 'refuse', status: invalid(resource, name, [allocated.error]) }
    after = allocated.service
  }
  const errors = validateUpdate(resource, after, current)
  if (errors.length > 0) return { outcome: 'refuse', status: invalid(resource, name, errors) }
  if (isUnchanged(after, current)) return { outcome: 'keep', object: current }
  return { outcome: endsDeletion(resource, after, current) ? 'remove' : 'put', object: after }
}
