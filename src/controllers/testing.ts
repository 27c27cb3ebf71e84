/**
 * An API server in miniature for the tests of this folder: objects in memory, one version counter, watches that can be held back,
 * answers that can be refused. It speaks the messages of `objects/api.ts`, so whole machines run against it. It is not a model of
 * anything: no admission, no validation, no watch cache; nothing here is used in a trial.
 */
import type { Machine, Message, Micros, Out } from '../kernel/index.ts'
import { MILLISECOND } from '../kernel/index.ts'
import { RecordingOut } from '../kernel/testing.ts'
import {
  type ApiCall,
  type ApiCancel,
  type ApiRequest,
  type ApiResponse,
  deepFreeze,
  type KubeObject,
  keyOf,
  RESOURCES,
  type Resource,
  type ResourceTypes,
  type Status,
  sameValue,
  timestamp,
  type WatchEvent,
  withDefaults,
} from '../objects/index.ts'

export const API_SERVER = 1

interface Watch {
  readonly peer: Peer
  readonly id: number
  readonly resource: Resource
  readonly namespace: string | undefined
}

/** What the double asks before it serves a request: an answer given here is sent instead. */
export type Interceptor = (request: ApiRequest) => ApiResponse | undefined

export class ApiDouble {
  /** One way, in microseconds. */
  latencyMicros: Micros = MILLISECOND
  /** Asked before each request is served. */
  intercept: Interceptor = () => undefined
  /** Every request that arrived, in order. */
  readonly requests: ApiRequest[] = []
  /** Called after each change of the store. */
  readonly listeners: ((event: WatchEvent, resource: Resource) => void)[] = []
  /** Watch events of these resources wait until `release`. */
  readonly #held = new Map<Resource, WatchEvent[]>()
  readonly #lostUpTo = new Map<Resource, number>()
  readonly #objects = new Map<Resource, Map<string, KubeObject>>()
  readonly #watches: Watch[] = []
  readonly peers: Peer[] = []
  #version = 0
  #names = 0

  /** A process that talks to this server. */
  connect(machine: Machine): Peer {
    const peer = new Peer(this, machine, 100 + this.peers.length)
    peer.now = this.now
    this.peers.push(peer)
    machine.onStart(peer)
    return peer
  }

  get now(): Micros {
    return this.peers[0]?.now ?? 0
  }

  get wall(): Micros {
    return (this.peers[0] ?? new RecordingOut()).wall
  }

  /** Lets `micros` pass for every process, timer by timer in order of time. */
  advance(micros: Micros): void {
    const until = this.now + micros
    for (;;) {
      let next: Peer | undefined
      for (const peer of this.peers) {
        const at = peer.timers[0]?.at ?? Number.POSITIVE_INFINITY
        if (at <= until && at < (next?.timers[0]?.at ?? Number.POSITIVE_INFINITY)) next = peer
      }
      if (next === undefined) break
      const at = (next.timers[0] as { at: Micros }).at
      for (const peer of this.peers) if (peer.now < at) peer.now = at
      next.fireNext()
    }
    for (const peer of this.peers) peer.now = until
  }

