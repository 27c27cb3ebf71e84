/**
 * Watches of one member. Models etcd's mvcc watchableStore and the v3 watch server, v3.5. A synced watch gets the events of
 * each apply batch at once, one message a batch, whole revisions only; watches on the same range share one array. A watch
 * that asks for the past, or whose client has no room, is unsynced: it reads the history until it has caught up, or is
 * cancelled when what it needs is compacted.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, ProcessId, Timer, TimerTarget } from '../kernel/machine.ts'
import type { EtcdWatchSent } from './facts.ts'
import { bytesOf, fragmentsOf } from './fragments.ts'
import type { MemberMessage, WatchCreateMessage, WatchEventsMessage, WatchId } from './messages.ts'
import type { EtcdOptions } from './options.ts'
import type { Store } from './store.ts'
import { FROM_KEY, type Revision, type StoreEvent, type WatchEvent } from './types.ts'
import { type Group, type Stream, type Watch, WatchGroups } from './watchgroups.ts'

const SYNC = 1
const PROGRESS = 2
/** What a message may be larger than a request. */
const MESSAGE_OVERHEAD = 512 * 1024

export class WatchHub implements TimerTarget {
  readonly #options: EtcdOptions
  readonly #store: Store
  readonly #streams = new Map<ProcessId, Stream>()
  readonly #groups = new WatchGroups()
  readonly #unsynced = new Set<Watch>()
  /** Groups with pending events, in the order in which they got the first. */
  #dirty: Group[] = []
  #syncTimer: Timer = 0
  #progressTimer: Timer = 0

  constructor(options: EtcdOptions, store: Store) {
    this.#options = options
    this.#store = store
  }

  get watchCount(): number {
    let count = 0
    for (const stream of this.#streams.values()) count += stream.watches.size
    return count
  }

  get unsyncedCount(): number {
    return this.#unsynced.size
  }

  create(client: ProcessId, request: WatchCreateMessage, out: Out): void {
    let stream = this.#streams.get(client)
    if (stream === undefined) {
      stream = { client, watches: new Map(), underWay: 0, unasked: 0, progressWanted: false }
      this.#streams.set(client, stream)
    }
    this.#drop(stream, request.watch)
    const { key, rangeEnd } = request
    if (rangeEnd !== undefined && rangeEnd !== FROM_KEY && key >= rangeEnd) {
      const reason = 'mvcc: watcher range is empty'
      const refusal = { type: 'etcd-watch-cancelled', watch: request.watch, compactRevision: 0, reason } as const
      this.#send(stream, { ...refusal, isFinal: true }, out)
      return
    }
    const current = this.#store.revision
    const watch: Watch = {
      id: request.watch,
      stream,
      key,
      rangeEnd,
      previousValue: request.previousValue,
      progressNotify: request.progressNotify,
      unwanted: request.unwanted,
      fragments: request.fragments === true,
      outlivesLeaders: request.outlivesLeaders === true,
      next: request.startRevision > 0 ? request.startRevision : current + 1,
      hasSpoken: false,
      group: undefined,
    }
    stream.watches.set(watch.id, watch)
    this.#send(
      stream,
      { type: 'etcd-watch-created', watch: watch.id, revision: Math.max(current, watch.next - 1) },
      out,
    )
    if (watch.progressNotify && this.#progressTimer === 0) {
      this.#progressTimer = out.after(this.#options.progressMicros, this, PROGRESS)
    }
    if (watch.next > current) this.#groups.join(watch)
    else {
      this.#unsynced.add(watch)
      this.#catchUp(watch, out)
      this.#armSync(out)
    }
  }

  cancel(client: ProcessId, id: WatchId): void {
    const stream = this.#streams.get(client)
    if (stream !== undefined) this.#drop(stream, id)
  }

  /** The client is gone, and its watches with it. */
  dropClient(client: ProcessId): void {
    const stream = this.#streams.get(client)
    if (stream === undefined) return
    for (const id of [...stream.watches.keys()]) this.#drop(stream, id)
    this.#streams.delete(client)
  }

