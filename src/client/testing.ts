/**
 * A small API server in a test's hands, behind the recording double of `Out`: several front ends over one store, each with a
 * watch cache that can be frozen, refuse, keep silent or forget its history. Only for tests; it validates nothing, knows no
 * selectors and no subresource but status and binding, and is not a model of an API server.
 */
import type { Message, Out, ProcessId, TimerTarget } from '../kernel/machine.ts'
import { RecordingOut } from '../kernel/testing.ts'
import { MILLISECOND, type Micros } from '../kernel/time.ts'
import {
  type ApiCall,
  type ApiCancel,
  type ApiMessage,
  type ApiRequest,
  type ApiResponse,
  type KubeObject,
  keyOf,
  type Pod,
  RESOURCES,
  type Resource,
  type Status,
  type StatusReason,
  type WatchEvent,
} from '../objects/index.ts'
import type { ApiClient } from './apiclient.ts'

interface Change {
  readonly revision: number
  readonly resource: Resource
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
}

interface FakeWatch {
  readonly port: ProcessId
  readonly id: number
  readonly resource: Resource
  cursor: number
}

interface Delivery {
  readonly port: ProcessId
  readonly message: Message | undefined
  readonly toServer: boolean
  readonly epoch: number
}

/** One front end. `up`: answers dials. `muted`: takes everything, answers nothing. `frozen`: its cache stands still. */
export interface FakeFrontEnd {
  up: boolean
  muted: boolean
  frozen: boolean
  visible: number
}

const PORTS_A_CLIENT = 100

/** The double of `Out` with the fake servers behind `stream`. */
export class FakeApi extends RecordingOut implements TimerTarget {
  readonly frontEnds: FakeFrontEnd[]
  /** One way of a message. */
  latencyMicros: Micros = MILLISECOND
  /** Answers a request instead of the store, when it returns something: for faults. */
  intercept: ((request: ApiRequest) => ApiResponse | 'effect-without-answer' | undefined) | undefined
  /** Every request that reached a front end. */
  readonly requests: ApiRequest[] = []
  revision = 10
  #compacted = 0
  readonly #stores = new Map<Resource, Map<string, KubeObject>>()
  #changes: Change[] = []
  readonly #clients: ApiClient[] = []
  readonly #watches = new Set<FakeWatch>()
  readonly #deliveries = new Map<number, Delivery>()
  readonly #epochs = new Map<ProcessId, number>()
  #nextDelivery = 1
  #uids = 0

  constructor(frontEnds = 1) {
    super()
    this.frontEnds = Array.from({ length: frontEnds }, () => ({ up: true, muted: false, frozen: false, visible: 10 }))
  }

