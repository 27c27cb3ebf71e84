/**
 * The key space with its history. Models etcd's mvcc store, v3.5: every write transaction has one revision, a range can be
 * read at any revision that is not compacted, compaction keeps each key's newest state. It decides nothing about
 * transactions (txn.ts), leases (lease.ts) or watches (watch.ts), and writes no disk: `image()` is what a backend keeps.
 */
import { invariant } from '../kernel/invariant.ts'
import { addressOf } from '../kernel/random.ts'
import type { EtcdDecisions } from './decisions.ts'
import { KeyIndex, KeyRecord } from './keyindex.ts'
import { needsAll, ordered } from './order.ts'
import type { RangeRequest } from './requests.ts'
import type { RangeResponse } from './responses.ts'
import { inRange, type KeyValue, type LeaseId, type Revision, type StoreEvent } from './types.ts'

/** A store frozen at one moment. The log is shared and only ever grows behind `length`, so an image costs nothing. */
export interface StoreImage {
  readonly log: readonly StoreEvent[]
  readonly length: number
  readonly revision: Revision
  readonly compactRevision: Revision
  readonly hash: number
  readonly bytes: number
}

const NO_EVENTS: readonly StoreEvent[] = Object.freeze([])
const NO_VALUES: readonly KeyValue[] = Object.freeze([])

export class Store {
  #index = new KeyIndex()
  /** Every event that is not compacted, by revision. */
  #log: StoreEvent[] = []
  #revision: Revision = 1
  #compactRevision: Revision = 0
  #hash = 0
  #bytes = 0
  /** The most bytes there were before a compaction, hence the size of the file. */
  #peakBytes = 0
  /** Events of the write transaction under way. */
  #events: StoreEvent[] = []
  #hasFailed = false
  readonly #decisions: EtcdDecisions

  constructor(decisions: EtcdDecisions) {
    this.#decisions = decisions
  }

  get revision(): Revision {
    return this.#revision
  }

  /** The revision that the transaction under way would answer with: the next one once it has written. */
  get pendingRevision(): Revision {
    return this.#revision + (this.#events.length > 0 ? 1 : 0)
  }

  get compactRevision(): Revision {
    return this.#compactRevision
  }

  /** A rolling hash of every write since the store was empty. */
  get hash(): number {
    return this.#hash
  }

  /** Size of all that is not compacted. */
  get bytes(): number {
    return this.#bytes
  }

