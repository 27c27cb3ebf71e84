/**
 * What a member saves besides its log: snapshot files and the backend. Models etcd's api/snap and server/storage/backend,
 * v3.5. A snapshot file has a checksum over its bytes; the newest and the one before it are kept, where etcd keeps five.
 */
import type { Out, TimerTarget } from '../kernel/machine.ts'
import type { LogIndex, Snapshot } from '../raft/index.ts'
import type { StateImage } from './apply.ts'
import { SNAPSHOT_LAYOUT } from './walrecords.ts'

const SNAPSHOT_PREFIX = 'snapshot-'
export const BACKEND_FILE = 'backend'
const SNAPSHOTS_KEPT = 2

/** Timer kinds that the owner gets from these files' syncs. */
export const SNAPSHOT_SYNCED = 102
export const BACKEND_SYNCED = 103

export interface BackendRecord {
  /** The state is that of this index. */
  readonly index: LogIndex
  readonly state: StateImage
}

export interface SnapshotFile {
  readonly file: string
  readonly index: LogIndex
}

export function isSnapshotFile(file: string): boolean {
  return file.startsWith(SNAPSHOT_PREFIX)
}

/** The snapshot files that are on the disk, newest first. */
export function snapshotFiles(out: Out): readonly SnapshotFile[] {
  const files = out.disk.files().filter(isSnapshotFile)
  const named = files.map((file) => ({ file, index: Number(file.slice(SNAPSHOT_PREFIX.length)) }))
  return named.filter(({ file }) => out.disk.read(file).length > 0).sort((x, y) => y.index - x.index)
}

/** Saves a snapshot; `owner` gets `onTimer(SNAPSHOT_SYNCED, index)`. False when the disk is full. */
export function saveSnapshot(snapshot: Snapshot, owner: TimerTarget, out: Out): boolean {
  const file = `${SNAPSHOT_PREFIX}${snapshot.index}`
  if (out.disk.replace(file, snapshot, snapshot.bytes) === 'full') return false
  out.disk.layOut(file, SNAPSHOT_LAYOUT)
  out.disk.sync(file, owner, SNAPSHOT_SYNCED, snapshot.index)
  return true
}

/** The snapshot of `index` is durable: older ones go. Gives the index from which on the log is still needed. */
export function dropOldSnapshots(index: LogIndex, out: Out): LogIndex {
  const files = snapshotFiles(out).filter((one) => one.index <= index)
  for (const { file } of files.slice(SNAPSHOTS_KEPT)) out.disk.remove(file)
  return files.length < SNAPSHOTS_KEPT ? 0 : (files[SNAPSHOTS_KEPT - 1] as SnapshotFile).index
}

/** Commits the backend; `owner` gets `onTimer(BACKEND_SYNCED, index)`. False when the disk is full. */
export function saveBackend(record: BackendRecord, owner: TimerTarget, out: Out): boolean {
  // Only changed pages are written, not the whole file; their size is of the order of what changed.
  if (out.disk.replace(BACKEND_FILE, record, 4096) === 'full') return false
  out.disk.sync(BACKEND_FILE, owner, BACKEND_SYNCED, record.index)
  return true
}
