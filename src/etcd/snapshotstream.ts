/**
 * Snapshots on their way from one member to another. Models rafthttp's snapshotSender and snapshotHandler, v3.5: the body
 * travels over a connection piece by piece, so it takes its time on a thin link and can be cut in the middle; the receiver
 * hands the whole to Raft and answers then; the sender reports to Raft what became of it. What has arrived of a broken
 * transfer is thrown away, and the next one begins anew. Simplified: one connection carries this and forwarded requests,
 * and pieces are acknowledged by messages, where TCP would by segments.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, ProcessId, Timer, TimerTarget } from '../kernel/machine.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import type { MemberId, RaftMessage } from '../raft/index.ts'

type InstallSnapshot = Extract<RaftMessage, { type: 'raft-snapshot' }>

/** A piece of a snapshot. The last one completes it. */
export interface SnapshotPiece {
  readonly type: 'etcd-snapshot-piece'
  readonly from: MemberId
  /** The sender's number for the transfer. */
  readonly transfer: number
  readonly at: number
  readonly of: number
  /** What the pieces together are; only looked at when all are there. */
  readonly whole: InstallSnapshot
}

/** So many pieces have arrived; with the last one Raft has the snapshot. */
export interface SnapshotPieceReceived {
  readonly type: 'etcd-snapshot-piece-received'
  readonly from: MemberId
  readonly transfer: number
  readonly pieces: number
}

export type SnapshotMessage = SnapshotPiece | SnapshotPieceReceived

/** Pieces that are under way before the first of them is acknowledged. */
const WINDOW = 4
/** Without any progress for so long a transfer has failed: rafthttp's read and write time-outs. */
const STALL: Micros = 5 * SECOND
/** After a transfer the log is kept for so long, so that its receiver needs no other one: etcd's releaseDelayAfterSnapshot. */
const RELEASE_DELAY: Micros = 30 * SECOND
const RECEIVED_BYTES = 64

interface Transfer {
  readonly number: number
  readonly to: MemberId
  readonly process: ProcessId
  readonly whole: InstallSnapshot
  readonly pieces: number
  /** Bytes of the whole. */
  readonly bytes: number
  sent: number
  received: number
  timer: Timer
}

/** Told what became of a snapshot. */
export interface SnapshotReports {
  onSnapshotSent(to: MemberId, delivered: boolean, out: Out): void
}

export class SnapshotSender implements TimerTarget {
  readonly #pieceBytes: number
  readonly #reports: SnapshotReports
  readonly #transfers = new Map<MemberId, Transfer>()
  #number = 0
  #deliveredAt: Micros = -RELEASE_DELAY

  constructor(pieceBytes: number, reports: SnapshotReports) {
    invariant(pieceBytes > 0, 'etcd: pieces of a snapshot have a size', pieceBytes)
    this.#pieceBytes = pieceBytes
    this.#reports = reports
  }

  /** The log behind a snapshot that is on its way, or has just arrived, is still needed. */
  needsLog(now: Micros): boolean {
    return this.#transfers.size > 0 || now - this.#deliveredAt < RELEASE_DELAY
  }

  /** Begins a transfer of so many bytes, in place of another one to the same member. */
  send(to: MemberId, process: ProcessId, whole: InstallSnapshot, bytes: number, out: Out): void {
    const before = this.#transfers.get(to)
    if (before !== undefined) out.cancel(before.timer)
    const pieces = Math.max(1, Math.ceil(bytes / this.#pieceBytes))
    const number = ++this.#number
    const transfer: Transfer = { number, to, process, whole, pieces, bytes, sent: 0, received: 0, timer: 0 }
    this.#transfers.set(to, transfer)
    this.#goOn(transfer, out)
  }

  onReceived({ from, transfer: number, pieces }: SnapshotPieceReceived, out: Out): void {
    const transfer = this.#transfers.get(from)
    if (transfer === undefined || transfer.number !== number || pieces <= transfer.received) return
    transfer.received = pieces
    if (pieces < transfer.pieces) this.#goOn(transfer, out)
    else this.#end(transfer, true, out)
  }

  /** The connection to a process is gone, and with it what was under way. */
  onDisconnect(process: ProcessId, out: Out): void {
    for (const transfer of this.#transfers.values()) {
      if (transfer.process === process) this.#end(transfer, false, out)
    }
  }

  /** The next transfer begins on a connection of its own: TCP's pauses, which have grown long by now, are not for it. */
  onTimer(to: number, number: number, out: Out): void {
    const transfer = this.#transfers.get(to)
    if (transfer?.number !== number) return
    out.hangUp(transfer.process)
    this.#end(transfer, false, out)
  }

  stop(out: Out): void {
    for (const { timer } of this.#transfers.values()) out.cancel(timer)
    this.#transfers.clear()
  }

  #goOn(transfer: Transfer, out: Out): void {
    const { number, to, process, whole, pieces, bytes, received } = transfer
    out.cancel(transfer.timer)
    transfer.timer = out.after(STALL, this, to, number)
    for (; transfer.sent < Math.min(pieces, received + WINDOW); transfer.sent++) {
      const { from } = whole
      const piece: SnapshotPiece = {
        type: 'etcd-snapshot-piece',
        from,
        transfer: number,
        at: transfer.sent,
        of: pieces,
        whole,
      }
      const left = bytes - transfer.sent * this.#pieceBytes
      out.stream(process, piece, Math.min(left, this.#pieceBytes))
    }
  }

  #end(transfer: Transfer, delivered: boolean, out: Out): void {
    out.cancel(transfer.timer)
    this.#transfers.delete(transfer.to)
    if (delivered) this.#deliveredAt = out.now
    this.#reports.onSnapshotSent(transfer.to, delivered, out)
  }
}

/** What has arrived of each member's snapshot. */
export class SnapshotReceiver {
  readonly #partial = new Map<ProcessId, { readonly transfer: number; pieces: number }>()

  /** Takes a piece; `take` gets the whole when it was the last one. What does not follow is left over from a broken one. */
  receive(
    process: ProcessId,
    piece: SnapshotPiece,
    self: MemberId,
    take: (whole: InstallSnapshot) => void,
    out: Out,
  ): void {
    const { transfer, at, of, whole } = piece
    if (at === 0) this.#partial.set(process, { transfer, pieces: 0 })
    const partial = this.#partial.get(process)
    if (partial === undefined || partial.transfer !== transfer || partial.pieces !== at) return
    partial.pieces++
    if (partial.pieces === of) {
      this.#partial.delete(process)
      take(whole)
    }
    const received: SnapshotPieceReceived = {
      type: 'etcd-snapshot-piece-received',
      from: self,
      transfer,
      pieces: at + 1,
    }
    out.stream(process, received, RECEIVED_BYTES)
  }

  onDisconnect(process: ProcessId): void {
    this.#partial.delete(process)
  }
}
