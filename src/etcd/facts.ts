/** What etcd tells properties, the story and the trace; Raft's facts pass through it. `member` is the member's name. */
import type { Entry, RaftFact } from '../raft/index.ts'
import type { WatchId } from './messages.ts'
import type { LeaseId, Revision, StoreEvent } from './types.ts'

/** One write transaction took effect on one member. */
export interface EtcdApplied {
  readonly type: 'etcd-applied'
  readonly member: string
  readonly revision: Revision
  /** In the order of the operations. */
  readonly events: readonly StoreEvent[]
  /** The lease whose end this was, and with it the end of its keys; 0: it was something else. */
  readonly endedLease: LeaseId
}

/** Entries `from` to `to` of the log were applied in one go. `entries` are shared with the log: the same on every member. */
export interface EtcdApplyBatch {
  readonly type: 'etcd-apply-batch'
  readonly member: string
  readonly from: number
  readonly to: number
  readonly entries: readonly Entry[]
  readonly revision: Revision
  /** A rolling hash of every write since the store was empty: equal at equal applied index, or a member is corrupt. */
  readonly storeHash: number
}

/** The state machine was replaced by a snapshot, from the leader or from this member's disk. */
export interface EtcdRestored {
  readonly type: 'etcd-restored'
  readonly member: string
  readonly index: number
  readonly revision: Revision
  readonly storeHash: number
  readonly source: 'leader' | 'disk'
}

export interface EtcdCompacted {
  readonly type: 'etcd-compacted'
  readonly member: string
  readonly revision: Revision
}

export interface EtcdStarted {
  readonly type: 'etcd-member-started'
  readonly member: string
  readonly term: number
  readonly lastIndex: number
  readonly appliedIndex: number
  /** Records of a torn tail that were cut off. */
  readonly repairedRecords: number
}

/**
 * The member does not run. A panic while an entry is applied comes again when the entry does. With a corrupt log, or once it was removed, it never will; after a full disk, or when the leader counts on entries that
 * it has lost, it tries again.
 */
export interface EtcdRefused {
  readonly type: 'etcd-member-refused'
  readonly member: string
  readonly reason:
    | 'corrupt-log'
    | 'corrupt-snapshot'
    | 'missing-entries'
    | 'lost-entries'
    | 'disk-full'
    | 'removed'
    | 'panic'
    | 'differs-from-peers'
  /** Which file, where in it and what is wrong there. */
  readonly detail?: string
}

export interface EtcdWatchSent {
  readonly type: 'etcd-watch-sent'
  readonly member: string
  /** The process that watches, and its watch. */
  readonly client: number
  readonly watch: WatchId
  readonly first: Revision
  readonly last: Revision
}

export interface EtcdSnapshotSaved {
  readonly type: 'etcd-snapshot-saved'
  readonly member: string
  readonly index: number
}

/** The leader compared hashes and raised an alarm. */
export interface EtcdCorruptionFound {
  readonly type: 'etcd-corruption-found'
  readonly member: string
  /** Whose state differs; 0 when nobody can say who is right. */
  readonly suspect: number
  readonly revision: Revision
}

/** A snapshot arrived whole at another member, or its transfer broke off. */
export interface EtcdSnapshotSent {
  readonly type: 'etcd-snapshot-sent'
  readonly member: string
  /** The number of the member that it was for. */
  readonly to: number
  readonly delivered: boolean
}

/** A client's write or linearizable read was given up after its time. */
export interface EtcdTimedOut {
  readonly type: 'etcd-request-timed-out'
  readonly member: string
  readonly request: string
}

export type EtcdFact =
  | EtcdApplied
  | EtcdApplyBatch
  | EtcdRestored
  | EtcdCompacted
  | EtcdStarted
  | EtcdRefused
  | EtcdWatchSent
  | EtcdSnapshotSaved
  | EtcdSnapshotSent
  | EtcdTimedOut
  | EtcdCorruptionFound
  | RaftFact
