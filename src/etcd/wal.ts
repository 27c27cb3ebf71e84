/**
 * The write-ahead log: term, vote and entries on the disk before anything is promised. Models etcd's server/storage/wal,
 * v3.5: records are appended only; entries with an index that is there already replace it and what follows; writes that
 * come while a sync is under way share the next one; a torn tail is cut off at the start, anything corrupt stops it.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, TimerTarget } from '../kernel/machine.ts'
import type { Entry, HardState, LogIndex, Snapshot } from '../raft/index.ts'
import type { StateImage } from './apply.ts'
import type { EtcdRefused } from './facts.ts'

const WAL_FILE = 'wal'
const SNAPSHOT_FILE = 'snapshot'
const BACKEND_FILE = 'backend'

interface WalRecord {
  readonly hardState: HardState
  readonly entries: readonly Entry[]
  /** A snapshot from the leader replaced everything before this record; 0 for none. */
  readonly restoredIndex: LogIndex
}

export interface BackendRecord {
  /** The state is that of this index. */
  readonly index: LogIndex
  readonly state: StateImage
}

/** Timer kinds that the owner gets from this file's syncs. */
export const WAL_SYNCED = 101
export const SNAPSHOT_SYNCED = 102
export const BACKEND_SYNCED = 103

export class Wal {
  /** Last write appended, last one that a sync under way covers, 0 when none is. */
  #appended = 0
  #syncing = 0
  /** The last index in each record of the file, for releasing the front. */
  readonly #lastIndexes: LogIndex[] = []
  readonly #owner: TimerTarget

  /** `owner` gets `onTimer(WAL_SYNCED, write)`. */
  constructor(owner: TimerTarget) {
    this.#owner = owner
  }

  /** A sync is under way: what is appended now waits for the next one. */
  get busy(): boolean {
    return this.#syncing > 0
  }

  /** Appends one write. False when the disk is full: nothing more may be promised then. */
  append(write: number, hardState: HardState, entries: readonly Entry[], restoredIndex: LogIndex, out: Out): boolean {
    invariant(write > this.#appended, 'etcd: writes are numbered upwards', { write })
    const record: WalRecord = { hardState, entries, restoredIndex }
    let bytes = 32
    for (const entry of entries) bytes += 16 + entry.bytes
    if (out.disk.append(WAL_FILE, record, bytes) === 'full') return false
    const last = entries.length === 0 ? 0 : (entries[entries.length - 1] as Entry).index
    this.#lastIndexes.push(last)
    this.#appended = write
    if (this.#syncing === 0) this.#sync(out)
    return true
  }

  /** The sync for `write` has ended; the next one begins if anything was appended meanwhile. */
  synced(write: number, out: Out): void {
    invariant(write === this.#syncing, 'etcd: syncs end in order', { write, syncing: this.#syncing })
    this.#syncing = 0
    if (this.#appended > write) this.#sync(out)
  }

  /** Releases records that only hold entries up to `index`. The last record always stays: it has term and vote. */
  release(index: LogIndex, out: Out): void {
    let count = 0
    while (count < this.#lastIndexes.length - 1 && (this.#lastIndexes[count] as LogIndex) <= index) count++
    if (count === 0) return
    this.#lastIndexes.splice(0, count)
    out.disk.release(WAL_FILE, count)
  }

  /** The file already has records, as recovery found them. */
  adopt(lastIndexes: readonly LogIndex[]): void {
    for (const index of lastIndexes) this.#lastIndexes.push(index)
  }

  #sync(out: Out): void {
    this.#syncing = this.#appended
    out.disk.sync(WAL_FILE, this.#owner, WAL_SYNCED, this.#appended)
  }
}

/** Saves a snapshot; `owner` gets `onTimer(SNAPSHOT_SYNCED, index)`. False when the disk is full. */
export function saveSnapshot(snapshot: Snapshot, owner: TimerTarget, out: Out): boolean {
  if (out.disk.replace(SNAPSHOT_FILE, snapshot, snapshot.bytes) === 'full') return false
  out.disk.sync(SNAPSHOT_FILE, owner, SNAPSHOT_SYNCED, snapshot.index)
  return true
}

/** Commits the backend; `owner` gets `onTimer(BACKEND_SYNCED, index)`. False when the disk is full. */
export function saveBackend(record: BackendRecord, owner: TimerTarget, out: Out): boolean {
  // Only changed pages are written, not the whole file; their size is of the order of what changed.
  if (out.disk.replace(BACKEND_FILE, record, 4096) === 'full') return false
  out.disk.sync(BACKEND_FILE, owner, BACKEND_SYNCED, record.index)
  return true
}

export interface Recovered {
  readonly hardState: HardState
  readonly snapshot: Snapshot | undefined
  readonly entries: readonly Entry[]
  /** The state to start from, if there is any. */
  readonly backend: BackendRecord | undefined
  readonly lastIndexes: readonly LogIndex[]
  readonly repairedRecords: number
}

/** Reads back what a crash left, cutting a torn tail off. A reason when the member must not start. */
export function recover(out: Out): Recovered | EtcdRefused['reason'] {
  const snapshotRecord = out.disk.read(SNAPSHOT_FILE)[0]
  const backendRecord = out.disk.read(BACKEND_FILE)[0]
  if (snapshotRecord !== undefined && snapshotRecord.state !== 'ok') return 'corrupt-snapshot'
  if (backendRecord !== undefined && backendRecord.state !== 'ok') return 'corrupt-snapshot'
  const snapshot = snapshotRecord?.value as Snapshot | undefined
  const base = snapshot?.index ?? 0
  const records = out.disk.read(WAL_FILE)
  let end = records.findIndex((record) => record.state !== 'ok')
  if (end < 0) end = records.length
  else {
    for (let i = end; i < records.length; i++) if (records[i]?.state !== 'torn') return 'corrupt-log'
  }
  let hardState: HardState = { term: 0, vote: 0, commit: 0 }
  let entries: Entry[] = []
  const lastIndexes: LogIndex[] = []
  for (let i = 0; i < end; i++) {
    const record = records[i]?.value as WalRecord
    if (record.restoredIndex > base) {
      // The snapshot this record speaks of never became durable, so neither did anything from here on.
      end = i
      break
    }
    if (record.restoredIndex > 0) entries = []
    hardState = record.hardState
    lastIndexes.push(record.entries[record.entries.length - 1]?.index ?? 0)
    for (const entry of record.entries) {
      if (entry.index <= base) continue
      const at = entry.index - base - 1
      if (at > entries.length) return 'missing-entries'
      entries.length = at
      entries.push(entry)
    }
  }
  if (end < records.length) out.disk.truncate(WAL_FILE, end)
  const saved = backendRecord?.value as BackendRecord | undefined
  let backend = saved
  if (snapshot !== undefined && (saved === undefined || saved.index < snapshot.index)) {
    backend = { index: snapshot.index, state: snapshot.data as StateImage }
  }
  if (backend !== undefined && backend.index > base + entries.length) return 'missing-entries'
  return { hardState, snapshot, entries, backend, lastIndexes, repairedRecords: records.length - end }
}
