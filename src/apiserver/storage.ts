/**
 * What an API server asks of etcd, as data that its calls yield, and the way back to the call. Models apiserver pkg/storage/etcd3, v1.33.
 */
import type { Message, Out, ProcessId } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'
import type { Resource } from '../objects/index.ts'

/** A key with its value at its last write. */
export interface StoredValue {
  readonly key: string
  readonly value: unknown
  readonly modRevision: number
  readonly version: number
}

export interface RangeRequest {
  readonly key: string
  /** All keys from `key` up to, without, this one. Unset: the one key. */
  readonly rangeEnd?: string
  /** The state as of this revision. Unset: now. */
  readonly revision?: number
  readonly limit?: number
}

export interface RangeReply {
  readonly values: readonly StoredValue[]
  /** etcd's revision when it answered. */
  readonly revision: number
  readonly more: boolean
  /** Keys in the range, whatever the limit. */
  readonly count: number
}

/** Holds when the key's last write has that revision; 0: there is no such key. */
export interface Unchanged {
  readonly key: string
  readonly modRevision: number
}

export type StorageWrite =
  | { readonly type: 'put'; readonly key: string; readonly value: unknown }
  | { readonly type: 'delete'; readonly key: string }

export interface TxnRequest {
  readonly compare: readonly Unchanged[]
  readonly writes: readonly StorageWrite[]
  /** Keys whose values come back when a comparison fails. */
  readonly otherwiseRead: readonly string[]
}

export interface TxnReply {
  readonly succeeded: boolean
  readonly revision: number
  /** One for each of `otherwiseRead`, undefined where there is no such key; empty on success. */
  readonly found: readonly (StoredValue | undefined)[]
}

/** What a call may wait for. */
export type StorageOp =
  | { readonly op: 'range'; readonly request: RangeRequest }
  | { readonly op: 'txn'; readonly request: TxnRequest }
  | { readonly op: 'compact'; readonly revision: number }
  /** Until the cache of a resource is ready and at least at a revision. Gives false when it took too long. */
  | { readonly op: 'fresh'; readonly resource: Resource; readonly revision: number }
  | { readonly op: 'sleep'; readonly micros: Micros }

/** A call as a script: what it yields is done, the result is sent back in. */
export type Steps<T> = Generator<StorageOp, T, unknown>

/** Why etcd gave no result. `compacted` and `future-revision` come back into the script; the rest ends the call. */
export type StorageError = 'compacted' | 'future-revision' | 'unavailable' | 'no-space'

/** A range at a revision that is not there any more, or not there yet. */
export interface RevisionGone {
  readonly error: 'compacted' | 'future-revision'
}

export interface StorageReceiver {
  onStorageReply(tag: number, reply: RangeReply | TxnReply | undefined, error: StorageError | undefined, out: Out): void
}

/** One key's change, as the etcd watch of a cache delivers it. */
export interface StorageEvent {
  readonly type: 'put' | 'delete'
  readonly kv: StoredValue
}

export interface StorageWatchReceiver {
  /** Events in order, complete up to and including `revision`. None at all: only progress. */
  onStorageEvents(events: readonly StorageEvent[], revision: number, out: Out): void
  /** The watch has ended and will not go on: list again. */
  onStorageBroken(out: Out): void
}

/** etcd as this server sees it. In a trial the etcd client stands behind it, in table tests a map. */
export interface Storage {
  range(request: RangeRequest, receiver: StorageReceiver, tag: number, out: Out): void
  txn(request: TxnRequest, receiver: StorageReceiver, tag: number, out: Out): void
  /** Answers with neither reply nor error when done. */
  compact(revision: number, receiver: StorageReceiver, tag: number, out: Out): void
  /** Watches all keys with the prefix from `startRevision` on. Gives a number above 0 to stop it by. */
  watch(prefix: string, startRevision: number, receiver: StorageWatchReceiver, out: Out): number
  stopWatch(watch: number, out: Out): void
  /** Asks for news of how far the watches are, events or not. */
  requestProgress(out: Out): void
}

/** Storage behind messages: what the server passes on to it. */
export interface StorageConnection extends Storage {
  start(out: Out): void
  /** True when the message was for it. */
  onMessage(from: ProcessId, message: Message, out: Out): boolean
  onDisconnect(peer: ProcessId, out: Out): void
}

export function* range(request: RangeRequest): Steps<RangeReply> {
  return (yield { op: 'range', request }) as RangeReply
}

/** A range at a revision of the past. */
export function* rangeAt(request: RangeRequest): Steps<RangeReply | RevisionGone> {
  return (yield { op: 'range', request }) as RangeReply | RevisionGone
}

export function* txn(request: TxnRequest): Steps<TxnReply> {
  return (yield { op: 'txn', request }) as TxnReply
}

/** True once the cache is at `revision`; false when it did not get there in time. */
export function* fresh(resource: Resource, revision: number): Steps<boolean> {
  return (yield { op: 'fresh', resource, revision }) as boolean
}

/** The end of the range of all keys that start with `prefix` (whose last character is not the last there is). */
export function prefixEnd(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}