  /** Ends every watch with a reason, so that clients go elsewhere. */
  cancelAll(reason: string, out: Out): void {
    for (const stream of [...this.#streams.values()]) {
      for (const watch of [...stream.watches.values()]) this.#end(watch, 0, reason, out)
      this.#streams.delete(stream.client)
    }
  }

  /** Ends the watches that must not go on without a leader. */
  cancelLeaderless(reason: string, out: Out): void {
    for (const stream of this.#streams.values()) {
      for (const watch of [...stream.watches.values()]) if (!watch.outlivesLeaders) this.#end(watch, 0, reason, out)
    }
  }

  /** The client took in `count` batches. */
  acknowledge(client: ProcessId, count: number, out: Out): void {
    const stream = this.#streams.get(client)
    if (stream === undefined) return
    stream.underWay = Math.max(0, stream.underWay - count)
    if (this.#unsynced.size === 0) return
    for (const watch of stream.watches.values()) if (watch.group === undefined) this.#catchUp(watch, out)
  }

  /** The client wants to know how far its watches are; answered once all of them have caught up. */
  requestProgress(client: ProcessId, out: Out): void {
    const stream = this.#streams.get(client)
    if (stream === undefined) return
    stream.progressWanted = true
    this.#answerProgress(stream, out)
  }

  /** The store has these writes of one revision now. They are sent by `flush`. */
  notice(events: readonly StoreEvent[]): void {
    if (this.#groups.size === 0) return
    for (const event of events) {
      const groups = this.#groups.ofKey(event.key)
      if (groups.length === 0) continue
      const watchEvent = this.#watchEvent(event)
      for (const group of groups) {
        if (group.pending.length > 0) group.pending.push(watchEvent)
        else {
          group.pending = [watchEvent]
          if (this.#dirty.length === 0) this.#dirty = [group]
          else this.#dirty.push(group)
        }
      }
    }
  }

  /** Sends what `notice` collected: one message a watch. */
  flush(out: Out): void {
    const dirty = this.#dirty
    if (dirty.length === 0) return
    this.#dirty = []
    for (const group of dirty) {
      const events = group.pending
      group.pending = []
      const first = (events[0] as WatchEvent).kv.modRevision
      const last = (events[events.length - 1] as WatchEvent).kv.modRevision
      for (const watch of group.watches) {
        if (watch.next > last) continue
        let wanted = watch.next <= first ? events : events.filter((event) => event.kv.modRevision >= watch.next)
        if (this.#isFull(watch.stream)) {
          group.watches.delete(watch)
          watch.group = undefined
          // Everything before this batch was sent, or lay outside the range.
          watch.next = Math.max(watch.next, first)
          this.#unsynced.add(watch)
          this.#armSync(out)
        } else {
          if (watch.unwanted !== undefined) wanted = wanted.filter((event) => isWanted(event, watch))
          if (wanted.length > 0) this.#sendEvents(watch, wanted, last, out)
          else watch.next = last + 1
        }
      }
      if (group.watches.size === 0) this.#groups.dissolve(group)
    }
  }

  /** The store was compacted, or replaced by a snapshot: watches that waited for what is gone must know. */
  historyChanged(out: Out): void {
    for (const watch of [...this.#unsynced]) this.#catchUp(watch, out)
  }

  /** The store, which was at `before`, was replaced: every watch reads on from the new history. */
  resyncAll(before: Revision, out: Out): void {
    for (const stream of this.#streams.values()) {
      for (const watch of stream.watches.values()) {
        if (watch.group === undefined) continue
        watch.group.watches.delete(watch)
        watch.group = undefined
        // Synced means that it has everything up to then, or that nothing was in its range.
        watch.next = Math.max(watch.next, before + 1)
        this.#unsynced.add(watch)
      }
    }
    this.#groups.clear()
    this.#dirty = []
    this.historyChanged(out)
    this.#armSync(out)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (kind === SYNC) {
      this.#syncTimer = 0
      for (const watch of [...this.#unsynced]) this.#catchUp(watch, out)
      this.#armSync(out)
    } else {
      invariant(kind === PROGRESS, 'etcd: the hub knows its timers', kind)
      this.#notifyProgress(out)
    }
  }

  /** One step of an unsynced watch through the history. */
  #catchUp(watch: Watch, out: Out): void {
    const { stream } = watch
    const store = this.#store
    while (this.#unsynced.has(watch)) {
      if (watch.next < store.compactRevision) {
        if (this.#isFull(stream)) {
          watch.next = this.#options.decisions.nextAfterUndeliverableCancel(watch.next, store.revision)
          if (watch.next > store.revision) this.#synced(watch, out)
        } else this.#end(watch, store.compactRevision, 'etcdserver: mvcc: required revision has been compacted', out)
        return
      }
      if (watch.next > store.revision) {
        this.#synced(watch, out)
        return
      }
      if (this.#isFull(stream)) return
      const { events, upTo } = store.eventsFrom(watch.next, watch.key, watch.rangeEnd, this.#options.watchBatchEvents)
      if (events.length > 0) {
        const batch = events.map((event) => this.#watchEvent(event)).filter((event) => isWanted(event, watch))
        if (batch.length > 0) this.#sendEvents(watch, batch, upTo, out)
      }
      watch.next = upTo + 1
    }
  }

  #synced(watch: Watch, out: Out): void {
    this.#unsynced.delete(watch)
    this.#groups.join(watch)
    this.#answerProgress(watch.stream, out)
  }

  #sendEvents(watch: Watch, events: readonly WatchEvent[], upTo: Revision, out: Out): void {
    const { stream } = watch
    const first = (events[0] as WatchEvent).kv.modRevision
    const last = (events[events.length - 1] as WatchEvent).kv.modRevision
    if (first < watch.next) invariant(false, 'etcd: a watch never goes back', { first, next: watch.next })
    stream.underWay++
    stream.unasked++
    let acknowledge = 0
    if (stream.unasked * 4 >= this.#options.watchWindow) {
      acknowledge = stream.unasked
      stream.unasked = 0
    }
    const shown = watch.previousValue ? events : events.map(withoutPrevious)
    const message = { type: 'etcd-watch-events', watch: watch.id, events: shown, revision: upTo, acknowledge } as const
    if (watch.fragments) this.#sendFragments(stream, message, out)
    else this.#send(stream, message, out, events)
    watch.next = upTo + 1
    watch.hasSpoken = true
    const { name: member } = this.#options
    const fact: EtcdWatchSent = { type: 'etcd-watch-sent', member, client: stream.client, watch: watch.id, first, last }
    out.note(fact)
  }

  #send(stream: Stream, message: MemberMessage, out: Out, events?: readonly WatchEvent[]): void {
    out.stream(stream.client, message, 64 + (events === undefined ? 0 : bytesOf(events)))
  }

  /** Only the last piece says how far the watch is, and asks for an answer. */
  #sendFragments(stream: Stream, message: WatchEventsMessage, out: Out): void {
    const pieces = fragmentsOf(message.events, this.#options.maxRequestBytes + MESSAGE_OVERHEAD)
    pieces.forEach((events, at) => {
      const isLast = at === pieces.length - 1
      const piece = isLast ? { ...message, events } : { ...message, events, acknowledge: 0, hasMore: true }
      this.#send(stream, piece, out, events)
    })
  }

  #end(watch: Watch, compactRevision: Revision, reason: string, out: Out): void {
    this.#drop(watch.stream, watch.id)
    this.#send(watch.stream, { type: 'etcd-watch-cancelled', watch: watch.id, compactRevision, reason }, out)
  }

  #watchEvent(event: StoreEvent): WatchEvent {
    return { type: event.type, kv: event, previous: this.#store.before(event) }
  }

  #isFull(stream: Stream): boolean {
    return stream.underWay >= this.#options.watchWindow
  }

  #drop(stream: Stream, id: WatchId): void {
    const watch = stream.watches.get(id)
    if (watch === undefined) return
    stream.watches.delete(id)
    this.#unsynced.delete(watch)
    this.#groups.leave(watch)
  }

  #armSync(out: Out): void {
    if (this.#syncTimer === 0 && this.#unsynced.size > 0) {
      this.#syncTimer = out.after(this.#options.watchSyncMicros, this, SYNC)
    }
  }

  #answerProgress(stream: Stream, out: Out): void {
    if (!stream.progressWanted) return
    for (const watch of stream.watches.values()) if (watch.group === undefined) return
    stream.progressWanted = false
    this.#send(stream, { type: 'etcd-watch-progress', watch: 0, revision: this.#store.revision }, out)
  }

  #notifyProgress(out: Out): void {
    this.#progressTimer = 0
    const { revision } = this.#store
    for (const stream of this.#streams.values()) {
      for (const watch of stream.watches.values()) {
        if (!watch.progressNotify) continue
        this.#progressTimer ||= out.after(this.#options.progressMicros, this, PROGRESS)
        // News of progress is for watches that had no other.
        if (watch.group !== undefined && !watch.hasSpoken) {
          this.#send(stream, { type: 'etcd-watch-progress', watch: watch.id, revision }, out)
        }
        watch.hasSpoken = false
      }
    }
  }
}

function isWanted({ type }: WatchEvent, { unwanted }: Watch): boolean {
  return unwanted === undefined || unwanted === (type === 'put' ? 'deletes' : 'puts')
}

function withoutPrevious(event: WatchEvent): WatchEvent {
  return event.previous === undefined ? event : { type: event.type, kv: event.kv, previous: undefined }
}
