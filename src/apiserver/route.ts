/** Which script answers which request. Models the storage map of kubernetes pkg/registry, v1.33: what is not here is 405. */
import { type ApiRequest, type ApiResponse, RESOURCES, type Resource, type Subresource } from '../objects/index.ts'
import { patch, update } from './change.ts'
import type { Context } from './context.ts'
import { create } from './create.ts'
import { evict } from './eviction.ts'
import { get, list } from './read.ts'
import { remove, removeCollection } from './remove.ts'
import { badRequest, failure, methodNotAllowed } from './status.ts'
import type { Steps } from './storage.ts'
import { bind, finalize, scale } from './subresources.ts'

/** Requests that one script answers; a watch is not one. */
export type CallRequest = Exclude<ApiRequest, { verb: 'watch' }>

/** The script of a request. */
export function route(context: Context, request: CallRequest): Steps<ApiResponse> {
  const info = RESOURCES[request.resource]
  if (info === undefined || context.caches[request.resource] === undefined)
    return refuse(failure(404, 'NotFound', 'the server could not find the requested resource'))
  const refusal = misdirected(request)
  if (refusal !== undefined) return refuse(refusal)
  switch (request.verb) {
    case 'get':
      return get(context, request)
    case 'list':
      return list(context, request)
    case 'create':
      if (request.subresource === undefined) return create(context, request)
      if (request.subresource === 'binding' && request.resource === 'pods') return bind(context, request)
      if (request.subresource === 'eviction' && request.resource === 'pods') return evict(context, request)
      return refuse(methodNotAllowed(request.resource, 'create'))
    case 'update':
    case 'patch':
      if (request.subresource === 'scale') return scale(context, request)
      if (request.subresource === 'finalize') return finalize(context, request)
      return request.verb === 'update' ? update(context, request) : patch(context, request)
    case 'delete':
      return remove(context, request)
    case 'deletecollection':
      return removeCollection(context, request)
  }
}

function misdirected(request: CallRequest): ReturnType<typeof failure> | undefined {
  const { resource } = request
  const { namespaced, subresources } = RESOURCES[resource]
  const subresource: Subresource | undefined = 'subresource' in request ? request.subresource : undefined
  if (subresource !== undefined && !subresources.includes(subresource)) {
    return failure(404, 'NotFound', 'the server could not find the requested resource')
  }
  const single = request.verb !== 'list' && request.verb !== 'deletecollection'
  if (single && namespaced && !request.namespace) return badRequest(`a namespace is needed for ${resource as Resource}`)
  if (!namespaced && request.namespace)
    return failure(404, 'NotFound', 'the server could not find the requested resource')
  if (subresource !== undefined && !(request as { readonly name?: string }).name)
    return badRequest('a subresource needs a name')
  return undefined
}

function* refuse(status: ReturnType<typeof failure>): Steps<ApiResponse> {
  return { code: status.code, body: status }
}
