/**
 * A process's directory on its host's disk: files of records, with explicit fsync. What was appended but not synced may
 * be lost or torn at a crash; what was synced stays, unless a corruption fault says otherwise.
 * This file holds the face that machines see; the device behind it is in `device.ts`.
 */
import type { TimerTarget } from './machine.ts'

/** A record read back. A torn or corrupt record's value must not be trusted: its checksum does not match. */
export interface DiskRecord {
  readonly value: unknown
  readonly state: 'ok' | 'torn' | 'corrupt'
}

/** The answer to a write: `full` means nothing was written (ENOSPC). */
export type DiskResult = 'ok' | 'full'

export interface Disk {
  /** Appends one record of `bytes` bytes. Not durable until a sync of the file has ended. */
  append(file: string, value: unknown, bytes: number): DiskResult
  /**
   * Makes everything written to `file` so far durable, then calls `target.onTimer(kind, a)`. Syncs of one process end in
   * the order they were asked for. `onTimer` is not called if the process crashes first.
   */
  sync(file: string, target: TimerTarget, kind: number, a?: number): void
  /** Replaces the whole file by one record, atomically at the next sync (write to a temporary, fsync, rename, fsync of the folder). */
  replace(file: string, value: unknown, bytes: number): DiskResult
  /** Drops the records from position `from` on. Durable with the next sync. */
  truncate(file: string, from: number): void
  /** Drops the first `count` records (a log's released segments). Durable with the next sync. */
  release(file: string, count: number): void
  /** What the file holds now (after a crash: what survived). An unknown file is empty. */
  read(file: string): readonly DiskRecord[]
}
