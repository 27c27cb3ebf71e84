/**
 * POST of a new object: checked, named, admitted, completed, validated, written on condition that the key is free.
 * Models apiserver pkg/registry/generic/registry/store.go Create and pkg/endpoints/handlers/create.go, v1.33.
 */
import {
  type ApiRequest,
  type ApiResponse,
  copyWith,
  deepFreeze,
  type KubeObject,
  type Pod,
  RESOURCES,
  type Resource,
  registryKey,
  type Service,
  type Status,
  timestamp,
  validateCreate,
  withDefaults,
} from '../objects/index.ts'
import { admitNamespace, withDefaultTolerations } from './admission.ts'
import { checkBody } from './body.ts'
import { allocate, claimsOf } from './claims.ts'
import type { Context } from './context.ts'
import { decode, encode } from './decode.ts'
import { alreadyExists, invalid, isStatus, nameForMessages, tooManyRequests } from './status.ts'
import { type Steps, type StorageWrite, txn, type Unchanged } from './storage.ts'
import { prepareForCreate } from './strategy.ts'
import { readLive } from './update.ts'

const NAMES_MAX = 8
const CLAIM_ATTEMPTS_MAX = 20

type CreateRequest = Extract<ApiRequest, { verb: 'create' }>

export function* create(context: Context, request: CreateRequest): Steps<ApiResponse> {
  const { resource } = request
  const body = checkBody(request, request.object)
  if (isStatus(body)) return { code: body.code, body }
  const refusal = yield* admitNamespace(context, resource, body.metadata.namespace, nameForMessages(body))
  if (refusal !== undefined) return { code: refusal.code, body: refusal }
  const { generateName, namespace = '', name } = body.metadata
  const generates = !name && !!generateName
  if (!name && !generates) {
    const status = invalid(resource, '', validateCreate(resource, withDefaults(body)))
    return { code: status.code, body: status }
  }
  const ordinal = generates ? context.identities.ordinal(namespace, generateName, context.out.now) : 0
  let last: Status | undefined
  for (let attempt = 0; attempt < (generates ? NAMES_MAX : 1); attempt++) {
    const named = generates
      ? withName(body, context.identities.name(namespace, generateName, context.out.now, ordinal, attempt))
      : body
    const result = yield* createNamed(context, resource, named, request.dryRun === true)
    if (!isStatus(result)) return { code: 201, body: result }
    last = result
    if (result.reason !== 'AlreadyExists') break
  }
  return { code: (last as Status).code, body: last as Status }
}

function withName(object: KubeObject, name: string): KubeObject {
  return copyWith(object, { metadata: copyWith(object.metadata, { name }) })
}

function* createNamed(
  context: Context,
  resource: Resource,
  given: KubeObject,
  dryRun: boolean,
): Steps<KubeObject | Status> {
  const { name, namespace } = given.metadata
  const key = registryKey(resource, namespace, name)
  const { now, wall } = context.out
  let defaulted = withDefaults(given)
  if (resource === 'pods') defaulted = withDefaultTolerations(defaulted as Pod, context.options.nodeTolerationSeconds)
  const errors = validateCreate(resource, frozenSpec(defaulted))
  if (errors.length > 0) return invalid(resource, name, errors)
  const identity = {
    name,
    ...(RESOURCES[resource].namespaced ? { namespace } : {}),
    uid: context.identities.uid(key, now),
    creationTimestamp: timestamp(wall),
  }
  const prepared = prepareForCreate(resource, defaulted, identity)
  if (dryRun) return (yield* readLive(key)) === undefined ? deepFreeze(prepared) : alreadyExists(resource, name)
  let taken: ReadonlySet<string> = new Set()
  for (let attempt = 0; attempt < CLAIM_ATTEMPTS_MAX; attempt++) {
    let object = prepared
    let claims: readonly string[] = []
    if (resource === 'services') {
      const allocated = allocate(prepared as Service, undefined, taken, context.addresses)
      if (!allocated.ok) return invalid(resource, name, [allocated.error])
      object = allocated.service
      claims = claimsOf(object)
    }
    const value = encode(object)
    const compare: Unchanged[] = [{ key, modRevision: 0 }]
    const writes: StorageWrite[] = [{ type: 'put', key, value }]
    for (const claim of claims) {
      compare.push({ key: claim, modRevision: 0 })
      writes.push({ type: 'put', key: claim, value: key })
    }
    const reply = yield* txn({ compare, writes, otherwiseRead: [key, ...claims] })
    if (reply.succeeded) return decode(value, reply.revision)
    if (reply.found[0] !== undefined) return alreadyExists(resource, name)
    taken = new Set([...taken, ...claims.filter((_, i) => reply.found[i + 1] !== undefined)])
  }
  return tooManyRequests('the range of addresses or ports is full', 1)
}

/** Freezes the parts, so that what is remembered per frozen part (defaults, validity) is found again. */
function frozenSpec<T extends KubeObject>(object: T): T {
  for (const key in object) if (key !== 'metadata') deepFreeze(object[key])
  return object
}
