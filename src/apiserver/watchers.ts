/**
 * The open watches of one resource on one server, indexed by what they ask for, so that an event reaches only those who may want it. What an
 * event is to a watcher depends on whether its selector matched before and matches now. Models apiserver cacher dispatchEvent and
 * cache_watcher.go convertToWatchEvent, v1.33. Not modelled: slow watchers that are cut off because their buffer is full.
 */
import type { Out, ProcessId, Timer } from '../kernel/machine.ts'
import type { ApiWatchEvents, KubeObject, Resource, WatchEvent } from '../objects/index.ts'
import { withResourceVersion } from './decode.ts'
import type { CacheEvent } from './ring.ts'
import { nodeNameOf, type Selection, selects } from './selection.ts'

/** Never added to: the first event that waits gets an array of its own. */
const NOTHING = Object.freeze([]) as never[]

/** One open watch. What waits goes out at the end of the event instant. */
export class Watcher {
  readonly client: ProcessId
  readonly id: number
  readonly user: string
  readonly resource: Resource
  readonly selection: Selection
  readonly allowsBookmarks: boolean
  /** Only events after this revision are sent; moves with what was sent. */
  revision = 0
  #pending: WatchEvent[] = NOTHING
  timeout: Timer = 0
  /** The server's own number for it. */
  number = 0
  isOpen = true

  constructor(
    client: ProcessId,
    id: number,
    user: string,
    resource: Resource,
    selection: Selection,
    allowsBookmarks: boolean,
  ) {
    this.client = client
    this.id = id
    this.user = user
    this.resource = resource
    this.selection = selection
    this.allowsBookmarks = allowsBookmarks
  }

  /** Queues what the event means to this watcher. True when it is the first that waits. */
  offer(event: CacheEvent): boolean {
    if (event.revision <= this.revision) return false
    const meaning = this.#meaningOf(event)
    if (meaning === undefined) return false
    this.revision = event.revision
    this.queue(meaning)
    return this.#pending.length === 1
  }

  /** Adds to what waits. Mostly it is one event: a literal has room for that one, where `push` would make room for 17. */
  queue(event: WatchEvent): void {
    if (this.#pending.length === 0) this.#pending = [event]
    else this.#pending.push(event)
  }

  /** Sends what waits, as one message. */
  flush(out: Out): void {
    if (this.#pending.length === 0) return
    const message: ApiWatchEvents = { type: 'api-watch-events', id: this.id, events: this.#pending }
    this.#pending = NOTHING
    out.stream(this.client, message)
  }

  #meaningOf(event: CacheEvent): WatchEvent | undefined {
    const { current, previous, revision } = event
    const { selection } = this
    if (selection.everything && selection.namespace === undefined) return event.whole
    const now = current !== undefined && selects(selection, current)
    const before = previous !== undefined && selects(selection, previous)
    if (now && before) return event.whole
    if (now) return event.whole.type === 'ADDED' ? event.whole : { type: 'ADDED', object: current as KubeObject }
    if (!before) return undefined
    if (current === undefined) return event.whole
    return { type: 'DELETED', object: withResourceVersion(previous as KubeObject, revision) }
  }
}

export class WatcherIndex {
  readonly #byName = new Map<string, Set<Watcher>>()
  readonly #byNode = new Map<string, Set<Watcher>>()
  readonly #byNamespace = new Map<string, Set<Watcher>>()
  readonly #others = new Set<Watcher>()
  #dirty: Watcher[] = []
  count = 0

  add(watcher: Watcher): void {
    this.#shelf(watcher, true)?.add(watcher)
    this.count++
  }

  delete(watcher: Watcher): void {
    if (this.#shelf(watcher, false)?.delete(watcher) === true) this.count--
  }

  /** Hands the event to every watcher that may want it. */
  dispatch(event: CacheEvent): void {
    if (this.count === 0) return
    const object = (event.current ?? event.previous) as KubeObject
    this.#offer(this.#others, event)
    if (this.#byName.size > 0) this.#offer(this.#byName.get(object.metadata.name), event)
    if (this.#byNamespace.size > 0) this.#offer(this.#byNamespace.get(object.metadata.namespace ?? ''), event)
    if (this.#byNode.size === 0) return
    const now = nodeNameOf(object)
    this.#offer(this.#byNode.get(now), event)
    const before = event.previous === undefined ? now : nodeNameOf(event.previous)
    if (before !== now) this.#offer(this.#byNode.get(before), event)
  }

  /** Sends what the watchers have waiting, in the order in which they first had something. */
  flush(out: Out): void {
    if (this.#dirty.length === 0) return
    const dirty = this.#dirty
    this.#dirty = []
    for (const watcher of dirty) if (watcher.isOpen) watcher.flush(out)
  }

  /** All open watchers; a copy, so that they may be closed on the way. */
  all(): Watcher[] {
    const found = [...this.#others]
    for (const index of [this.#byName, this.#byNode, this.#byNamespace]) {
      for (const shelf of index.values()) found.push(...shelf)
    }
    return found
  }

  #offer(shelf: Set<Watcher> | undefined, event: CacheEvent): void {
    if (shelf === undefined) return
    for (const watcher of shelf) if (watcher.offer(event)) this.#dirty.push(watcher)
  }

  #shelf({ selection }: Watcher, make: boolean): Set<Watcher> | undefined {
    if (selection.name !== undefined) return shelfOf(this.#byName, selection.name, make)
    if (selection.nodeName !== undefined) return shelfOf(this.#byNode, selection.nodeName, make)
    if (selection.namespace !== undefined) return shelfOf(this.#byNamespace, selection.namespace, make)
    return this.#others
  }
}

function shelfOf(index: Map<string, Set<Watcher>>, value: string, make: boolean): Set<Watcher> | undefined {
  let shelf = index.get(value)
  if (shelf === undefined && make) {
    shelf = new Set()
    index.set(value, shelf)
  }
  return shelf
}
