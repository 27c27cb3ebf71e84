/**
 * One API server: connections in, answers and watch events out, a watch cache per resource, etcd behind it. It holds no truth of its own; a crash
 * loses nothing but open watches and calls under way. Models kubernetes cmd/kube-apiserver and apiserver pkg/endpoints, v1.33.
 * Not here: authentication, RBAC, quotas, webhooks, custom resources, server-side apply, priority and fairness (a plain limit stands for it).
 */

import { EtcdClient } from '../etcd/index.ts'
import { invariant } from '../kernel/invariant.ts'
import type { Machine, Message, Out, ProcessId, Timer } from '../kernel/machine.ts'
import {
  type ApiCall,
  type ApiMessage,
  type ApiRequest,
  type ApiResponse,
  type KubeObject,
  RESOURCE_NAMES,
  type Resource,
  registryKey,
} from '../objects/index.ts'
import { WatchCache } from './cache.ts'
import { type CallOwner, RunningCall } from './call.ts'
import { Compactor } from './compactor.ts'
import type { Context } from './context.ts'
import { create } from './create.ts'
import { parseRevision } from './decode.ts'
import { EtcdStorage } from './etcd.ts'
import { EventStorage } from './events.ts'
import { note } from './facts.ts'
import { Identities } from './identity.ts'
import { type ApiServerOptions, type CompleteApiServerOptions, completeApiServerOptions } from './options.ts'
import { route } from './route.ts'
import { failure, tooManyRequests } from './status.ts'
import { fresh, type Steps, type StorageConnection } from './storage.ts'
import { WatchDesk, type WatchRequest } from './watchdesk.ts'

const EXPIRE = 1
/** The client number of calls that the server makes for itself. */
const NOBODY: ProcessId = -1

export class ApiServer implements Machine, CallOwner {
  readonly options: CompleteApiServerOptions
  readonly storage: StorageConnection
  readonly caches: Readonly<Record<Resource, WatchCache>>
  readonly compactor: Compactor
  readonly desk: WatchDesk
  context!: Context
  /** What is served, in the order in which it is read from etcd. */
  readonly #resources: readonly Resource[]
  /** Where Events are, if they are served. */
  readonly #events: EventStorage | undefined
  readonly #compactors: readonly Compactor[]
  readonly #calls = new Set<RunningCall>()
  #readsInFlight = 0
  #writesInFlight = 0
  #expiry: Timer = 0

