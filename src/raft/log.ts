/**
 * One member's log: a compacted prefix that a snapshot stands for, then entries without gaps. Models etcd-io/raft's
 * raftLog and MemoryStorage. It knows nothing of leaders and does no writing; `durable` is what the disk confirmed.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Entry, LogIndex, Snapshot, Term } from './types.ts'

const NO_ENTRIES: readonly Entry[] = Object.freeze([])

export class RaftLog {
  /** Entries `compacted + 1` to `last`. */
  #entries: Entry[]
  /** Last index that is gone from the log. */
  compacted: LogIndex
  compactedTerm: Term
  /** The newest snapshot, for followers that need what was compacted. Its index is at least `compacted`. */
  snapshot: Snapshot | undefined
  /** Entries up to here are on this member's disk. */
  durable: LogIndex
  /** The slice handed out last: followers are mostly sent the same one. */
  #slice: readonly Entry[] = NO_ENTRIES

  constructor(snapshot: Snapshot | undefined, entries: readonly Entry[]) {
    this.snapshot = snapshot
    this.compacted = snapshot?.index ?? 0
    this.compactedTerm = snapshot?.term ?? 0
    this.#entries = entries.slice()
    this.durable = this.last
    for (let i = 0; i < entries.length; i++) {
      invariant(entries[i]?.index === this.compacted + 1 + i, 'raft: a log has no gaps', { at: i })
    }
  }

  get last(): LogIndex {
    return this.compacted + this.#entries.length
  }

  get lastTerm(): Term {
    const length = this.#entries.length
    return length === 0 ? this.compactedTerm : (this.#entries[length - 1] as Entry).term
  }

  /** The term of the entry at `index`, or -1 when it was compacted or is not there yet. */
  termAt(index: LogIndex): Term {
    if (index === this.compacted) return this.compactedTerm
    const entry = this.#entries[index - this.compacted - 1]
    return entry === undefined ? -1 : entry.term
  }

  entryAt(index: LogIndex): Entry | undefined {
    return this.#entries[index - this.compacted - 1]
  }

  /** Is a log that ends with this term and index at least as new as this one? (Raft paper 5.4.1) */
  isUpToDate(lastIndex: LogIndex, lastTerm: Term): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.last)
  }

  /** Adds one entry at the end. */
  append(entry: Entry): void {
    if (entry.index !== this.last + 1) invariant(false, 'raft: an entry follows the last one', { index: entry.index })
    if (entry.term < this.lastTerm) invariant(false, 'raft: terms never go down along a log', { index: entry.index })
    this.#entries.push(entry)
  }

  /** Drops the entries from `from` on. */
  truncate(from: LogIndex): void {
    invariant(from > this.compacted, 'raft: what a snapshot covers is never cut', { from })
    this.#entries.length = Math.max(0, from - this.compacted - 1)
    this.#slice = NO_ENTRIES
    if (this.durable >= from) this.durable = from - 1
  }

  /** The first index at which an incoming entry has another term than the one held, or 0. */
  firstConflict(entries: readonly Entry[]): LogIndex {
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Entry
      const term = this.termAt(entry.index)
      if (term === -1) {
        if (entry.index > this.last) return 0
      } else if (term !== entry.term) return entry.index
    }
    return 0
  }

  /**
   * The largest index up to `index` whose term is at most `term`: the last place where a log that has `term` at `index`
   * may agree with this one. Stops at the compacted prefix.
   */
  lastNotAbove(index: LogIndex, term: Term): LogIndex {
    let at = Math.min(index, this.last)
    while (at > this.compacted && this.termAt(at) > term) at--
    return at
  }

  /** Entries from `from` on, at most `maxBytes` of them but at least one; shared with the last caller who asked the same. */
  slice(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] {
    if (from <= this.compacted) invariant(false, 'raft: compacted entries cannot be read', { from })
    const first = from - this.compacted - 1
    const end = Math.min(to, this.last) - this.compacted
    if (first >= end) return NO_ENTRIES
    let bytes = 0
    let stop = first
    while (stop < end) {
      bytes += (this.#entries[stop] as Entry).bytes
      if (bytes > maxBytes && stop > first) break
      stop++
    }
    const held = this.#slice
    if (held.length === stop - first && held[0] === this.#entries[first]) return held
    this.#slice = this.#entries.slice(first, stop)
    return this.#slice
  }

  /** Forgets the entries up to `index` now that `snapshot`, at or beyond it, stands for them. */
  compact(index: LogIndex, snapshot: Snapshot): void {
    invariant(index <= snapshot.index, 'raft: only what a snapshot covers is compacted', { index })
    invariant(snapshot.index <= this.last, 'raft: a snapshot of this log ends within it', { index: snapshot.index })
    this.snapshot = snapshot
    if (index <= this.compacted) return
    const term = this.termAt(index)
    this.#entries.splice(0, index - this.compacted)
    this.compacted = index
    this.compactedTerm = term
    this.#slice = NO_ENTRIES
  }

  /** Replaces everything by a snapshot from the leader. */
  restore(snapshot: Snapshot): void {
    this.snapshot = snapshot
    this.#entries = []
    this.#slice = NO_ENTRIES
    this.compacted = snapshot.index
    this.compactedTerm = snapshot.term
    this.durable = snapshot.index
  }

  /** An equal log that shares the entries and nothing else. */
  clone(): RaftLog {
    const copy = new RaftLog(undefined, [])
    copy.#entries = this.#entries.slice()
    copy.compacted = this.compacted
    copy.compactedTerm = this.compactedTerm
    copy.snapshot = this.snapshot
    copy.durable = this.durable
    return copy
  }
}
