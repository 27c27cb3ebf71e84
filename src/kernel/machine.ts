/**
 * What a machine is, and what it may ask of the world. A machine is plain data with three entrances (start, message,
 * timer); it changes nothing but its own state and hands everything else to `Out`. It does not know that there is a
 * network, a disk or a crash: the kernel (in a trial) or a recording double (in a table test) stands behind `Out`.
 */
import type { Micros } from './time.ts'

/** A process known to the kernel: a small integer, never reused within a trial. */
export type ProcessId = number

/** A pending timer. 0 is never a live timer, so a field may start as 0 and be cancelled without a check. */
export type Timer = number

/** What travels between processes. Machines narrow on `type`; the object is frozen or never touched again once sent. */
export interface Message {
  readonly type: string
}

/** Something that happened and that a property, the story or the trace may care about. Facts are plain frozen data. */
export interface Fact {
  readonly type: string
}

/** Anything a timer can wake: a machine, or a part of one. `kind` and `a` are the two numbers given to `after`. */
export interface TimerTarget {
  onTimer(kind: number, a: number, out: Out): void
}

/** A record read back. A torn or corrupt record's value must not be trusted: its checksum does not match. */
export interface DiskRecord {
  readonly value: unknown
  readonly state: 'ok' | 'torn' | 'corrupt'
}

/** Records as they lie on the disk: their bytes, one after the other, and where each ends. */
export interface Encoded {
  readonly bytes: Uint8Array
  readonly ends: readonly number[]
}

/** How a file's records become bytes. Asked only where a fault touches bytes, since that is all that bytes decide. */
export interface Layout {
  encode(values: readonly unknown[]): Encoded
}

/** The answer to a write: `full` means nothing was written (ENOSPC). */
export type DiskResult = 'ok' | 'full'

/**
 * A process's directory on its host's disk: files of records, with explicit fsync. What was appended but not synced may
 * be lost or torn at a crash; what was synced stays, unless a corruption fault says otherwise. The device is in `device.ts`.
 */
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
  /** From now on faults damage the bytes of the file, not whole records: the reader finds out by `damaged` what is left. */
  layOut(file: string, layout: Layout): void
  /** The bytes of a file with a layout that a fault has touched; undefined when all records are as they were written. */
  damaged(file: string): Uint8Array | undefined
  /** Names of the files that there are, in the order in which they were made. */
  files(): readonly string[]
  /** Deletes a file, if it is there. */
  remove(file: string): void
  /**
   * The file got its name by a rename, and the folder is not synced, now or with any sync of the file: a loss of power may
   * take it away whole, until the system writes the folder back by itself.
   */
  leaveNameUnsynced(file: string): void
}

/** The world as one process sees it. Valid only during the call that it is passed to. */
export interface Out {
  /** The process itself. */
  readonly self: ProcessId
  /** The kernel's clock, microseconds since the trial began. Use it for durations. */
  readonly now: Micros
  /** The host's wall clock, Unix microseconds, with the host's skew. Use it only for stamps that others read. */
  readonly wall: Micros
  /** Wakes `target` after `delay` of this host's clock; never fires once the process has crashed or `cancel` was called. */
  after(delay: Micros, target: TimerTarget, kind: number, a?: number): Timer
  /** Forgets a timer. A timer that has fired, or 0, is ignored. */
  cancel(timer: Timer): void
  /**
   * Sends a datagram: may be lost, delayed, duplicated or overtaken, as the rules of the network say.
   * `bytes` matters only on links with a bandwidth.
   */
  send(to: ProcessId, message: Message, bytes?: number): void
  /**
   * Sends over the connection to `to` (dialled when there is none): in order, exactly once, or not at all when the
   * connection breaks; both ends then get `onDisconnect`.
   */
  stream(to: ProcessId, message: Message, bytes?: number): void
  /** Closes the connection to `to`, if any. What is under way in either direction is lost. The other end gets `onDisconnect`. */
  hangUp(to: ProcessId): void
  /** The disk of this process's host directory. It outlives the process. */
  readonly disk: Disk
  /** Publishes a fact to the trace and to whoever subscribed to its type. Cheap when nobody did. */
  note(fact: Fact): void
}

/** One process's program. A restart makes a new one; what must outlive a crash is on the disk. */
export interface Machine extends TimerTarget {
  /** The process has started (or started again). */
  onStart(out: Out): void
  onMessage(from: ProcessId, message: Message, out: Out): void
  /** The connection with `peer` is gone: refused, reset, hung up, or dead for too long. */
  onDisconnect(peer: ProcessId, out: Out): void
}
