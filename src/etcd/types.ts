/**
 * The nouns of etcd's key space. Models etcd's mvccpb, v3.5. Values are objects that nobody encodes: they are frozen by
 * whoever made them and shared by all members; `bytes` says how large they would be.
 */

/** The number of a write transaction on the whole store. An empty store is at revision 1; the first write makes 2. */
export type Revision = number

/** A lease's number, above 0. */
export type LeaseId = number

export type AlarmKind = 'no-space' | 'corrupt'

/** Raised by or for one member; as long as any is raised, all members refuse what the kind forbids. */
export interface Alarm {
  readonly member: number
  readonly kind: AlarmKind
}

/** A key as of one of its revisions. */
export interface KeyValue {
  readonly key: string
  readonly value: unknown
  /** Size of key and value. */
  readonly bytes: number
  /** Revision of the put that created this life of the key. */
  readonly createRevision: Revision
  readonly modRevision: Revision
  /** Puts since it was created, that one included; 0 in a deletion. */
  readonly version: number
  /** The lease that it dies with, or 0. */
  readonly lease: LeaseId
}

/** One write of one key: a put is the key's new state itself, a deletion has only the key and its revision. */
export interface StoreEvent extends KeyValue {
  readonly type: 'put' | 'delete'
}

/** An event as a watcher gets it. */
export interface WatchEvent {
  readonly type: 'put' | 'delete'
  readonly kv: KeyValue
  /** The state before the event; only when asked for, and when it is not compacted. */
  readonly previous: KeyValue | undefined
}

/** The end of a range that means every key from the first on. */
export const FROM_KEY = '\0'

/** The end of the range of all keys that start with `prefix`. */
export function prefixEnd(prefix: string): string {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const code = prefix.charCodeAt(at)
    if (code < 0xffff) return prefix.slice(0, at) + String.fromCharCode(code + 1)
  }
  return FROM_KEY
}

/** Is `key` the one key, or in the range from `start` up to, without, `rangeEnd`? */
export function inRange(key: string, start: string, rangeEnd: string | undefined): boolean {
  if (rangeEnd === undefined) return key === start
  return key >= start && (rangeEnd === FROM_KEY || key < rangeEnd)
}
