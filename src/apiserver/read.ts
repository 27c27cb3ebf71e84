/**
 * GET and LIST with every meaning of resourceVersion: unset through etcd (the present), "0" from the cache whatever it holds, a version as
 * not-older-than from the cache or exactly from etcd's history; pages by limit and continue. Models apiserver pkg/storage/cacher and
 * pkg/storage/etcd3/store.go, v1.33. Simplified: a consistent list is read from etcd and not from a cache that caught up (as before 1.31).
 */
import {
  type ApiRequest,
  type ApiResponse,
  type KubeObject,
  type ObjectList,
  registryKey,
  type Status,
} from '../objects/index.ts'
import type { Context } from './context.ts'
import { decode, parseRevision } from './decode.ts'
import { type Selection, selectionOf, selects } from './selection.ts'
import { badRequest, expired, notFound, tooLargeVersion } from './status.ts'
import { fresh, prefixEnd, type RangeReply, type RevisionGone, range, rangeAt, type Steps } from './storage.ts'
import { readLive } from './update.ts'

type GetRequest = Extract<ApiRequest, { verb: 'get' }>
type ListRequest = Extract<ApiRequest, { verb: 'list' }>

export function* get(context: Context, request: GetRequest): Steps<ApiResponse> {
  const { resource, namespace, name, resourceVersion } = request
  const key = registryKey(resource, namespace, name)
  let object: KubeObject | undefined
  if (resourceVersion === undefined || resourceVersion === '') {
    object = yield* readLive(key)
  } else {
    const refusal = yield* untilFresh(context, request, resourceVersion)
    if (refusal !== undefined) return answer(refusal)
    object = context.caches[resource].read(key, context.out)
  }
  return object === undefined ? answer(notFound(resource, name)) : { code: 200, body: object }
}

function answer(status: Status): ApiResponse {
  return { code: status.code, body: status }
}

/** Waits until the cache is at `text` or newer. Gives the refusal when it is no version, or does not get there in time. */
function* untilFresh(
  context: Context,
  { resource }: GetRequest | ListRequest,
  text: string,
): Steps<Status | undefined> {
  const revision = parseRevision(text)
  if (revision === undefined) return badRequest(`Invalid value: "${text}": invalid resource version`)
  const cache = context.caches[resource]
  if (cache.isFresh(revision)) return undefined
  const arrived = yield* fresh(resource, revision)
  return arrived ? undefined : tooLargeVersion(revision, cache.revision)
}

export function* list(context: Context, request: ListRequest): Steps<ApiResponse> {
  const { resource, resourceVersion = '', resourceVersionMatch: match, limit, continue: token } = request
  const parsed = selectionOf(request)
  if (!parsed.ok) return answer(badRequest(parsed.message))
  const refusal = badVersionOptions(request)
  if (refusal !== undefined) return answer(badRequest(refusal))
  const selection = parsed.value
  if (token) return yield* listPage(context, request, selection)
  const exact =
    match === 'Exact' || (match === undefined && limit !== undefined && limit > 0 && resourceVersion !== '0')
  if (resourceVersion === '' || exact) return yield* listPage(context, request, selection)
  const stale = yield* untilFresh(context, request, resourceVersion)
  if (stale !== undefined) return answer(stale)
  const cache = context.caches[resource]
  return { code: 200, body: listOf(cache.list(selection, context.out), cache.revision) }
}

function badVersionOptions({
  resourceVersion = '',
  resourceVersionMatch: match,
  continue: token,
}: ListRequest): string | undefined {
  if (resourceVersion !== '' && parseRevision(resourceVersion) === undefined)
    return `Invalid value: "${resourceVersion}": invalid resource version`
  if (match !== undefined && token)
    return 'resourceVersionMatch is forbidden: resourceVersionMatch is forbidden when continue is provided'
  if (match !== undefined && resourceVersion === '')
    return 'resourceVersionMatch is forbidden unless resourceVersion is provided'
  if (match === 'Exact' && resourceVersion === '0')
    return 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
  if (token && resourceVersion !== '' && resourceVersion !== '0')
    return 'specifying resource version is not allowed when using continue'
  return undefined
}

function listOf(
  items: readonly KubeObject[],
  revision: number,
  rest: Partial<ObjectList['metadata']> = {},
): ObjectList {
  return { kind: 'List', metadata: { resourceVersion: String(revision), ...rest }, items }
}

interface Position {
  readonly revision: number | undefined
  readonly from: string
}

/** Lists from etcd: the whole range, or pages of it at one revision until `limit` selected objects are found. */
function* listPage(context: Context, request: ListRequest, selection: Selection): Steps<ApiResponse> {
  const { resource, namespace, resourceVersion = '', limit = 0 } = request
  const prefix = namespace ? `/registry/${resource}/${namespace}/` : `/registry/${resource}/`
  const position = positionOf(request, prefix)
  if (position === undefined) return answer(badRequest('continue key is not valid: the token is none of ours'))
  const items: KubeObject[] = []
  let { from, revision } = position
  const rangeEnd = prefixEnd(prefix)
  while (true) {
    const asked = limit > 0 ? { limit } : {}
    const reply: RangeReply | RevisionGone =
      revision === undefined
        ? yield* range({ key: from, rangeEnd, ...asked })
        : yield* rangeAt({ key: from, rangeEnd, revision, ...asked })
    if ('error' in reply) {
      if (reply.error === 'compacted') return answer(gone(request))
      return answer(tooLargeVersion(Number(resourceVersion), context.caches[resource].revision))
    }
    revision = revision ?? reply.revision
    for (const [i, { key, value, modRevision }] of reply.values.entries()) {
      const object = decode(value, modRevision)
      from = `${key}\u0000`
      if (!selects(selection, object)) continue
      items.push(object)
      const left = reply.count - i - 1
      if (limit > 0 && items.length >= limit && left > 0) {
        const remaining = selection.everything ? { remainingItemCount: left } : {}
        return { code: 200, body: listOf(items, revision, { continue: `${revision}:${from}`, ...remaining }) }
      }
    }
    if (!reply.more) return { code: 200, body: listOf(items, revision) }
  }
}

function positionOf({ continue: token, resourceVersion = '' }: ListRequest, prefix: string): Position | undefined {
  if (!token) return { revision: resourceVersion === '' ? undefined : Number(resourceVersion), from: prefix }
  const colon = token.indexOf(':')
  const revision = parseRevision(token.slice(0, Math.max(colon, 0)))
  const from = token.slice(colon + 1)
  return revision === undefined || !from.startsWith(prefix) ? undefined : { revision, from }
}

function gone(request: ListRequest): Status {
  if (!request.continue) return expired('The resourceVersion for the provided list is too old.')
  return expired(
    'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
  )
}
