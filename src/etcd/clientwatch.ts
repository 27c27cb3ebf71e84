/**
 * The watches of one client. Each remembers the revision it needs next, so that after a change of member it goes on
 * without a gap and without a repeat. Models clientv3's watcher (resume from nextRev), v3.5.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, ProcessId } from '../kernel/machine.ts'
import type {
  ClientMessage,
  WatchCancelledMessage,
  WatchCreatedMessage,
  WatchEventsMessage,
  WatchId,
  WatchProgressMessage,
} from './messages.ts'
import type { Revision, WatchEvent } from './types.ts'

export interface WatchRequest {
  readonly key: string
  /** All keys up to, without, this one. Unset: the one key. */
  readonly rangeEnd?: string
  /** The first revision wanted. Unset or 0: what comes next. */
  readonly startRevision?: Revision
  readonly previousValue?: boolean
  readonly progressNotify?: boolean
  /** Events that are not to be shown. */
  readonly unwanted?: 'puts' | 'deletes' | 'all'
  /** Large batches may travel in pieces; the receiver gets them whole all the same. */
  readonly fragments?: boolean
  /**
   * A member that has been without a leader for long ends the watch, which goes on elsewhere: clientv3's WithRequireLeader,
   * with which API servers watch. Without, a watch of a member that is cut off hears nothing and does not know. Default true.
   */
  readonly requireLeader?: boolean
}

export interface EtcdWatchReceiver {
  /** Whole revisions, in order, none missing and none twice. `revision`: everything up to it was delivered. */
  onEtcdEvents(watch: WatchId, events: readonly WatchEvent[], revision: Revision, out: Out): void
  /** Nothing is missing up to `revision`. */
  onEtcdProgress(watch: WatchId, revision: Revision, out: Out): void
  /** The watch has ended: what it needs next is compacted. List again. */
  onEtcdCompacted(watch: WatchId, compactRevision: Revision, out: Out): void
  /** The watch was never begun, and no member would. */
  onEtcdWatchRefused?(watch: WatchId, reason: string, out: Out): void
}

interface ClientWatch {
  readonly id: WatchId
  readonly request: WatchRequest
  readonly receiver: EtcdWatchReceiver
  /** The revision wanted next; 0 until the member said where it begins. */
  next: Revision
  /** The member has said, on this connection, that it is there. */
  isCreated: boolean
  /** Pieces of a batch whose end has not come. */
  pieces: WatchEvent[]
}

export class WatchSet {
  readonly #watches = new Map<WatchId, ClientWatch>()
  #lastId = 0

  add(request: WatchRequest, receiver: EtcdWatchReceiver): ClientWatch {
    const id = ++this.#lastId
    const watch = { id, request, receiver, next: request.startRevision ?? 0, isCreated: false, pieces: [] }
    this.#watches.set(watch.id, watch)
    return watch
  }

  has(id: WatchId): boolean {
    return this.#watches.has(id)
  }

  remove(id: WatchId): boolean {
    return this.#watches.delete(id)
  }

  create(watch: ClientWatch, endpoint: ProcessId, out: Out): void {
    const { key, rangeEnd, previousValue = false, progressNotify = false, unwanted, fragments } = watch.request
    const outlivesLeaders = watch.request.requireLeader === false
    watch.isCreated = false
    watch.pieces = []
    const message: ClientMessage = {
      type: 'etcd-watch-create',
      watch: watch.id,
      key,
      rangeEnd,
      startRevision: watch.next,
      previousValue,
      progressNotify,
      unwanted,
      fragments,
      outlivesLeaders,
    }
    out.stream(endpoint, message, 96)
  }

  createAll(endpoint: ProcessId, out: Out): void {
    for (const watch of this.#watches.values()) this.create(watch, endpoint, out)
  }

  cancel(id: WatchId, endpoint: ProcessId, out: Out): void {
    const message: ClientMessage = { type: 'etcd-watch-cancel', watch: id }
    out.stream(endpoint, message, 64)
  }

  requestProgress(endpoint: ProcessId, out: Out): void {
    const message: ClientMessage = { type: 'etcd-progress-request' }
    out.stream(endpoint, message, 64)
  }

  onMessage(from: ProcessId, message: WatchEventsMessage | WatchCreatedMessage | WatchProgressMessage, out: Out): void {
    switch (message.type) {
      case 'etcd-watch-created': {
        const watch = this.#watches.get(message.watch)
        if (watch === undefined) break
        watch.isCreated = true
        if (watch.next === 0) watch.next = message.revision + 1
        break
      }
      case 'etcd-watch-progress':
        this.#progress(message, out)
        break
      case 'etcd-watch-events':
        this.#events(from, message, out)
        break
    }
  }

  cancelled({ watch: id, compactRevision, isFinal, reason }: WatchCancelledMessage, out: Out): void {
    const watch = this.#watches.get(id)
    if (watch === undefined) return
    this.#watches.delete(id)
    if (isFinal === true) watch.receiver.onEtcdWatchRefused?.(id, reason, out)
    else watch.receiver.onEtcdCompacted(id, compactRevision, out)
  }

  #events(from: ProcessId, message: WatchEventsMessage, out: Out): void {
    if (message.acknowledge > 0) {
      const answer: ClientMessage = { type: 'etcd-watch-ack', count: message.acknowledge }
      out.stream(from, answer, 64)
    }
    const watch = this.#watches.get(message.watch)
    if (watch === undefined) return
    const first = message.events[0]?.kv.modRevision ?? message.revision
    if (first < watch.next)
      invariant(false, 'etcd: a watch is never given a revision twice', { first, next: watch.next })
    if (message.hasMore === true) {
      watch.pieces.push(...message.events)
      return
    }
    let { events } = message
    if (watch.pieces.length > 0) {
      events = [...watch.pieces, ...events]
      watch.pieces = []
    }
    watch.next = message.revision + 1
    watch.receiver.onEtcdEvents(watch.id, events, message.revision, out)
  }

  #progress({ watch: id, revision }: WatchProgressMessage, out: Out): void {
    for (const watch of id === 0 ? [...this.#watches.values()] : [this.#watches.get(id)]) {
      // News for all watches that was under way before this one was there is not about it.
      if (watch === undefined || !watch.isCreated || revision + 1 < watch.next) continue
      watch.next = revision + 1
      watch.receiver.onEtcdProgress(watch.id, revision, out)
    }
  }
}
