/**
 * The write-ahead log: term, vote and entries on the disk before anything is promised. Models etcd's server/storage/wal,
 * v3.5: records are appended only; entries with an index that is there already replace it and what follows; writes that
 * come while a sync is under way share the next one; a segment that is full is followed by another, and goes once the
 * snapshots that are kept cover it. What a restart makes of it is in recovery.ts, the bytes are in frames.ts.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, TimerTarget } from '../kernel/machine.ts'
import type { Entry, HardState, LogIndex } from '../raft/index.ts'
import { ETCD_DECISIONS, type EtcdDecisions } from './decisions.ts'
import { type SegmentHead, WAL_LAYOUT, type WalWrite } from './walrecords.ts'

/** Timer kind that the owner gets from the log's syncs. */
export const WAL_SYNCED = 101

/** A segment of the log, as its file's name and head say. */
export interface Segment {
  readonly file: string
  readonly sequence: number
  readonly firstIndex: LogIndex
}

const FIRST_FILE = 'wal'

/** What recovery found: where to go on. */
export interface WalEnd {
  readonly segments: readonly Segment[]
  readonly lastIndex: LogIndex
  readonly hardState: HardState
  /** Rough size of the last segment. */
  readonly bytes: number
}

export const EMPTY_WAL: WalEnd = Object.freeze({
  segments: [],
  lastIndex: 0,
  hardState: { term: 0, vote: 0, commit: 0 },
  bytes: 0,
})

export function isSegment(file: string): boolean {
  return file === FIRST_FILE || file.startsWith(`${FIRST_FILE}-`)
}

/** The segments that are on the disk, oldest first. */
export function segmentFiles(out: Out): readonly string[] {
  return out.disk.files().filter(isSegment)
}

export class Wal {
  /** Last write appended, last one that a sync under way covers, 0 when none is. */
  #appended = 0
  #syncing = 0
  readonly #segments: Segment[]
  /** The last entry appended and the newest hard state, for the head of the next segment. */
  #lastIndex: LogIndex
  #hardState: HardState
  /** Rough size of the last segment. */
  #bytes: number
  readonly #owner: TimerTarget
  readonly #segmentBytes: number
  readonly #decisions: EtcdDecisions

  /** `owner` gets `onTimer(WAL_SYNCED, write)`. A segment is full from `segmentBytes` on. */
  constructor(owner: TimerTarget, segmentBytes: number, end: WalEnd = EMPTY_WAL, decisions = ETCD_DECISIONS) {
    this.#owner = owner
    this.#segmentBytes = segmentBytes
    this.#decisions = decisions
    this.#segments = [...end.segments]
    this.#lastIndex = end.lastIndex
    this.#hardState = end.hardState
    this.#bytes = end.bytes
  }

  /** A sync is under way: what is appended now waits for the next one. */
  get busy(): boolean {
    return this.#syncing > 0
  }

  /** Appends one write. False when the disk is full: nothing more may be promised then. */
  append(write: number, hardState: HardState, entries: readonly Entry[], restoredIndex: LogIndex, out: Out): boolean {
    if (write <= this.#appended) invariant(false, 'etcd: writes are numbered upwards', { write })
    const isFull = this.#bytes >= this.#segmentBytes && this.#syncing === 0
    if ((this.#segments.length === 0 || isFull) && !this.#cut(out)) return false
    const { file } = this.#segments[this.#segments.length - 1] as Segment
    const record: WalWrite = { kind: 'write', hardState, entries, restoredIndex }
    let bytes = 32
    for (let i = 0; i < entries.length; i++) bytes += 16 + (entries[i] as Entry).bytes
    if (out.disk.append(file, record, bytes) === 'full') return false
    this.#bytes += bytes
    this.#hardState = hardState
    if (entries.length > 0) this.#lastIndex = (entries[entries.length - 1] as Entry).index
    else if (restoredIndex > 0) this.#lastIndex = restoredIndex
    this.#appended = write
    if (this.#syncing === 0) this.#sync(out)
    return true
  }

  /** The sync for `write` has ended; the next one begins if anything was appended meanwhile. */
  synced(write: number, out: Out): void {
    if (write !== this.#syncing) invariant(false, 'etcd: syncs end in order', { write, syncing: this.#syncing })
    this.#syncing = 0
    if (this.#appended > write) this.#sync(out)
  }

  /** Deletes segments that only hold entries up to `index`. The last one always stays: it has term and vote. */
  release(index: LogIndex, out: Out): void {
    while (this.#segments.length > 1 && (this.#segments[1] as Segment).firstIndex <= index + 1) {
      out.disk.remove((this.#segments.shift() as Segment).file)
    }
  }

  /** Begins a segment. Its head is there wholly or not at all, since the file gets its name only then. */
  #cut(out: Out): boolean {
    const last = this.#segments[this.#segments.length - 1]
    const sequence = last === undefined ? 0 : last.sequence + 1
    const firstIndex = this.#lastIndex + 1
    const file = sequence === 0 ? FIRST_FILE : `${FIRST_FILE}-${sequence}`
    const head: SegmentHead = { kind: 'head', sequence, firstIndex, hardState: this.#hardState }
    if (out.disk.replace(file, head, 64) === 'full') return false
    out.disk.layOut(file, WAL_LAYOUT)
    if (sequence > 0 && !this.#decisions.syncsFolderAfterRename()) out.disk.leaveNameUnsynced(file)
    this.#segments.push({ file, sequence, firstIndex })
    this.#bytes = 64
    return true
  }

  #sync(out: Out): void {
    this.#syncing = this.#appended
    const { file } = this.#segments[this.#segments.length - 1] as Segment
    out.disk.sync(file, this.#owner, WAL_SYNCED, this.#appended)
  }
}
