/** DELETE of one object and of a collection. Models apiserver pkg/registry/generic/registry/store.go Delete and DeleteCollection, v1.33. */
import {
  type ApiRequest,
  type ApiResponse,
  type DeleteOptions,
  type KubeObject,
  RESOURCES,
  type Resource,
} from '../objects/index.ts'
import type { Context } from './context.ts'
import { decode } from './decode.ts'
import { decideDeletion } from './deletion.ts'
import { selectionOf, selects } from './selection.ts'
import { badRequest, success } from './status.ts'
import { prefixEnd, range, type Steps } from './storage.ts'
import { guaranteedUpdate, type Written } from './update.ts'

type DeleteRequest = Extract<ApiRequest, { verb: 'delete' }>
type CollectionRequest = Extract<ApiRequest, { verb: 'deletecollection' }>

const NO_OPTIONS: DeleteOptions = Object.freeze({})
/** Of these the answer to a deletion is the object, of the others a Status. */
const ANSWERED_WITH_OBJECT: ReadonlySet<Resource> = new Set<Resource>(['pods', 'services', 'namespaces'])

/** Deletes by the rules of the kind; used by evictions too. */
export function deleteObject(
  context: Context,
  resource: Resource,
  namespace: string | undefined,
  name: string,
  options: DeleteOptions,
  dryRun: boolean,
): Steps<Written> {
  return guaranteedUpdate(context, resource, namespace, name, dryRun, (current) =>
    decideDeletion(resource, current, options, context.out.wall),
  )
}

export function* remove(context: Context, request: DeleteRequest): Steps<ApiResponse> {
  const { resource, namespace, name, options = NO_OPTIONS, dryRun = false } = request
  const { gracePeriodSeconds } = options
  if (gracePeriodSeconds !== undefined && !Number.isInteger(gracePeriodSeconds)) {
    const status = badRequest(`gracePeriodSeconds must be a whole number, not ${gracePeriodSeconds}`)
    return { code: status.code, body: status }
  }
  const written = yield* deleteObject(context, resource, namespace, name, options, dryRun)
  if (written.done === 'refused') return { code: written.status.code, body: written.status }
  if (written.done === 'removed' && !ANSWERED_WITH_OBJECT.has(resource)) {
    const { uid } = written.object.metadata
    const { group } = RESOURCES[resource]
    return { code: 200, body: success(200, { name, ...(group === '' ? {} : { group }), kind: resource, uid }) }
  }
  return { code: 200, body: written.object }
}

/** Deletes what a consistent list selects, one after the other; what is gone meanwhile is no error, another refusal ends it. */
export function* removeCollection(context: Context, request: CollectionRequest): Steps<ApiResponse> {
  const { resource, namespace, options = NO_OPTIONS } = request
  const selection = selectionOf(request)
  if (!selection.ok) {
    const status = badRequest(selection.message)
    return { code: status.code, body: status }
  }
  const prefix = namespace === undefined ? `/registry/${resource}/` : `/registry/${resource}/${namespace}/`
  const reply = yield* range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  const items: KubeObject[] = []
  for (const { value, modRevision } of reply.values) {
    const object = decode(value, modRevision)
    if (!selects(selection.value, object)) continue
    const written = yield* deleteObject(
      context,
      resource,
      object.metadata.namespace,
      object.metadata.name,
      options,
      false,
    )
    if (written.done !== 'refused') items.push(written.object)
    else if (written.status.code !== 404) return { code: written.status.code, body: written.status }
  }
  return { code: 200, body: { kind: 'List', metadata: { resourceVersion: String(reply.revision) }, items } }
}
