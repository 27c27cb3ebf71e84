/** What Raft tells properties, the story and the trace. `member` is the member's name. */
import type { MembershipRefusal } from './membership.ts'
import type { LogIndex, MemberId, Membership, Role, Term } from './types.ts'

export interface RaftRoleFact {
  readonly type: 'raft-role'
  readonly member: string
  readonly id: MemberId
  readonly term: Term
  readonly role: Role
  /** The leader this member follows, 0 when it knows none. */
  readonly leader: MemberId
}

/** Noted when the answer leaves (or, for a candidate's vote for itself, when it counts), not when the mind is made up. */
export interface RaftVoteFact {
  readonly type: 'raft-vote-granted'
  readonly member: string
  readonly id: MemberId
  readonly term: Term
  readonly candidate: MemberId
  readonly durable: boolean
}

export interface RaftTruncatedFact {
  readonly type: 'raft-log-truncated'
  readonly member: string
  /** First index cut off. */
  readonly from: LogIndex
  readonly lastIndex: LogIndex
  readonly committedIndex: LogIndex
}

export interface RaftSnapshotFact {
  readonly type: 'raft-snapshot-installed'
  readonly member: string
  readonly index: LogIndex
  readonly term: Term
}

export interface RaftMembershipFact {
  readonly type: 'raft-membership-changed'
  readonly member: string
  readonly id: MemberId
  readonly index: LogIndex
  readonly membership: Membership
}

/** A leader made an empty entry of a change, or every member found at its turn that it cannot be made. */
export interface RaftChangeRefusedFact {
  readonly type: 'raft-change-refused'
  readonly member: string
  readonly reason: MembershipRefusal
}

export type RaftFact =
  | RaftRoleFact
  | RaftVoteFact
  | RaftTruncatedFact
  | RaftSnapshotFact
  | RaftMembershipFact
  | RaftChangeRefusedFact
