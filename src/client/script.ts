/**
 * What waits, written straight down the page: a generator that yields requests as data. It may be killed at any yield and
 * must be safe to start again from what the API server holds. The runner is in `runner.ts`. Answers are values; a script
 * that cannot go on throws a ScriptError, which its owner gets and, in a control loop, tries again later.
 */
import type { Micros } from '../kernel/time.ts'
import type {
  ApiRequest,
  ApiResponse,
  DeleteOptions,
  KubeObject,
  ListSelectors,
  ObjectList,
  Resource,
  ResourceTypes,
  Status,
  StatusReason,
  Subresource,
} from '../objects/index.ts'

/** What a script may wait for. */
export type Op =
  | { readonly op: 'call'; readonly request: ApiRequest }
  | { readonly op: 'sleep'; readonly micros: Micros }
  /** All at once; the answers come back in the order of the requests, once the last is there. */
  | { readonly op: 'all'; readonly requests: readonly ApiRequest[] }

export type Script<T = void> = Generator<Op, T, unknown>

/** A failed request: what the server said, or code 0 when there was no answer (a write may have taken effect). */
export interface Failure {
  readonly ok: false
  readonly code: number
  readonly reason: StatusReason | undefined
  readonly message: string
  readonly status: Status
}

/** The object, or why there is none. */
export type Result<T> = { readonly ok: true; readonly value: T } | Failure

/**
 * A script cannot go on. Carries the failure that stopped it, if a request did. Scripts meet conflicts all the time, and
 * their owner wants the message alone: no stack is taken down, which would cost more than the rest of the retry.
 */
export class ScriptError extends Error {
  readonly failure: Failure | undefined

  constructor(message: string, failure?: Failure) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'ScriptError'
    this.failure = failure
  }
}

/** One request; any answer is a value. */
export function* call(request: ApiRequest): Script<ApiResponse> {
  return (yield { op: 'call', request }) as ApiResponse
}

/** Waits. */
export function* sleep(micros: Micros): Script {
  yield { op: 'sleep', micros }
}

/** Several requests at once; the answers in the order of the requests. */
export function* all(requests: readonly ApiRequest[]): Script<readonly ApiResponse[]> {
  if (requests.length === 0) return []
  return (yield { op: 'all', requests }) as readonly ApiResponse[]
}

/** True for 200 and 201. */
export function isSuccess(response: ApiResponse): boolean {
  return response.code >= 200 && response.code < 300
}

/** The answer as a result: the object of a success, the Status of a failure. */
export function resultOf<T>(response: ApiResponse): Result<T> {
  if (isSuccess(response)) return { ok: true, value: response.body as T }
  const status = response.body as Status
  return { ok: false, code: response.code, reason: status.reason, message: status.message ?? '', status }
}

/** The value, or a ScriptError that ends the script. */
export function must<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new ScriptError(`${result.code} ${result.reason ?? ''}: ${result.message}`, result)
}

/** Reads one object, the most recent. */
export function* get<R extends Resource>(
  resource: R,
  namespace: string | undefined,
  name: string,
): Script<Result<ResourceTypes[R]>> {
  return resultOf((yield { op: 'call', request: { verb: 'get', resource, namespace, name } }) as ApiResponse)
}

/** Lists, the most recent state unless `resourceVersion` is given. `namespace` undefined: all. */
export function* list<R extends Resource>(
  resource: R,
  namespace?: string,
  options: ListSelectors & { readonly resourceVersion?: string } = {},
): Script<Result<ObjectList<ResourceTypes[R]>>> {
  return resultOf((yield { op: 'call', request: { verb: 'list', resource, namespace, ...options } }) as ApiResponse)
}

/** Creates; the name is the object's own (or made from its generateName). */
export function* create<R extends Resource>(resource: R, object: ResourceTypes[R]): Script<Result<ResourceTypes[R]>> {
  return resultOf((yield { op: 'call', request: createRequest(resource, object) }) as ApiResponse)
}

/** Replaces. The object's resourceVersion must be the current one: 409 Conflict otherwise. */
export function* update<R extends Resource>(resource: R, object: ResourceTypes[R]): Script<Result<ResourceTypes[R]>> {
  return resultOf((yield { op: 'call', request: updateRequest(resource, object) }) as ApiResponse)
}

/** Replaces the status only. */
export function* updateStatus<R extends Resource>(
  resource: R,
  object: ResourceTypes[R],
): Script<Result<ResourceTypes[R]>> {
  return resultOf((yield { op: 'call', request: updateRequest(resource, object, 'status') }) as ApiResponse)
}

/** Applies a JSON merge patch. */
export function* patch<R extends Resource>(
  resource: R,
  namespace: string | undefined,
  name: string,
  patchBody: unknown,
  subresource?: Subresource,
): Script<Result<ResourceTypes[R]>> {
  const request: ApiRequest = { verb: 'patch', resource, namespace, name, patch: patchBody, subresource }
  return resultOf((yield { op: 'call', request }) as ApiResponse)
}

/** Deletes (gracefully, where the kind knows grace). */
export function* remove<R extends Resource>(
  resource: R,
  namespace: string | undefined,
  name: string,
  options?: DeleteOptions,
): Script<Result<ResourceTypes[R] | Status>> {
  return resultOf(
    (yield { op: 'call', request: { verb: 'delete', resource, namespace, name, options } }) as ApiResponse,
  )
}

/** The request that creates `object`. */
export function createRequest<T extends KubeObject>(resource: Resource, object: T): ApiRequest {
  return { verb: 'create', resource, namespace: object.metadata.namespace, object }
}

/** The request that replaces `object`, or one of its subresources. */
export function updateRequest<T extends KubeObject>(
  resource: Resource,
  object: T,
  subresource?: Subresource,
): ApiRequest {
  const { namespace, name } = object.metadata
  return { verb: 'update', resource, namespace, name, object, subresource }
}

/** Splits a key of caches and queues into namespace (undefined when cluster-scoped) and name. The inverse of `keyOf`. */
export function splitKey(key: string): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf('/')
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
