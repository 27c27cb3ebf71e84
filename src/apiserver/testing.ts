/**
 * A stand-in for etcd in table tests: a map with revisions and history, answers at once or when told to. No raft, no network, no leases; the real store
 * is in src/etcd. Nothing here is used in a trial.
 */
import type { Message, Out, ProcessId } from '../kernel/machine.ts'
import type {
  RangeReply,
  RangeRequest,
  StorageConnection,
  StorageError,
  StorageEvent,
  StorageReceiver,
  StorageWatchReceiver,
  StoredValue,
  TxnReply,
  TxnRequest,
} from './storage.ts'

/** A key's state after a write; `value` undefined after a deletion. */
type HistoryEntry = StoredValue

/** The store itself; several connections (one a server) may share it. */
export class FakeEtcd {
  revision = 1
  compactedRevision = 0
  readonly history: HistoryEntry[] = []
  readonly connections: FakeConnection[] = []

  connect(): FakeConnection {
    const connection = new FakeConnection(this)
    this.connections.push(connection)
    return connection
  }

  /** The values of a range as of a revision, in order of their keys. */
  range({ key, rangeEnd, revision = this.revision, limit = 0 }: RangeRequest): RangeReply {
    const latest = new Map<string, HistoryEntry>()
    for (const entry of this.history) {
      if (entry.modRevision > revision) break
      if (rangeEnd === undefined ? entry.key === key : entry.key >= key && entry.key < rangeEnd)
        latest.set(entry.key, entry)
    }
    const values = [...latest.values()].filter((entry) => entry.value !== undefined)
    values.sort((a, b) => (a.key < b.key ? -1 : 1))
    const more = limit > 0 && values.length > limit
    return { values: more ? values.slice(0, limit) : values, revision: this.revision, more, count: values.length }
  }

  txn({ compare, writes, otherwiseRead }: TxnRequest, out: Out): TxnReply {
    for (const { key, modRevision } of compare) {
      if ((this.range({ key }).values[0]?.modRevision ?? 0) !== modRevision) {
        return {
          succeeded: false,
          revision: this.revision,
          found: otherwiseRead.map((name) => this.range({ key: name }).values[0]),
        }
      }
    }
    const revision = this.revision + 1
    const events: HistoryEntry[] = []
    for (const write of writes) {
      const before = this.range({ key: write.key }).values[0]
      if (write.type === 'put')
        events.push({ key: write.key, value: write.value, modRevision: revision, version: (before?.version ?? 0) + 1 })
      else if (before !== undefined)
        events.push({ key: write.key, value: undefined, modRevision: revision, version: 0 })
    }
    if (events.length > 0) {
      this.revision = revision
      this.history.push(...events)
      for (const connection of this.connections) connection.deliver(out)
    }
    return { succeeded: true, revision: this.revision, found: [] }
  }
}

interface FakeWatch {
  readonly prefix: string
  next: number
  readonly receiver: StorageWatchReceiver
}

type Parked = () => void

export class FakeConnection implements StorageConnection {
  readonly etcd: FakeEtcd
  /** While true, requests wait until `answerParked`, and events until `deliver`. */
  isParked = false
  /** While true, every request fails. */
  isDown = false
  readonly #parked: Parked[] = []
  readonly #watches = new Map<number, FakeWatch>()
  #last = 0
  requests = 0

  constructor(etcd: FakeEtcd) {
    this.etcd = etcd
  }

  start(): void {}

  onMessage(_from: ProcessId, _message: Message): boolean {
    return false
  }

  onDisconnect(): void {}

  range(request: RangeRequest, receiver: StorageReceiver, tag: number, out: Out): void {
    const { revision = this.etcd.revision } = request
    let error: StorageError | undefined
    if (revision > this.etcd.revision) error = 'future-revision'
    else if (revision < this.etcd.compactedRevision) error = 'compacted'
    this.#answer(receiver, tag, error === undefined ? () => this.etcd.range(request) : undefined, error, out)
  }

  txn(request: TxnRequest, receiver: StorageReceiver, tag: number, out: Out): void {
    this.#answer(receiver, tag, () => this.etcd.txn(request, out), undefined, out)
  }

  compact(revision: number, receiver: StorageReceiver, tag: number, out: Out): void {
    this.etcd.compactedRevision = revision
    this.#answer(receiver, tag, undefined, undefined, out)
  }

  watch(prefix: string, startRevision: number, receiver: StorageWatchReceiver): number {
    this.#last++
    this.#watches.set(this.#last, { prefix, next: startRevision, receiver })
    return this.#last
  }

  stopWatch(watch: number): void {
    this.#watches.delete(watch)
  }

  /** Tells every watch that it has everything. */
  requestProgress(out: Out): void {
    if (this.isParked || this.isDown) return
    for (const watch of this.#watches.values()) watch.receiver.onStorageEvents([], this.etcd.revision, out)
  }

  /** Sends every watch what it has not seen. */
  deliver(out: Out): void {
    if (this.isParked || this.isDown) return
    for (const watch of this.#watches.values()) {
      const events = this.etcd.history.filter(
        ({ key, modRevision }) => key.startsWith(watch.prefix) && modRevision >= watch.next,
      )
      const last = events.at(-1)
      if (last === undefined) continue
      watch.next = last.modRevision + 1
      const sent = events.map((kv): StorageEvent => ({ type: kv.value === undefined ? 'delete' : 'put', kv }))
      watch.receiver.onStorageEvents(sent, last.modRevision, out)
    }
  }

  /** Carries out and answers the oldest `count` waiting requests, as of now. */
  answerParked(count = Number.POSITIVE_INFINITY): void {
    for (let i = 0; i < count; i++) {
      const next = this.#parked.shift()
      if (next === undefined) return
      next()
    }
  }

  #answer(
    receiver: StorageReceiver,
    tag: number,
    reply: (() => RangeReply | TxnReply) | undefined,
    error: StorageError | undefined,
    out: Out,
  ): void {
    this.requests++
    const act = () => {
      if (this.isDown) receiver.onStorageReply(tag, undefined, 'unavailable', out)
      else receiver.onStorageReply(tag, reply?.(), error, out)
    }
    if (this.isParked) this.#parked.push(act)
    else act()
  }
}
