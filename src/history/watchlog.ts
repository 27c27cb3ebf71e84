/**
 * What the guarantees of watches are about: the events that truly happened, and what a watcher was shown. Models etcd's
 * WatchRequest and WatchResponse, v3.5; the same holds for a watch of the Kubernetes API, with resource versions.
 */

/** A write that took effect. The log has them in the order of revisions; those of one transaction share one. */
export interface LoggedEvent {
  readonly revision: number
  readonly key: string
  readonly type: 'put' | 'delete'
  /** Anything that tells puts of one key apart; not looked at for a deletion. */
  readonly value?: string | number
}

/** What one watch asks for. */
export interface WatchFilter {
  readonly key: string
  /** All keys up to, without, this one. Unset: the one key. */
  readonly rangeEnd?: string
  readonly noPut?: boolean
  readonly noDelete?: boolean
}

export type WatchResponse =
  /** `fragment`: more of the same list of events follows in the next response. */
  | { readonly type: 'events'; readonly events: readonly LoggedEvent[]; readonly fragment?: boolean }
  /** Also a bookmark: nothing is missing up to that revision. */
  | { readonly type: 'progress'; readonly revision: number }
  /** The watch was ended by the server. With `compactRevision`: because what it needs next is compacted. */
  | { readonly type: 'cancelled'; readonly compactRevision?: number }

/** One attempt: what a server sent until the connection broke, the watch was cancelled or the run ended. */
export interface WatchStream {
  /** The first revision wanted. */
  readonly startRevision: number
  readonly responses: readonly WatchResponse[]
}

/** A watch as its client saw it: the first stream, and those by which it was resumed. */
export interface WatchRecord {
  readonly watcher: string
  readonly filter: WatchFilter
  readonly streams: readonly WatchStream[]
}

export function matches({ key, rangeEnd, noPut, noDelete }: WatchFilter, event: LoggedEvent): boolean {
  if (event.type === 'put' ? noPut === true : noDelete === true) return false
  return rangeEnd === undefined ? event.key === key : event.key >= key && event.key < rangeEnd
}

export function describeEvent({ revision, key, type, value }: LoggedEvent): string {
  return `${type} ${key}${type === 'put' && value !== undefined ? `=${value}` : ''} at ${revision}`
}

export function sameEvent(a: LoggedEvent, b: LoggedEvent): boolean {
  return (
    a.revision === b.revision && a.key === b.key && a.type === b.type && (a.type === 'delete' || a.value === b.value)
  )
}
