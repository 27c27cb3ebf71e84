/**
 * What Raft members say to each other. Models etcd-io/raft's message types; names are ours. Messages are datagrams: they
 * may be lost, doubled or overtaken, and Raft is right nevertheless. None is touched again once sent, so one heartbeat
 * object serves many beats.
 */
import type { Entry, LogIndex, MemberId, Snapshot, Term } from './types.ts'

export interface VoteRequest {
  readonly type: 'raft-vote-request'
  readonly from: MemberId
  /** The term campaigned for; a pre-vote asks for the term after the sender's own. */
  readonly term: Term
  readonly preVote: boolean
  readonly lastIndex: LogIndex
  readonly lastTerm: Term
  /** The campaign was ordered by the leader, so its lease does not matter. */
  readonly transfer: boolean
}

export interface VoteReply {
  readonly type: 'raft-vote-reply'
  readonly from: MemberId
  /** The term granted; a refusal carries the voter's own term. */
  readonly term: Term
  readonly preVote: boolean
  readonly granted: boolean
}

export interface Append {
  readonly type: 'raft-append'
  readonly from: MemberId
  readonly term: Term
  readonly previousIndex: LogIndex
  readonly previousTerm: Term
  readonly entries: readonly Entry[]
  readonly commit: LogIndex
  /** Only tells a follower that holds everything that the commit index rose: no answer unless it is refused. */
  readonly quiet: boolean
}

export interface AppendReply {
  readonly type: 'raft-append-reply'
  readonly from: MemberId
  readonly term: Term
  readonly accepted: boolean
  /** Accepted: the follower's log equals the leader's up to here, durably. Refused: the previous index it did not have. */
  readonly index: LogIndex
  /** Refused: the last index that may still agree, and its term there. */
  readonly hintIndex: LogIndex
  readonly hintTerm: Term
}

export interface Heartbeat {
  readonly type: 'raft-heartbeat'
  readonly from: MemberId
  readonly term: Term
  readonly commit: LogIndex
  /** The number of the newest read or lease that waits for a quorum, or 0. */
  readonly read: number
}

export interface HeartbeatReply {
  readonly type: 'raft-heartbeat-reply'
  readonly from: MemberId
  readonly term: Term
  readonly read: number
}

export interface InstallSnapshot {
  readonly type: 'raft-snapshot'
  readonly from: MemberId
  readonly term: Term
  readonly snapshot: Snapshot
}

/** A proposal that a follower hands on to the leader. */
export interface Propose {
  readonly type: 'raft-propose'
  readonly from: MemberId
  readonly proposals: readonly Proposal[]
}

export interface Proposal {
  readonly data: unknown
  readonly bytes: number
}

/** A follower asks for an index at which a local read is linearizable. */
export interface ReadIndexRequest {
  readonly type: 'raft-read-request'
  readonly from: MemberId
  readonly context: number
}

export interface ReadIndexReply {
  readonly type: 'raft-read-reply'
  readonly from: MemberId
  readonly context: number
  readonly index: LogIndex
}

/** The leader tells its chosen successor to campaign at once. */
export interface TimeoutNow {
  readonly type: 'raft-timeout-now'
  readonly from: MemberId
  readonly term: Term
}

/** A follower hands on the order to make `transferee` the leader. */
export interface TransferRequest {
  readonly type: 'raft-transfer-request'
  readonly from: MemberId
  readonly transferee: MemberId
}

export type RaftMessage =
  | VoteRequest
  | VoteReply
  | Append
  | AppendReply
  | Heartbeat
  | HeartbeatReply
  | InstallSnapshot
  | Propose
  | ReadIndexRequest
  | ReadIndexReply
  | TimeoutNow
  | TransferRequest

/** Rough size of a message on the wire. */
export function messageBytes(message: RaftMessage): number {
  switch (message.type) {
    case 'raft-append':
      return 64 + bytesOf(message.entries)
    case 'raft-snapshot':
      return 128 + message.snapshot.bytes
    case 'raft-propose':
      return 64 + bytesOf(message.proposals)
    default:
      return 64
  }
}

/** By index: an iterator would be made for every message. */
export function bytesOf(list: readonly { readonly bytes: number }[]): number {
  let bytes = 0
  for (let i = 0; i < list.length; i++) bytes += (list[i] as { readonly bytes: number }).bytes
  return bytes
}
