/**
 * The nouns of Raft: members, terms, entries, snapshots, hard state, roles. Models etcd-io/raft's raftpb and the Raft
 * thesis, chapter 3. Data only; entries and snapshots are never changed once made and are shared by all members.
 */

/** A member of the cluster: 1, 2, 3 ... in the order of the membership. 0 means nobody. */
export type MemberId = number

/** An election's number; 0 before the first one. */
export type Term = number

/** A position in the log; the first entry has index 1. 0 means before everything. */
export type LogIndex = number

export const NOBODY: MemberId = 0

/** One entry of the log. `data` is null for the empty entry that a new leader appends. */
export interface Entry {
  readonly index: LogIndex
  readonly term: Term
  readonly data: unknown
  /** Size on the wire and on disk, for links and disks with a bandwidth. */
  readonly bytes: number
}

/** The state machine's whole state as of `index`, standing for every entry up to it. */
export interface Snapshot {
  readonly index: LogIndex
  readonly term: Term
  readonly data: unknown
  readonly bytes: number
  /** Who belonged as of `index`; absent where the membership never changed. */
  readonly membership?: Membership
}

/** What must be durable besides entries. `commit` is only a hint that saves work after a restart. */
export interface HardState {
  readonly term: Term
  readonly vote: MemberId
  readonly commit: LogIndex
}

export interface Membership {
  readonly voters: readonly MemberId[]
  /** While a joint change is under way: the voters from before it, whose majority is needed too. Empty otherwise. */
  readonly outgoing: readonly MemberId[]
  /** They get the log and count for nothing. */
  readonly learners: readonly MemberId[]
  /** Outgoing voters that become learners when the joint change ends. */
  readonly learnersNext: readonly MemberId[]
  /** The leader ends the joint change by itself as soon as it is applied. */
  readonly autoLeave: boolean
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'