  list<R extends Resource>(resource: R): ResourceTypes[R][] {
    return [...this.#of(resource).values()] as ResourceTypes[R][]
  }

  get<R extends Resource>(resource: R, key: string): ResourceTypes[R] | undefined {
    return this.#of(resource).get(key) as ResourceTypes[R] | undefined
  }

  /** Puts an object in as a user would create it, and answers it as stored. */
  add<R extends Resource>(resource: R, object: unknown): ResourceTypes[R] {
    const created = this.#create(resource, object as KubeObject)
    if (created.code !== 201) throw new Error(JSON.stringify(created.body))
    return created.body as ResourceTypes[R]
  }

  /** Changes an object by a function of its present state; spec changes count a generation. */
  change<R extends Resource>(resource: R, key: string, alter: (object: ResourceTypes[R]) => unknown): void {
    const before = this.get(resource, key)
    if (before === undefined) throw new Error(`no ${resource} ${key}`)
    this.#store(resource, withDefaults(alter(before) as KubeObject), before)
  }

  remove(
    resource: Resource,
    key: string,
    options: { gracePeriodSeconds?: number; propagationPolicy?: string } = {},
  ): void {
    const { namespace, name } = splitKey(key)
    this.serve({ verb: 'delete', resource, namespace, name, options: options as never })
  }

  /** Takes an object out at once, whatever its finalizers. */
  drop(resource: Resource, key: string): void {
    const object = this.get(resource, key)
    if (object === undefined) return
    this.#of(resource).delete(key)
    this.#publish(resource, { type: 'DELETED', object: this.#stamped(object) })
  }

  hold(resource: Resource): void {
    if (!this.#held.has(resource)) this.#held.set(resource, [])
  }

  release(resource: Resource): void {
    const events = this.#held.get(resource) ?? []
    this.#held.delete(resource)
    for (const event of events) this.#fanOut(resource, event)
  }

  /** Forgets what is held: watchers never hear of it. A watch from before is refused (410): a relist must tell them. */
  lose(resource: Resource): void {
    this.#held.delete(resource)
    this.#lostUpTo.set(resource, this.#version)
  }

  /** Breaks every connection of a process. */
  disconnect(peer: Peer): void {
    for (let i = this.#watches.length - 1; i >= 0; i--) if (this.#watches[i]?.peer === peer) this.#watches.splice(i, 1)
    peer.machine.onDisconnect(API_SERVER, peer)
  }

  receive(peer: Peer, message: Message): void {
    if (message.type === 'api-cancel') {
      const { id } = message as ApiCancel
      const index = this.#watches.findIndex((watch) => watch.peer === peer && watch.id === id)
      if (index >= 0) this.#watches.splice(index, 1)
      return
    }
    const { id, request } = message as ApiCall
    peer.later(this.latencyMicros, () => {
      this.requests.push(request)
      const response = this.intercept(request) ?? this.serve(request)
      peer.deliver(this.latencyMicros, { type: 'api-reply', id, response } as Message)
      if (request.verb === 'watch' && response.code === 200) {
        this.#watches.push({ peer, id, resource: request.resource, namespace: request.namespace })
        this.#catchUp(peer, id, request)
      }
    })
  }

  serve(request: ApiRequest): ApiResponse {
    const { resource, namespace } = request
    if (namespace !== undefined && !RESOURCES[resource].namespaced) return failure(404, 'NotFound', 'no such path')
    const key =
      'name' in request && request.name !== undefined
        ? `${namespace === undefined ? '' : `${namespace}/`}${request.name}`
        : ''
    const present = this.#of(resource).get(key)
    if ('name' in request && request.verb !== 'create' && present === undefined) {
      return failure(404, 'NotFound', `${resource} "${key}" not found`)
    }
    switch (request.verb) {
      case 'get':
        return { code: 200, body: present as KubeObject }
      case 'list': {
        const items = [...this.#of(resource).values()].filter((object) => inNamespace(object, namespace))
        return { code: 200, body: { kind: 'List', metadata: { resourceVersion: String(this.#version) }, items } }
      }
      case 'watch':
        if (Number(request.resourceVersion ?? 0) < (this.#lostUpTo.get(resource) ?? 0)) {
          return failure(410, 'Expired', 'too old resource version')
        }
        return { code: 200, body: failure(200, undefined, '').body }
      case 'create':
        return this.#create(resource, request.object as KubeObject)
      case 'update':
        return this.#update(resource, present as KubeObject, request.object as KubeObject, request.subresource)
      case 'patch': {
        const merged = merge(present, request.patch) as KubeObject
        return this.#update(resource, present as KubeObject, merged, request.subresource)
      }
      case 'delete':
        return this.#delete(resource, present as KubeObject, request.options ?? {})
      case 'deletecollection': {
        for (const object of this.#of(resource).values())
          if (inNamespace(object, namespace)) this.#delete(resource, object, {})
        return { code: 200, body: failure(200, undefined, '').body }
      }
    }
  }

  #of(resource: Resource): Map<string, KubeObject> {
    let objects = this.#objects.get(resource)
    if (objects === undefined) {
      objects = new Map()
      this.#objects.set(resource, objects)
    }
    return objects
  }

  #create(resource: Resource, object: KubeObject): ApiResponse {
    const { generateName } = object.metadata
    const name = object.metadata.name || `${generateName}${String(++this.#names).padStart(5, '0')}`
    const uid = object.metadata.uid ?? `uid-${resource}-${name}-${this.#version + 1}`
    const metadata = { ...object.metadata, name, uid, generation: 1, creationTimestamp: timestamp(this.wall) }
    const created = withDefaults({ ...object, metadata })
    if (this.#of(resource).has(keyOf(created)))
      return failure(409, 'AlreadyExists', `${resource} "${name}" already exists`)
    return { code: 201, body: this.#put(resource, created, 'ADDED') }
  }

  #update(resource: Resource, before: KubeObject, after: KubeObject, subresource: string | undefined): ApiResponse {
    const { uid, resourceVersion } = after.metadata
    const versionDiffers = resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion
    if (versionDiffers || (uid !== undefined && uid !== before.metadata.uid)) {
      return failure(409, 'Conflict', `${resource} "${keyOf(before)}" has been modified`)
    }
    const status = (object: KubeObject) => (object as { status?: unknown }).status
    const next =
      subresource === 'status'
        ? {
            ...before,
            status: status(after),
            metadata: { ...before.metadata, annotations: after.metadata.annotations },
          }
        : subresource === 'finalize'
          ? { ...before, spec: (after as { spec?: unknown }).spec }
          : { ...after, status: status(before) }
    return { code: 200, body: this.#store(resource, next as KubeObject, before) }
  }

  #store(resource: Resource, next: KubeObject, before: KubeObject): KubeObject {
    const spec = (object: KubeObject) => (object as { spec?: unknown }).spec
    const generation = (before.metadata.generation ?? 1) + (sameValue(spec(next), spec(before)) ? 0 : 1)
    const metadata = { ...next.metadata, generation, resourceVersion: before.metadata.resourceVersion }
    const changed = { ...next, metadata }
    if (sameValue(changed, before)) return before
    const stored = this.#put(resource, changed, 'MODIFIED')
    const { deletionTimestamp, deletionGracePeriodSeconds } = stored.metadata
    const mayGo = deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) === 0 && !holdsOn(stored)
    if (mayGo) this.drop(resource, keyOf(stored))
    return stored
  }

  #delete(
    resource: Resource,
    object: KubeObject,
    options: NonNullable<Extract<ApiRequest, { verb: 'delete' }>['options']>,
  ): ApiResponse {
    const { preconditions, propagationPolicy } = options
    const { uid, resourceVersion, deletionTimestamp } = object.metadata
    const otherUid = preconditions?.uid !== undefined && preconditions.uid !== uid
    const otherVersion =
      preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion
    if (otherUid || otherVersion) return failure(409, 'Conflict', 'precondition failed')
    const bound = resource === 'pods' && (object as ResourceTypes['pods']).spec.nodeName !== undefined
    const grace = bound ? (options.gracePeriodSeconds ?? 30) : 0
    const finalizers = [...(object.metadata.finalizers ?? [])]
    if (propagationPolicy === 'Foreground' && !finalizers.includes('foregroundDeletion'))
      finalizers.push('foregroundDeletion')
    if (propagationPolicy === 'Orphan' && !finalizers.includes('orphan')) finalizers.push('orphan')
    if (grace === 0 && finalizers.length === 0 && !holdsOn(object)) {
      this.drop(resource, keyOf(object))
      return { code: 200, body: object }
    }
    const metadata = {
      ...object.metadata,
      ...(finalizers.length === 0 ? undefined : { finalizers }),
      deletionTimestamp: deletionTimestamp ?? timestamp(this.wall),
      deletionGracePeriodSeconds: grace,
    }
    return { code: 200, body: this.#store(resource, { ...object, metadata }, object) }
  }

  #put(resource: Resource, object: KubeObject, type: 'ADDED' | 'MODIFIED'): KubeObject {
    const stored = this.#stamped(object)
    this.#of(resource).set(keyOf(stored), stored)
    this.#publish(resource, { type, object: stored })
    return stored
  }

  #stamped(object: KubeObject): KubeObject {
    this.#version++
    return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } })
  }

  #publish(resource: Resource, event: WatchEvent): void {
    const held = this.#held.get(resource)
    if (held !== undefined) held.push(event)
    else this.#fanOut(resource, event)
    for (const listener of this.listeners) listener(event, resource)
  }

  #fanOut(resource: Resource, event: WatchEvent): void {
    for (const { peer, id, resource: watched, namespace } of this.#watches) {
      if (watched !== resource || !inNamespace(event.object as KubeObject, namespace)) continue
      peer.deliver(this.latencyMicros, { type: 'api-watch-events', id, events: [event] } as Message)
    }
  }

  /** What changed between the list and the watch. Deletions in that gap are lost: the double keeps no history. */
  #catchUp(peer: Peer, id: number, request: Extract<ApiRequest, { verb: 'watch' }>): void {
    const from = Number(request.resourceVersion ?? 0)
    for (const object of this.#of(request.resource).values()) {
      if (Number(object.metadata.resourceVersion) <= from || !inNamespace(object, request.namespace)) continue
      peer.deliver(this.latencyMicros, {
        type: 'api-watch-events',
        id,
        events: [{ type: 'MODIFIED', object }],
      } as Message)
    }
  }
}

