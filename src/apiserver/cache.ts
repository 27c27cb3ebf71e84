/**
 * The watch cache of one resource on one server: filled by a list from etcd, kept by a watch, read by everyone. Each server has its own, so one
 * may lag behind another. Invariants: the cache's revision never goes back but by a new list, no event is applied twice; when the contents
 * are replaced, every watcher of the old contents is closed after the new ones are visible.
 * Models apiserver pkg/storage/cacher (cacher.go, watch_cache.go), v1.33. Simplified: the etcd watch resumes by itself while it can.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, Timer, TimerTarget } from '../kernel/machine.ts'
import { MILLISECOND } from '../kernel/time.ts'
import { type KubeObject, RESOURCES, type Resource, type Status, type WatchEvent } from '../objects/index.ts'
import { Contents } from './contents.ts'
import { decode, parseRevision, withResourceVersion } from './decode.ts'
import { note, type WatchChanged } from './facts.ts'
import type { CompleteApiServerOptions } from './options.ts'
import { type CacheEvent, EventRing } from './ring.ts'
import type { Selection } from './selection.ts'
import { badRequest, expired, tooManyRequests } from './status.ts'
import {
  prefixEnd,
  type RangeReply,
  type Storage,
  type StorageError,
  type StorageEvent,
  type StorageReceiver,
  type StorageWatchReceiver,
  type TxnReply,
} from './storage.ts'
import { type Watcher, WatcherIndex } from './watchers.ts'

export type CachePhase = 'initialising' | 'ready' | 'broken'

/** Waits until the cache is at a revision. Called back once with true, unless it is withdrawn before. */
export interface FreshnessWaiter {
  onFresh(out: Out): void
}

/** What a held cache has not taken in yet. */
type Pending = { readonly events: readonly StorageEvent[]; readonly revision: number } | { readonly list: RangeReply }

const LIST_AGAIN = 1
const PROGRESS = 2
/** Between two questions how far etcd is, while somebody waits for it. */
const PROGRESS_MICROS = 100 * MILLISECOND
/** A reflector's pause before it lists again. */
const LIST_AGAIN_MICROS = 800 * MILLISECOND

export class WatchCache implements StorageReceiver, StorageWatchReceiver, TimerTarget {
  readonly resource: Resource
  readonly watchers = new WatcherIndex()
  phase: CachePhase = 'initialising'
  /** The revision that the contents stand at. */
  revision = 0
  /** Counts the fillings. */
  generation = 0
  isHeld = false
  readonly #options: CompleteApiServerOptions
  readonly #storage: Storage
  readonly #prefix: string
  readonly #contents: Contents
  readonly #ring: EventRing
  readonly #waiters = new Map<FreshnessWaiter, number>()
  #listRevision = 0
  #seenRevision = 0
  #backlog: Pending[] = []
  #attempt = 0
  #watch = 0
  #relist: Timer = 0
  #progress: Timer = 0
  /** Called after each filling; the server looks whether its namespaces are there. */
  onFilled: ((out: Out) => void) | undefined
  onClosed: (watcher: Watcher, reason: WatchChanged['reason'], out: Out) => void = () => undefined

  constructor(resource: Resource, options: CompleteApiServerOptions, storage: Storage) {
    this.resource = resource
    this.#options = options
    this.#storage = storage
    this.#prefix = `/registry/${resource}/`
    this.#contents = new Contents(resource === 'pods')
    this.#ring = new EventRing(options.watchCacheCapacity)
  }

  start(out: Out): void {
    this.#list(out)
  }

  get size(): number {
    return this.#contents.size
  }

  get(key: string): KubeObject | undefined {
    return this.#contents.get(key)
  }

  /** As `get`, for a client's read: tells when the cache is held, because that read may be stale. */
  read(key: string, out: Out): KubeObject | undefined {
    this.#noteStale(out)
    return this.#contents.get(key)
  }

  list(selection: Selection, out: Out): KubeObject[] {
    this.#noteStale(out)
    return this.#contents.list(selection)
  }