  /** The server ids to give to the next client; then `attach` it. */
  portsForNextClient(): ProcessId[] {
    const base = (this.#clients.length + 1) * PORTS_A_CLIENT
    return this.frontEnds.map((_, index) => base + index)
  }

  attach(client: ApiClient): void {
    this.#clients.push(client)
  }

  /** What the store holds. */
  objects<T extends KubeObject>(resource: Resource): ReadonlyMap<string, T> {
    return this.#store(resource) as Map<string, T>
  }

  /** Creates or replaces, as if by another client. Returns the stored object. */
  put<T extends KubeObject>(resource: Resource, object: T): T {
    const store = this.#store(resource)
    const key = keyOf(object)
    const before = store.get(key)
    this.revision++
    const uid = before?.metadata.uid ?? object.metadata.uid ?? `uid-${++this.#uids}`
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(this.revision) } }
    store.set(key, stored)
    this.#record({ revision: this.revision, resource, type: before ? 'MODIFIED' : 'ADDED', object: stored })
    return stored
  }

  /** Deletes at once, as if by another client. */
  drop(resource: Resource, key: string): void {
    const before = this.#store(resource).get(key)
    if (before === undefined) return
    this.#store(resource).delete(key)
    this.revision++
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(this.revision) } }
    this.#record({ revision: this.revision, resource, type: 'DELETED', object })
  }

  /** Ends all watches of a front end: normally, or with 410 Gone. */
  breakWatches(frontEnd: number, how: 'end' | 'gone' = 'end'): void {
    for (const watch of [...this.#watches]) {
      if (watch.port % PORTS_A_CLIENT !== frontEnd) continue
      this.#watches.delete(watch)
      const message: ApiMessage =
        how === 'end'
          ? { type: 'api-watch-end', id: watch.id }
          : { type: 'api-watch-events', id: watch.id, events: [{ type: 'ERROR', object: failure(410, 'Expired') }] }
      this.#deliver(watch.port, message, false)
    }
  }

  /** Resets every connection of a front end. */
  disconnect(frontEnd: number): void {
    for (let client = 0; client < this.#clients.length; client++) {
      this.#reset((client + 1) * PORTS_A_CLIENT + frontEnd)
    }
  }

  /** Forgets history: watches from before now get 410. */
  compact(): void {
    this.#compacted = this.revision
    this.#changes = []
  }

  /** Lets a front end's cache catch up. */
  thaw(frontEnd: number): void {
    this.#frontEnd(frontEnd).frozen = false
    this.#pump()
  }

  override stream(to: ProcessId, message: Message): void {
    this.#deliver(to, message, true)
  }

  override hangUp(to: ProcessId): void {
    super.hangUp(to)
    this.#forget(to)
  }

  onTimer(_kind: number, a: number, out: Out): void {
    const delivery = this.#deliveries.get(a) as Delivery
    this.#deliveries.delete(a)
    const { port, message, toServer, epoch } = delivery
    if ((this.#epochs.get(port) ?? 0) !== epoch) return
    const client = this.#clients[Math.floor(port / PORTS_A_CLIENT) - 1] as ApiClient
    if (message === undefined) client.onDisconnect(port, out)
    else if (toServer) this.#receive(port, message as ApiMessage)
    else client.onMessage(port, message, out)
  }

  #receive(port: ProcessId, message: ApiMessage): void {
    const frontEnd = this.#frontEnd(port % PORTS_A_CLIENT)
    if (!frontEnd.up) this.#reset(port)
    else if (message.type === 'api-call') this.#serve(port, message, frontEnd)
    else if (message.type === 'api-cancel') this.#cancelWatch(port, message)
  }

  #cancelWatch(port: ProcessId, { id }: ApiCancel): void {
    for (const watch of this.#watches) if (watch.port === port && watch.id === id) this.#watches.delete(watch)
  }

  #serve(port: ProcessId, { id, request }: ApiCall, frontEnd: FakeFrontEnd): void {
    this.requests.push(request)
    const instead = this.intercept?.(request)
    if (instead !== undefined && instead !== 'effect-without-answer') {
      this.#reply(port, id, instead)
      return
    }
    if (request.verb === 'watch' && !frontEnd.muted) {
      const from = Number(request.resourceVersion ?? 0)
      if (from < this.#compacted) {
        this.#reply(port, id, respond(failure(410, 'Expired')))
        return
      }
      this.#watches.add({ port, id, resource: request.resource, cursor: from })
      this.#reply(port, id, { code: 200, body: success() })
      this.#pump()
      return
    }
    const response = this.#answer(request, frontEnd)
    if (!frontEnd.muted && instead === undefined) this.#reply(port, id, response)
  }

  #answer(request: ApiRequest, frontEnd: FakeFrontEnd): ApiResponse {
    const { resource } = request
    const store = this.#store(resource)
    if (request.verb === 'list') return this.#list(resource, request.resourceVersion, frontEnd)
    if (request.verb === 'create' && request.subresource === undefined) {
      const object = request.object as KubeObject
      if (store.has(keyOf(object))) return respond(failure(409, 'AlreadyExists'))
      return { code: 201, body: this.put(resource, object) }
    }
    if (!('name' in request) || request.name === undefined) return respond(failure(400, 'BadRequest'))
    const key = RESOURCES[resource].namespaced ? `${request.namespace}/${request.name}` : request.name
    const before = store.get(key)
    if (before === undefined) return respond(failure(404, 'NotFound'))
    switch (request.verb) {
      case 'get':
        return { code: 200, body: before }
      case 'update': {
        const object = request.object as KubeObject
        const wanted = object.metadata.resourceVersion
        if (wanted !== undefined && wanted !== before.metadata.resourceVersion) return respond(failure(409, 'Conflict'))
        return { code: 200, body: this.put(resource, object) }
      }
      case 'patch':
        return { code: 200, body: this.put(resource, merge(before, request.patch) as KubeObject) }
      case 'create': {
        if ((before as Pod).spec.nodeName !== undefined) return respond(failure(409, 'Conflict'))
        const { target, metadata } = request.object as unknown as Pick<KubeObject, 'metadata'> & {
          target: { name: string }
        }
        if (metadata.uid !== before.metadata.uid) return respond(failure(409, 'Conflict'))
        this.put(resource, merge(before, { spec: { nodeName: target.name } }) as KubeObject)
        return { code: 201, body: success() }
      }
      case 'delete':
        this.drop(resource, key)
        return { code: 200, body: success() }
      default:
        return respond(failure(405, 'MethodNotAllowed'))
    }
  }

  #list(resource: Resource, resourceVersion: string | undefined, frontEnd: FakeFrontEnd): ApiResponse {
    const fresh = resourceVersion === undefined || resourceVersion === ''
    const at = fresh ? this.revision : frontEnd.visible
    if (!fresh && Number(resourceVersion) > at) {
      const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
      return respond({ ...failure(504, 'Timeout'), details: { causes, retryAfterSeconds: 1 } })
    }
    const items = [...this.#at(resource, at).values()]
    return { code: 200, body: { kind: 'List', metadata: { resourceVersion: String(at) }, items } }
  }

  /** The store as it was at a revision, rewound from now (within uncompacted history). */
  #at(resource: Resource, revision: number): Map<string, KubeObject> {
    if (revision === this.revision) return this.#store(resource)
    const state = new Map<string, KubeObject>()
    for (const change of this.#changes) {
      if (change.revision > revision || change.resource !== resource) continue
      if (change.type === 'DELETED') state.delete(keyOf(change.object))
      else state.set(keyOf(change.object), change.object)
    }
    return state
  }

  #record(change: Change): void {
    this.#changes.push(change)
    this.#pump()
  }

  #pump(): void {
    for (const frontEnd of this.frontEnds) if (!frontEnd.frozen) frontEnd.visible = this.revision
    for (const watch of this.#watches) {
      const { visible } = this.#frontEnd(watch.port % PORTS_A_CLIENT)
      const events: WatchEvent[] = []
      for (let index = this.#changes.length - 1; index >= 0; index--) {
        const { revision, resource, type, object } = this.#changes[index] as Change
        if (revision <= watch.cursor) break
        if (revision <= visible && resource === watch.resource) events.push({ type, object })
      }
      watch.cursor = Math.max(watch.cursor, visible)
      if (events.length > 0) {
        this.#deliver(
          watch.port,
          { type: 'api-watch-events', id: watch.id, events: events.reverse() } as Message,
          false,
        )
      }
    }
  }

  #reply(port: ProcessId, id: number, response: ApiResponse): void {
    this.#deliver(port, { type: 'api-reply', id, response } as Message, false)
  }

  #reset(port: ProcessId): void {
    this.#forget(port)
    this.#deliver(port, undefined, false)
  }

  #forget(port: ProcessId): void {
    this.#epochs.set(port, (this.#epochs.get(port) ?? 0) + 1)
    for (const watch of this.#watches) if (watch.port === port) this.#watches.delete(watch)
  }

  #deliver(port: ProcessId, message: Message | undefined, toServer: boolean): void {
    const id = this.#nextDelivery++
    this.#deliveries.set(id, { port, message, toServer, epoch: this.#epochs.get(port) ?? 0 })
    this.after(this.latencyMicros, this, 0, id)
  }

  #frontEnd(index: number): FakeFrontEnd {
    return this.frontEnds[index] as FakeFrontEnd
  }

  #store(resource: Resource): Map<string, KubeObject> {
    let store = this.#stores.get(resource)
    if (store === undefined) {
      store = new Map()
      this.#stores.set(resource, store)
    }
    return store
  }
}

/** A failure as the server writes it. */
export function failure(code: number, reason: StatusReason): Status {
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', code, reason, message: reason }
}

/** A failure as the answer of a call. */
export function respond(status: Status): ApiResponse {
  return { code: status.code, body: status }
}

function success(): Status {
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success', code: 200 }
}

function merge(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const merged: Record<string, unknown> = { ...(before as Record<string, unknown> | undefined) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = merge(merged[key], value)
  }
  return merged
}