/** A process's `Out`, whose connection leads to the double. */
export class Peer extends RecordingOut {
  readonly machine: Machine
  readonly #api: ApiDouble
  #deliveries: (() => void)[] = []

  constructor(api: ApiDouble, machine: Machine, self: number) {
    super({ self })
    this.#api = api
    this.machine = machine
  }

  override stream(_to: number, message: Message): void {
    this.#api.receive(this, message)
  }

  deliver(delay: Micros, message: Message): void {
    this.later(delay, () => this.machine.onMessage(API_SERVER, message, this))
  }

  later(delay: Micros, action: () => void): void {
    this.#deliveries.push(action)
    this.after(delay, this, 0, this.#deliveries.length - 1)
  }

  onTimer(_kind: number, index: number, _out: Out): void {
    const action = this.#deliveries[index]
    this.#deliveries[index] = () => {}
    action?.()
  }
}

function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/')
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

function inNamespace(object: KubeObject, namespace: string | undefined): boolean {
  return namespace === undefined || object.metadata.namespace === namespace
}

function holdsOn(object: KubeObject): boolean {
  if ((object.metadata.finalizers?.length ?? 0) > 0) return true
  return object.kind === 'Namespace' && ((object as ResourceTypes['namespaces']).spec?.finalizers?.length ?? 0) > 0
}

export function failure(code: number, reason: Status['reason'], message: string): ApiResponse {
  const status = code === 200 ? 'Success' : 'Failure'
  return { code, body: { apiVersion: 'v1', kind: 'Status', metadata: {}, status, code, reason, message } }
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Record<string, unknown> = typeof target === 'object' && target !== null ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else if (value !== undefined) result[key] = merge(result[key], value)
  }
  return result
}