  /** True when a read that may not be older than `revision` can be served now. */
  isFresh(revision: number): boolean {
    return this.phase === 'ready' && this.revision >= revision
  }

  /** Until then etcd is asked time and again how far it is, since a quiet resource would not hear of it otherwise. */
  waitFor(revision: number, waiter: FreshnessWaiter, out: Out): void {
    this.#waiters.set(waiter, revision)
    if (this.phase === 'ready' && this.#progress === 0) this.#askForProgress(out)
  }

  withdraw(waiter: FreshnessWaiter): void {
    this.#waiters.delete(waiter)
  }

  /**
   * Makes a watch, its first events waiting in it; not yet among the cache's watchers. A Status when it cannot be: 410 when its version is too old.
   */
  prepareWatch(watcher: Watcher, from: string): Status | undefined {
    const { decisions } = this.#options
    if (this.phase !== 'ready' && !(this.phase === 'broken' && decisions.mayRegisterWatchWhileBroken())) {
      return tooManyRequests('storage is (re)initializing', 1)
    }
    if (from === '' || from === '0') {
      for (const object of this.#contents.list(watcher.selection)) watcher.queue({ type: 'ADDED', object })
      watcher.revision = this.revision
      if (watcher.allowsBookmarks) watcher.queue({ ...this.bookmark(), initialEventsEnd: true } as WatchEvent)
      return undefined
    }
    const revision = parseRevision(from)
    if (revision === undefined) return badRequest(`Invalid value: "${from}": invalid resource version`)
    const oldest = decisions.oldestServableRevision(this.#ring.state(this.#listRevision))
    if (revision < oldest - 1) return expired(`too old resource version: ${revision} (${oldest - 1})`)
    watcher.revision = revision
    this.#ring.after(revision, (event) => watcher.offer(event))
    return undefined
  }

  bookmark(): WatchEvent {
    const { apiVersion, kind } = RESOURCES[this.resource]
    return {
      type: 'BOOKMARK',
      object: { apiVersion, kind, metadata: { name: '', resourceVersion: String(this.revision) } },
    }
  }

  /** Stops taking in what etcd sends; reads go on from what is there. */
  hold(out: Out): void {
    if (this.isHeld) return
    this.isHeld = true
    note(out, {
      type: 'cache-held',
      server: this.#options.name,
      resource: this.resource,
      revision: this.revision,
      events: 0,
    })
  }

  /** Takes in everything that waited. */
  release(out: Out): void {
    if (!this.isHeld) return
    this.isHeld = false
    const backlog = this.#backlog
    this.#backlog = []
    let events = 0
    for (const pending of backlog) {
      if ('list' in pending) this.#replace(pending.list, out)
      else {
        events += pending.events.length
        this.#apply(pending.events, pending.revision, out)
      }
    }
    note(out, {
      type: 'cache-released',
      server: this.#options.name,
      resource: this.resource,
      revision: this.revision,
      events,
    })
  }

  /** The watch on etcd is lost: list again, after a pause. For a fault as well. */
  breakWatch(out: Out): void {
    if (this.#watch !== 0) this.#storage.stopWatch(this.#watch, out)
    this.onStorageBroken(out)
  }

  onStorageBroken(out: Out): void {
    this.#watch = 0
    this.#attempt++
    if (this.phase === 'ready') this.phase = 'broken'
    this.#note('cache-broken', out)
    if (this.#options.decisions.closesWatchers('broken')) this.#closeAll(out)
    out.cancel(this.#relist)
    this.#relist = out.after(LIST_AGAIN_MICROS, this, LIST_AGAIN)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (kind === LIST_AGAIN) {
      this.#relist = 0
      this.#list(out)
      return
    }
    this.#progress = 0
    if (this.#waiters.size > 0 && this.phase === 'ready') this.#askForProgress(out)
  }

  #askForProgress(out: Out): void {
    this.#storage.requestProgress(out)
    this.#progress = out.after(PROGRESS_MICROS, this, PROGRESS)
  }

  onStorageReply(
    tag: number,
    reply: RangeReply | TxnReply | undefined,
    error: StorageError | undefined,
    out: Out,
  ): void {
    if (tag !== this.#attempt) return
    if (error !== undefined) {
      out.cancel(this.#relist)
      this.#relist = out.after(LIST_AGAIN_MICROS, this, LIST_AGAIN)
      return
    }
    const list = reply as RangeReply
    this.#seenRevision = list.revision
    this.#watch = this.#storage.watch(this.#prefix, list.revision + 1, this, out)
    if (this.isHeld) this.#backlog.push({ list })
    else this.#replace(list, out)
  }

  onStorageEvents(events: readonly StorageEvent[], revision: number, out: Out): void {
    invariant(revision >= this.#seenRevision, 'apiserver: etcd events come in order', {
      revision,
      seen: this.#seenRevision,
    })
    this.#seenRevision = revision
    if (this.isHeld) this.#backlog.push({ events, revision })
    else this.#apply(events, revision, out)
  }

  #list(out: Out): void {
    this.#attempt++
    this.#storage.range({ key: this.#prefix, rangeEnd: prefixEnd(this.#prefix) }, this, this.#attempt, out)
  }

  #replace(list: RangeReply, out: Out): void {
    invariant(list.revision >= this.revision, 'apiserver: a new list is not older than the cache', {
      resource: this.resource,
    })
    this.#contents.clear()
    this.#ring.clear()
    for (const { key, value, modRevision } of list.values) this.#contents.set(key, decode(value, modRevision))
    this.revision = list.revision
    this.#listRevision = list.revision
    this.generation++
    this.phase = 'ready'
    this.#note('cache-filled', out)
    if (this.#options.decisions.closesWatchers('replaced')) this.#closeAll(out)
    this.#wake(out)
    this.onFilled?.(out)
  }

  #apply(events: readonly StorageEvent[], revision: number, out: Out): void {
    for (const event of events) {
      const { modRevision } = event.kv
      if (modRevision <= this.#listRevision) continue
      invariant(modRevision >= this.revision, 'apiserver: a cache never goes back', {
        modRevision,
        cache: this.revision,
      })
      this.#applyOne(event)
    }
    if (revision > this.revision) this.revision = revision
    this.watchers.flush(out)
    if (this.#waiters.size > 0) this.#wake(out)
  }

  #applyOne({ type, kv: { key, value, modRevision: revision } }: StorageEvent): void {
    this.revision = revision
    let event: CacheEvent
    if (type === 'delete') {
      const previous = this.#contents.get(key)
      if (previous === undefined) return
      this.#contents.delete(key, previous)
      const last = withResourceVersion(previous, revision)
      event = { revision, current: undefined, previous, whole: { type: 'DELETED', object: last } }
    } else {
      const current = decode(value, revision)
      const previous = this.#contents.set(key, current)
      event = {
        revision,
        current,
        previous,
        whole: { type: previous === undefined ? 'ADDED' : 'MODIFIED', object: current },
      }
    }
    this.#ring.push(event)
    this.watchers.dispatch(event)
  }

  #wake(out: Out): void {
    if (this.phase !== 'ready') return
    for (const [waiter, revision] of [...this.#waiters]) {
      if (revision > this.revision) continue
      this.#waiters.delete(waiter)
      waiter.onFresh(out)
    }
  }

  #closeAll(out: Out): void {
    for (const watcher of this.watchers.all()) this.onClosed(watcher, 'cache-replaced', out)
  }

  #noteStale(out: Out): void {
    if (!this.isHeld) return
    note(out, { type: 'stale-read', server: this.#options.name, resource: this.resource, revision: this.revision })
  }

  #note(type: 'cache-broken' | 'cache-filled', out: Out): void {
    const { resource, revision, generation } = this
    note(out, { type, server: this.#options.name, resource, revision, generation })
  }
}
