/**
 * What a leader knows of one follower, and whether it may send more. Models etcd-io/raft's tracker.Progress and Inflights.
 * Probe: one append at a time until the logs are known to meet. Replicate: appends go out optimistically, as many as the
 * window allows; one that fills it is a probe too, and a heartbeat's answer lets one more through. Snapshot: nothing until
 * the follower answers or the transport reports. Nothing is sent from here.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Heartbeat } from './messages.ts'
import type { LogIndex } from './types.ts'

export type ProgressState = 'probe' | 'replicate' | 'snapshot'

export class Progress {
  state: ProgressState = 'probe'
  /** The follower durably holds the leader's log up to here. */
  match: LogIndex = 0
  /** The next entry to send. */
  next: LogIndex
  /** The highest commit index that this follower was told, and would hear of if nothing is lost. */
  sentCommit: LogIndex = 0
  /** A probe is under way or the window is full: nothing is sent until an answer or a heartbeat's answer comes. */
  flowPaused = false
  /** Snapshot: the index of the one under way. */
  pendingSnapshot: LogIndex = 0
  /** Heard from since the leader last counted. */
  active = false
  /** The newest read or lease that this follower confirmed. */
  readAcknowledged = 0
  /** The heartbeat sent last, sent again while it still says the truth. */
  heartbeat: Heartbeat | undefined
  /** The last index of each append under way, oldest first. */
  #inflight: LogIndex[] = []
  /** Their bytes; kept only where there is a limit. */
  readonly #inflightBytes: number[] = []
  #bytes = 0
  readonly #maxInflight: number
  readonly #maxBytes: number
  /** Does the window count bytes too? */
  readonly countsBytes: boolean

  constructor(next: LogIndex, maxInflight: number, maxBytes = Number.POSITIVE_INFINITY) {
    this.next = next
    this.#maxInflight = maxInflight
    this.#maxBytes = maxBytes
    this.countsBytes = maxBytes !== Number.POSITIVE_INFINITY
  }

  get inflight(): number {
    return this.#inflight.length
  }

  get full(): boolean {
    return this.#inflight.length >= this.#maxInflight || (this.countsBytes && this.#bytes >= this.#maxBytes)
  }

  /** The last indexes of the appends under way, oldest first. */
  get window(): readonly LogIndex[] {
    return this.#inflight
  }

  /** Nothing may be sent now. */
  get paused(): boolean {
    return this.flowPaused || this.state === 'snapshot'
  }

  /** An append with `count` entries up to `last` has left; `bytes` only matter where they are limited. */
  sent(count: number, last: LogIndex, bytes = 0): void {
    if (this.state !== 'replicate') {
      if (count > 0) this.flowPaused = true
      return
    }
    if (count > 0) this.#enters(last, bytes)
    this.flowPaused = this.full
  }

  /** Could the follower commit more than it was told, of what is on its way to it? */
  canRaiseCommit(commit: LogIndex): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1
  }

  /** The follower holds everything up to `index`. True if that is news. */
  acknowledged(index: LogIndex): boolean {
    if (this.next <= index) this.next = index + 1
    if (index <= this.match) return false
    this.match = index
    this.flowPaused = false
    return true
  }

  /** Appends up to `index` have arrived. */
  freeTo(index: LogIndex): void {
    while (this.#inflight.length > 0 && (this.#inflight[0] as LogIndex) <= index) {
      this.#inflight.shift()
      if (this.countsBytes) this.#bytes -= this.#inflightBytes.shift() ?? 0
    }
  }

  /** The follower refused what followed `rejected`; its log may meet ours at `hint`. False for an outdated refusal. */
  refused(rejected: LogIndex, hint: LogIndex): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false
      this.#setNext(this.match + 1)
      return true
    }
    if (this.next - 1 !== rejected) return false
    this.#setNext(Math.max(Math.min(rejected, hint + 1), this.match + 1))
    this.flowPaused = false
    return true
  }

  becomeProbe(): void {
    const pending = this.state === 'snapshot' ? this.pendingSnapshot : 0
    this.#reset('probe')
    this.#setNext(Math.max(this.match + 1, pending + 1))
  }

  becomeReplicate(): void {
    this.#reset('replicate')
    this.next = this.match + 1
  }

  becomeSnapshot(index: LogIndex): void {
    this.#reset('snapshot')
    this.pendingSnapshot = index
    this.next = index + 1
    this.sentCommit = index
  }

  /** Gives a snapshot up: its place is probed again from what is known. */
  abandonSnapshot(): void {
    this.#reset('probe')
    this.#setNext(this.match + 1)
  }

  clone(): Progress {
    const copy = new Progress(this.next, this.#maxInflight, this.#maxBytes)
    copy.state = this.state
    copy.match = this.match
    copy.sentCommit = this.sentCommit
    copy.flowPaused = this.flowPaused
    copy.pendingSnapshot = this.pendingSnapshot
    copy.active = this.active
    copy.readAcknowledged = this.readAcknowledged
    for (const index of this.#inflight) copy.#inflight.push(index)
    for (const bytes of this.#inflightBytes) copy.#inflightBytes.push(bytes)
    copy.#bytes = this.#bytes
    return copy
  }

  #enters(last: LogIndex, bytes: number): void {
    this.next = last + 1
    // Mostly nothing else is under way, and an array that was emptied has no room left.
    if (this.#inflight.length === 0) this.#inflight = [last]
    else this.#inflight.push(last)
    if (!this.countsBytes) return
    this.#inflightBytes.push(bytes)
    this.#bytes += bytes
  }

  /** Goes back, perhaps: what is not sent any more tells nobody a commit index. */
  #setNext(next: LogIndex): void {
    this.next = next
    if (this.sentCommit >= next) this.sentCommit = next - 1
  }

  #reset(state: ProgressState): void {
    if (this.next <= this.match) invariant(false, 'raft: what a follower holds is not sent again', { next: this.next })
    this.state = state
    this.flowPaused = false
    this.pendingSnapshot = 0
    this.#inflight.length = 0
    this.#inflightBytes.length = 0
    this.#bytes = 0
  }
}