  /** `storage` stands in for etcd in table tests. */
  constructor(options: ApiServerOptions, storage?: StorageConnection) {
    this.options = completeApiServerOptions(options)
    const { name, etcd, etcdBalance: balance, streams, events, eventsEtcd } = this.options
    const client = storage === undefined ? new EtcdClient({ endpoints: etcd, name, streams, balance }) : undefined
    this.storage = storage ?? new EtcdStorage(client as EtcdClient)
    const ownClient =
      eventsEtcd.length === 0
        ? client
        : new EtcdClient({ endpoints: eventsEtcd, name: `${name}/events`, streams, balance })
    this.#events = events && ownClient !== undefined ? new EventStorage(ownClient, this.options) : undefined
    this.#resources = this.#events === undefined ? RESOURCE_NAMES : [...RESOURCE_NAMES, 'events']
    this.caches = Object.fromEntries(
      this.#resources.map((resource) => [resource, new WatchCache(resource, this.options, this.storageOf(resource))]),
    ) as Record<Resource, WatchCache>
    this.compactor = new Compactor(this.options, this.storage)
    this.#compactors =
      this.#events !== undefined && eventsEtcd.length > 0
        ? [this.compactor, new Compactor(this.options, this.#events)]
        : [this.compactor]
    this.desk = new WatchDesk(this.options, this.caches)
  }

  onStart(out: Out): void {
    const { streams } = this.options
    this.context = {
      options: this.options,
      caches: this.caches,
      identities: new Identities(streams),
      addresses: streams.get('apiserver/addresses'),
      out,
    }
    this.storage.start(out)
    for (const resource of this.#resources) {
      const cache = this.caches[resource]
      cache.onClosed = (watcher, reason, now) => this.desk.end(watcher, reason, now)
      if (resource === 'namespaces') cache.onFilled = (now) => this.#makeNamespaces(now)
      cache.start(out)
    }
    for (const compactor of this.#compactors) compactor.start(out)
    this.desk.start(out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    const api = message as ApiMessage
    switch (api.type) {
      case 'api-call':
        this.#onCall(from, api, out)
        return
      case 'api-cancel':
        this.#onCancel(from, api.id, out)
        return
      default:
        if (this.#isOfEvents(from)) this.#events?.onMessage(from, message, out)
        else this.storage.onMessage(from, message, out)
    }
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    for (const call of this.#calls) if (call.client === peer) call.isWanted = false
    this.desk.disconnect(peer, out)
    if (this.#isOfEvents(peer)) this.#events?.onDisconnect(peer, out)
    else this.storage.onDisconnect(peer, out)
  }

  /** The etcd that a resource is in. */
  storageOf(resource: Resource): StorageConnection {
    return resource === 'events' && this.#events !== undefined ? this.#events : this.storage
  }

  /** Is the process a member of Events' own etcd? */
  #isOfEvents(process: ProcessId): boolean {
    return this.options.eventsEtcd.includes(process)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    invariant(kind === EXPIRE, 'apiserver: a timer of the server has a known kind', { kind })
    this.#expireCalls(out)
  }

  /** The revision that this server's cache of a resource stands at. */
  cacheRevision(resource: Resource): number {
    return this.caches[resource].revision
  }

  /** Watches open on this server, of one resource or all. */
  watchCount(resource?: Resource): number {
    if (resource !== undefined) return this.caches[resource].watchers.count
    return this.#resources.reduce((sum, name) => sum + this.caches[name].watchers.count, 0)
  }

  /** Fault: the watch cache takes nothing in until it is released. */
  holdCache(resource: Resource | 'all', out: Out): void {
    for (const cache of this.#named(resource)) cache.hold(out)
  }

  releaseCache(resource: Resource | 'all', out: Out): void {
    for (const cache of this.#named(resource)) cache.release(out)
  }

  /** Fault: the cache loses its watch on etcd and must list again. */
  breakCache(resource: Resource | 'all', out: Out): void {
    for (const cache of this.#named(resource)) cache.breakWatch(out)
  }

  /** Fault: all client watches end now. Gives how many ended. */
  closeWatches(resource: Resource | 'all', out: Out): number {
    let closed = 0
    for (const cache of this.#named(resource)) {
      for (const watcher of cache.watchers.all()) {
        this.desk.end(watcher, 'fault', out)
        closed++
      }
    }
    return closed
  }

  /** Fault: etcd's history is compacted up to the present. */
  compactNow(out: Out): void {
    this.compactor.compactNow(out)
  }

  onAnswer(call: RunningCall, response: ApiResponse, out: Out): void {
    this.#calls.delete(call)
    const { request } = call
    const watch = request.verb === 'watch'
    const write = isWrite(request)
    if (write) this.#writesInFlight--
    else if (!watch) this.#readsInFlight--
    invariant(this.#writesInFlight >= 0 && this.#readsInFlight >= 0, 'apiserver: every call is counted once')
    if (call.client !== NOBODY && (write || response.code >= 400)) this.#noteHandled(call.user, request, response, out)
    if (!call.isWanted || (watch && response.code === 200)) return
    out.stream(call.client, { type: 'api-reply', id: call.id, response } as Message)
  }

  #onCall(from: ProcessId, { id, user, request }: ApiCall, out: Out): void {
    if (request.verb === 'watch') {
      const steps = this.#watch(from, id, user, request)
      this.#run(new RunningCall(this, from, id, user, request, steps, out.now), out)
      return
    }
    const write = isWrite(request)
    const full = write
      ? this.#writesInFlight >= this.options.writesInFlightMax
      : this.#readsInFlight >= this.options.readsInFlightMax
    if (full) {
      const status = tooManyRequests('too many requests, please try again later', 1)
      const response: ApiResponse = { code: status.code, body: status }
      this.#noteHandled(user, request, response, out)
      out.stream(from, { type: 'api-reply', id, response } as Message)
      return
    }
    if (write) this.#writesInFlight++
    else this.#readsInFlight++
    this.#run(new RunningCall(this, from, id, user, request, route(this.context, request), out.now), out)
  }

  #run(call: RunningCall, out: Out): void {
    this.#calls.add(call)
    if (this.#expiry === 0) this.#expiry = out.after(this.options.requestTimeoutMicros, this, EXPIRE)
    call.resume(undefined, out)
  }

  #onCancel(from: ProcessId, id: number, out: Out): void {
    if (this.desk.cancel(from, id, out)) return
    for (const call of this.#calls) if (call.client === from && call.id === id) call.isWanted = false
  }

  #expireCalls(out: Out): void {
    this.#expiry = 0
    for (const call of [...this.#calls]) {
      const left = call.startedAt + this.options.requestTimeoutMicros - out.now
      if (left > 0) {
        this.#expiry = out.after(left, this, EXPIRE)
        return
      }
      call.expire(out)
    }
  }

  *#watch(from: ProcessId, id: number, user: string, request: WatchRequest): Steps<ApiResponse> {
    if (this.caches[request.resource]?.phase === 'initialising') {
      yield* fresh(request.resource, 0)
      if (!this.#isWanted(from, id)) return { code: 499, body: failure(500, 'InternalError', 'the client has gone') }
    }
    return this.desk.open(from, id, user, request, this.context.out)
  }

  #isWanted(from: ProcessId, id: number): boolean {
    for (const call of this.#calls) if (call.client === from && call.id === id) return call.isWanted
    return false
  }

  #makeNamespaces(out: Out): void {
    for (const name of this.options.systemNamespaces) {
      if (this.caches.namespaces.get(registryKey('namespaces', undefined, name)) !== undefined) continue
      const request: ApiRequest = {
        verb: 'create',
        resource: 'namespaces',
        object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      }
      this.#writesInFlight++
      const call = new RunningCall(this, NOBODY, 0, 'system:apiserver', request, create(this.context, request), out.now)
      call.isWanted = false
      this.#run(call, out)
    }
  }

  #named(resource: Resource | 'all'): readonly WatchCache[] {
    return resource === 'all' ? this.#resources.map((name) => this.caches[name]) : [this.caches[resource]]
  }

  #noteHandled(user: string, request: ApiRequest, response: ApiResponse, out: Out): void {
    const { verb, resource, namespace } = request
    note(out, {
      type: 'api-request',
      server: this.options.name,
      user,
      verb,
      resource,
      subresource: 'subresource' in request ? request.subresource : undefined,
      namespace,
      name: nameOf(request, response),
      code: response.code,
      precondition: request.verb === 'update' ? versionOf(request.object) : undefined,
      revision: versionOf(response.body),
    })
  }
}

/** The version that an object carries; what clients send may be anything. */
function versionOf(object: unknown): number | undefined {
  return parseRevision((object as Partial<KubeObject> | null | undefined)?.metadata?.resourceVersion ?? '')
}

function isWrite({ verb }: ApiRequest): boolean {
  return verb !== 'get' && verb !== 'list' && verb !== 'watch'
}

/** The object that a request was about; for a generated name, the one that came of it. */
function nameOf(request: ApiRequest, { body }: ApiResponse): string | undefined {
  if ('name' in request && request.name !== undefined) return request.name
  return 'metadata' in body && 'name' in body.metadata ? body.metadata.name : undefined
}
