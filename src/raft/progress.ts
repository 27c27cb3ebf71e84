/**
 * What a leader knows of one follower, and whether it may send more. Models etcd-io/raft's tracker.Progress and Inflights.
 * Probe: one append at a time until the logs are known to meet. Replicate: appends go out optimistically, as many as the
 * window allows. Snapshot: nothing until the follower answers. Nothing is sent from here.
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
  /** Probe: an append is under way and nothing is sent until an answer or a heartbeat's answer comes. */
  probing = false
  /** Snapshot: the index of the one under way. */
  pendingSnapshot: LogIndex = 0
  /** Heartbeat answers since the snapshot was sent. */
  snapshotBeats = 0
  /** Heard from since the leader last counted. */
  active = false
  /** The newest read that this follower confirmed. */
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
    if (this.state === 'replicate') return this.full
    return this.state === 'snapshot' || this.probing
  }

  /** An append with `count` entries up to `last` has left; `bytes` only matter where they are limited. */
  sent(count: number, last: LogIndex, bytes = 0): void {
    if (count === 0) return
    if (this.state === 'replicate') {
      this.next = last + 1
      // Mostly nothing else is under way, and an array that was emptied has no room left.
      if (this.#inflight.length === 0) this.#inflight = [last]
      else this.#inflight.push(last)
      if (!this.countsBytes) return
      this.#inflightBytes.push(bytes)
      this.#bytes += bytes
    } else this.probing = true
  }

  /** The follower holds everything up to `index`. True if that is news. */
  acknowledged(index: LogIndex): boolean {
    if (this.next <= index) this.next = index + 1
    if (index <= this.match) return false
    this.match = index
    this.probing = false
    return true
  }

  /** Appends up to `index` have arrived. */
  freeTo(index: LogIndex): void {
    while (this.#inflight.length > 0 && (this.#inflight[0] as LogIndex) <= index) this.freeFirst()
  }

  /** One place in a full window, so that a lost append cannot block it for ever. */
  freeFirst(): void {
    this.#inflight.shift()
    if (this.countsBytes) this.#bytes -= this.#inflightBytes.shift() ?? 0
  }

  /** The follower refused what followed `rejected`; its log may meet ours at `hint`. False for an outdated refusal. */
  refused(rejected: LogIndex, hint: LogIndex): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false
      this.next = this.match + 1
      return true
    }
    if (this.next - 1 !== rejected) return false
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1)
    this.probing = false
    return true
  }

  becomeProbe(): void {
    const pending = this.state === 'snapshot' ? this.pendingSnapshot : 0
    this.#reset('probe')
    this.next = Math.max(this.match + 1, pending + 1)
  }

  becomeReplicate(): void {
    this.#reset('replicate')
    this.next = this.match + 1
  }

  becomeSnapshot(index: LogIndex): void {
    this.#reset('snapshot')
    this.pendingSnapshot = index
    this.snapshotBeats = 0
  }

  /** Gives a snapshot up: its place is probed again from what is known. */
  abandonSnapshot(): void {
    this.#reset('probe')
    this.next = this.match + 1
  }

  clone(): Progress {
    const copy = new Progress(this.next, this.#maxInflight, this.#maxBytes)
    copy.state = this.state
    copy.match = this.match
    copy.probing = this.probing
    copy.pendingSnapshot = this.pendingSnapshot
    copy.snapshotBeats = this.snapshotBeats
    copy.active = this.active
    copy.readAcknowledged = this.readAcknowledged
    for (const index of this.#inflight) copy.#inflight.push(index)
    for (const bytes of this.#inflightBytes) copy.#inflightBytes.push(bytes)
    copy.#bytes = this.#bytes
    return copy
  }

  #reset(state: ProgressState): void {
    invariant(this.next > this.match, 'raft: what a follower holds is not sent again', { next: this.next })
    this.state = state
    this.probing = false
    this.pendingSnapshot = 0
    this.#inflight.length = 0
    this.#inflightBytes.length = 0
    this.#bytes = 0
  }
}