  /** Size of the backend's file: what compaction freed is still in it. */
  get peakBytes(): number {
    return Math.max(this.#peakBytes, this.#bytes)
  }

  /** The file is written anew without what is free. */
  releaseFree(): void {
    this.#peakBytes = this.#bytes
  }

  /** Events in the log, hence the size of the history. */
  get eventCount(): number {
    return this.#log.length
  }

  /** The transaction under way turned out to be impossible when it was half done. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  failTransaction(): void {
    this.#hasFailed = true
  }

  /** The key's state now, or undefined. Within a transaction it sees the transaction's own writes. */
  get(key: string): KeyValue | undefined {
    const head = this.#index.get(key)?.head
    return head === undefined || head.type === 'delete' ? undefined : head
  }

  /** The key's state before `event`, if it is still known. */
  before(event: StoreEvent): KeyValue | undefined {
    // A put that creates has nothing before it, even where its transaction has deleted the key first.
    if (event.modRevision <= this.#compactRevision || event.createRevision === event.modRevision) return undefined
    const earlier = this.#index.get(event.key)?.at(event.modRevision - 1)
    return earlier === undefined || earlier.type === 'delete' ? undefined : earlier
  }

  /** Why a range at `revision` cannot be read, if so. */
  refusal(revision: Revision): 'compacted' | 'future' | undefined {
    if (revision <= 0) return undefined
    if (revision > this.#revision) return 'future'
    return revision < this.#compactRevision ? 'compacted' : undefined
  }

  /** Reads; `refusal` must have been asked before. */
  range(request: RangeRequest): RangeResponse {
    const { key, rangeEnd, limit = 0, countOnly = false, keysOnly = false, order } = request
    const revision = request.revision ?? 0
    const current = revision <= 0 || revision >= this.pendingRevision
    let values: KeyValue[] = []
    let count = 0
    // One more than the limit is fetched: without an order in any case harmless, with one it may come first.
    const fetched = limit <= 0 || (order !== undefined && needsAll(order)) ? Number.POSITIVE_INFINITY : limit + 1
    const visit = (record: KeyRecord): boolean => {
      const event = current ? record.head : record.at(revision)
      if (event === undefined || event.type === 'delete') return true
      count++
      if (!countOnly && values.length < fetched) values.push(event)
      return true
    }
    if (rangeEnd !== undefined) this.#index.scan(key, rangeEnd, visit)
    else {
      const record = this.#index.get(key)
      if (record !== undefined) visit(record)
    }
    if (order !== undefined) values = ordered(values, order)
    const more = limit > 0 && values.length > limit
    if (more) values.length = limit
    if (keysOnly) values = values.map((value) => ({ ...value, value: undefined }))
    return {
      type: 'range',
      revision: this.pendingRevision,
      values: values.length === 0 ? NO_VALUES : values,
      more,
      count,
    }
  }

  /** Keys of a range that are there now. */
  keys(key: string, rangeEnd: string | undefined): string[] {
    const keys: string[] = []
    if (rangeEnd === undefined) {
      if (this.get(key) !== undefined) keys.push(key)
    } else {
      this.#index.scan(key, rangeEnd, (record) => {
        if (record.head.type === 'put') keys.push(record.key)
        return true
      })
    }
    return keys
  }

  /** Writes a key in the transaction under way, which the first write begins. Gives the state before. */
  put(key: string, value: unknown, bytes: number, lease: LeaseId): KeyValue | undefined {
    const record = this.#index.get(key)
    const modRevision = this.#revision + 1
    const before = record === undefined || record.head.type === 'delete' ? undefined : record.head
    const createRevision = before === undefined ? modRevision : before.createRevision
    const version = before === undefined ? 1 : before.version + 1
    // The record's own key: one text for all revisions.
    const event = {
      type: 'put',
      key: record?.key ?? key,
      value,
      bytes,
      createRevision,
      modRevision,
      version,
      lease,
    } as const
    this.#write(record, shared(event))
    return before
  }

  /** Deletes a key in the transaction under way. Gives the state before, undefined when there was none and nothing is written. */
  delete(key: string): KeyValue | undefined {
    const record = this.#index.get(key)
    if (record === undefined || record.head.type === 'delete') return undefined
    const before = record.head
    const modRevision = this.#revision + 1
    const event: StoreEvent = {
      type: 'delete',
      key: record.key,
      value: undefined,
      bytes: key.length,
      createRevision: 0,
      modRevision,
      version: 0,
      lease: 0,
    }
    this.#write(record, shared(event))
    return before
  }

  /** Ends the transaction: its writes, all of one new revision, or none. */
  commit(): readonly StoreEvent[] {
    const events = this.#events
    if (events.length === 0) return NO_EVENTS
    this.#events = []
    this.#revision++
    invariant(events[0]?.modRevision === this.#revision, 'etcd: a transaction has one revision', this.#revision)
    return events
  }

  #write(record: KeyRecord | undefined, event: StoreEvent): void {
    let written = record
    if (written === undefined) {
      written = new KeyRecord(event.key, event)
      this.#index.add(written)
    } else written.push(event)
    this.#log.push(event)
    if (this.#events.length === 0) this.#events = [event]
    else this.#events.push(event)
    this.#bytes += event.bytes
    this.#hash = mix(mix(this.#hash, written.hash), event.modRevision * 2 + (event.type === 'put' ? 1 : 0))
  }

  /** The events from revision `from` on, about `limit` of them and never half a revision, that lie in the range. */
  eventsFrom(
    from: Revision,
    key: string,
    rangeEnd: string | undefined,
    limit: number,
  ): { readonly events: readonly StoreEvent[]; readonly upTo: Revision } {
    const log = this.#log
    const events: StoreEvent[] = []
    for (let i = this.#positionOf(from); i < log.length; i++) {
      const event = log[i] as StoreEvent
      const last = events[events.length - 1]
      if (events.length >= limit && last !== undefined && event.modRevision > last.modRevision) {
        return { events, upTo: last.modRevision }
      }
      if (inRange(event.key, key, rangeEnd)) events.push(event)
    }
    return { events, upTo: this.#revision }
  }

  /** The position in the log of the first event of revision `from` or later. */
  #positionOf(from: Revision): number {
    let low = 0
    let high = this.#log.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#log[middle] as StoreEvent).modRevision < from) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Forgets every state that is not the newest of its key at `revision` or later. */
  compact(revision: Revision): void {
    invariant(revision > this.#compactRevision && revision <= this.#revision, 'etcd: compaction goes forward', revision)
    this.#compactRevision = revision
    this.#peakBytes = this.peakBytes
    const log = this.#log
    const end = this.#positionOf(revision + 1)
    const dropped = (event: StoreEvent) =>
      event.type === 'delete' && !this.#decisions.keepsTombstone(event.modRevision, revision)
    const kept: StoreEvent[] = []
    const seen = new Set<string>()
    for (let i = end - 1; i >= 0; i--) {
      const event = log[i] as StoreEvent
      if (!seen.has(event.key)) {
        seen.add(event.key)
        if (!dropped(event)) {
          kept.push(event)
          continue
        }
      }
      this.#bytes -= event.bytes
    }
    kept.reverse()
    for (let i = end; i < log.length; i++) kept.push(log[i] as StoreEvent)
    this.#log = kept
    for (const key of seen) if (this.#index.get(key)?.trim(revision, dropped) === true) this.#index.remove(key)
  }

  image(): StoreImage {
    invariant(this.#events.length === 0, 'etcd: an image is taken between transactions')
    return {
      log: this.#log,
      length: this.#log.length,
      revision: this.#revision,
      compactRevision: this.#compactRevision,
      hash: this.#hash,
      bytes: this.#bytes,
    }
  }

  /** Becomes what the image shows. `fromDisk`: after a restart, where the decisions say what is found again. */
  restore(image: StoreImage, fromDisk = false): void {
    this.#log = image.log.slice(0, image.length)
    this.#revision = image.revision
    if (fromDisk) this.#recover(image)
    this.#compactRevision = image.compactRevision
    this.#hash = image.hash
    this.#bytes = image.bytes
    this.#peakBytes = image.bytes
    this.#events = []
    this.#index = new KeyIndex()
    for (const event of this.#log) {
      const record = this.#index.get(event.key)
      if (record === undefined) this.#index.add(new KeyRecord(event.key, event))
      else record.push(event)
    }
  }

  /** What a restart makes of the history on the disk: all of it, with the right decisions. */
  #recover({ revision }: StoreImage): void {
    const { restoresLoneTombstone, restoredRevision } = this.#decisions
    if (!restoresLoneTombstone()) {
      const begun = new Set<string>()
      this.#log = this.#log.filter(({ key, type }) => {
        if (type === 'delete' && !begun.has(key)) return false
        begun.add(key)
        return true
      })
    }
    this.#revision = restoredRevision(revision, this.#log[this.#log.length - 1]?.modRevision ?? 1)
  }

  /** A hash of every state that is kept as of `revision`, in the order in which they were written. */
  hashAt(revision: Revision): number {
    let hash = 0
    for (const { key, type, modRevision, createRevision, version, lease } of this.#log) {
      if (modRevision > revision) break
      hash = mix(mix(hash, addressOf(key)), modRevision * 2 + (type === 'put' ? 1 : 0))
      hash = mix(mix(mix(hash, createRevision), version), lease)
    }
    return hash
  }

  /** Every key with its state now, in order. */
  *values(): Iterable<KeyValue> {
    for (const record of this.#index.records()) if (record.head.type === 'put') yield record.head
  }
}

/** The last events that any member wrote, found by their revision. Far cheaper than a weak map, and large enough for what is under way. */
const SLOTS = 4096
const latest: (StoreEvent | undefined)[] = new Array(SLOTS).fill(undefined)

/** The same event as another member of the cluster wrote it, if it did: what all of them hold is then there once. */
function shared(event: StoreEvent): StoreEvent {
  const slot = event.modRevision & (SLOTS - 1)
  const known = latest[slot]
  if (known !== undefined && isSame(known, event)) return known
  latest[slot] = event
  return event
}

function isSame(a: StoreEvent, b: StoreEvent): boolean {
  return (
    a.modRevision === b.modRevision &&
    a.value === b.value &&
    a.key === b.key &&
    a.type === b.type &&
    a.bytes === b.bytes &&
    a.createRevision === b.createRevision &&
    a.version === b.version &&
    a.lease === b.lease
  )
}

function mix(hash: number, word: number): number {
  let h = Math.imul(hash ^ word, 0x9e3779b1)
  h ^= h >>> 15
  h = Math.imul(h ^ (word / 0x1_0000_0000), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}
