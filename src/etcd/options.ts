/** Every setting of an etcd member, with its unit and default (etcd's own where it has one). */
import { invariant } from '../kernel/invariant.ts'
import type { ProcessId } from '../kernel/machine.ts'
import type { Streams } from '../kernel/random.ts'
import { MILLISECOND, MINUTE, type Micros, SECOND } from '../kernel/time.ts'
import { RAFT_DECISIONS, type RaftDecisions } from '../raft/index.ts'
import { ETCD_DECISIONS, type EtcdDecisions } from './decisions.ts'

export interface EtcdOptions {
  /** The member's name in facts and for its draws. */
  readonly name: string
  /** Its place among `members`, from 0; no matter when it joins. */
  readonly index: number
  /** The processes of the members that the cluster began with: this one too, unless it joins. */
  readonly members: readonly ProcessId[]
  /** This member is added to a cluster that is there already. Default false. */
  readonly joins: boolean
  readonly streams: Streams
  readonly decisions: EtcdDecisions
  readonly raftDecisions: RaftDecisions
  /** Default 1 s; a draw lies between this and twice this. */
  readonly electionTimeoutMicros: Micros
  /** Default 100 ms. */
  readonly heartbeatMicros: Micros
  /** After this a request is given up: 5 s and twice the election time-out, 7 s by default. */
  readonly requestTimeoutMicros: Micros
  /** A read index that was not answered is asked for again. Default 500 ms. */
  readonly readRetryMicros: Micros
  /** Between two commits of the backend while there is something to commit. Default 100 ms. */
  readonly backendCommitMicros: Micros
  /** How long the transaction of an apply batch stays open: a backend commit meanwhile leaves it out. Default 5 ms. */
  readonly openTransactionMicros: Micros
  /** Applied entries between two snapshots. Default 10,000. */
  readonly snapshotEntries: number
  /** Entries kept in the log behind a snapshot for slow followers. Default 5,000. */
  readonly catchUpEntries: number
  /** Size from which on the write-ahead log goes on in a new segment. Default 8 MiB; etcd has 64, which would keep 100,000 entries in memory. */
  readonly walSegmentBytes: number
  /** A snapshot travels to another member in pieces of at most this size. Default 64 KiB. */
  readonly snapshotPieceBytes: number
  /** Most bytes of entries in one append message. Default 512 KiB. */
  readonly maxAppendBytes: number
  /** Committed but unapplied entries beyond which requests are refused. Default 5,000. */
  readonly maxUnapplied: number
  /** Default 1.5 MiB. */
  readonly maxRequestBytes: number
  /** Default 128. */
  readonly maxTxnOperations: number
  /** Default 1: a cluster has no more learners at a time. */
  readonly maxLearners: number
  /** Size of the backend from which writes raise the alarm. Default 2 GiB. */
  readonly quotaBytes: number
  /** How fast a defragmentation copies. Default 100 MiB/s. */
  readonly defragmentBytesPerSecond: number
  /** Compaction removes so many states at a time, with a pause after each. Default 1,000 and 10 ms. */
  readonly compactionBatch: number
  readonly compactionPauseMicros: Micros
  /** Watch batches that a client may have under way before its watches count as slow. Default 128. */
  readonly watchWindow: number
  /** Between two attempts to catch up slow watches. Default 100 ms. */
  readonly watchSyncMicros: Micros
  /** Most events in one batch of a watch that catches up (whole revisions, so it may be passed). Default 1,000. */
  readonly watchBatchEvents: number
  /** Between two progress notifications of an idle watch that asked for them. Default 10 min. */
  readonly progressMicros: Micros
  /** Without a leader for so long, watches are cancelled. Default 3 election time-outs. */
  readonly leaderlessMicros: Micros
  /** Between two looks for expired leases. Default 500 ms. */
  readonly leaseCheckMicros: Micros
  /** Between two checkpoints of what long leases have left; 0, the default, for none. etcd's own is 5 min, when switched on. */
  readonly leaseCheckpointMicros: Micros
  /** Does a member compare its state with its peers' before it serves? Default false. kubeadm switches it on. */
  readonly initialCorruptCheck: boolean
  /** Between two comparisons of all members' present states by the leader; 0, the default, for none. */
  readonly corruptCheckMicros: Micros
  /** Between two comparisons of the states as of the last compactions; 0, the default, for none. etcd's own is 1 min, when switched on. */
  readonly compactHashCheckMicros: Micros
  /** A member that stopped because its disk was full is started again after this. Default 10 s. */
  readonly restartMicros: Micros
}

type Given = 'name' | 'index' | 'members' | 'streams'

export type EtcdOptionsInput = Pick<EtcdOptions, Given> &
  Partial<Omit<EtcdOptions, Given | 'decisions' | 'raftDecisions'>> & {
    readonly decisions?: Partial<EtcdDecisions> | undefined
    readonly raftDecisions?: Partial<RaftDecisions> | undefined
  }

/** Fills in the defaults and checks what was given. */
export function completeEtcdOptions(given: EtcdOptionsInput): EtcdOptions {
  const electionTimeoutMicros = given.electionTimeoutMicros ?? SECOND
  const joins = given.joins ?? false
  invariant(
    joins || (given.index >= 0 && given.index < given.members.length),
    'etcd: a member is one of the members',
    given.index,
  )
  return {
    name: given.name,
    index: given.index,
    members: given.members,
    joins,
    streams: given.streams,
    decisions: given.decisions === undefined ? ETCD_DECISIONS : { ...ETCD_DECISIONS, ...given.decisions },
    raftDecisions: given.raftDecisions === undefined ? RAFT_DECISIONS : { ...RAFT_DECISIONS, ...given.raftDecisions },
    electionTimeoutMicros,
    heartbeatMicros: given.heartbeatMicros ?? 100 * MILLISECOND,
    requestTimeoutMicros: given.requestTimeoutMicros ?? 5 * SECOND + 2 * electionTimeoutMicros,
    readRetryMicros: given.readRetryMicros ?? 500 * MILLISECOND,
    backendCommitMicros: given.backendCommitMicros ?? 100 * MILLISECOND,
    openTransactionMicros: given.openTransactionMicros ?? 5 * MILLISECOND,
    snapshotEntries: given.snapshotEntries ?? 10_000,
    catchUpEntries: given.catchUpEntries ?? 5_000,
    walSegmentBytes: given.walSegmentBytes ?? 8 * 1024 * 1024,
    snapshotPieceBytes: given.snapshotPieceBytes ?? 64 * 1024,
    maxAppendBytes: given.maxAppendBytes ?? 512 * 1024,
    maxUnapplied: given.maxUnapplied ?? 5_000,
    maxRequestBytes: given.maxRequestBytes ?? 1_572_864,
    maxTxnOperations: given.maxTxnOperations ?? 128,
    maxLearners: given.maxLearners ?? 1,
    quotaBytes: given.quotaBytes ?? 2 * 1024 * 1024 * 1024,
    defragmentBytesPerSecond: given.defragmentBytesPerSecond ?? 100 * 1024 * 1024,
    compactionBatch: given.compactionBatch ?? 1_000,
    compactionPauseMicros: given.compactionPauseMicros ?? 10 * MILLISECOND,
    watchWindow: given.watchWindow ?? 128,
    watchSyncMicros: given.watchSyncMicros ?? 100 * MILLISECOND,
    watchBatchEvents: given.watchBatchEvents ?? 1_000,
    progressMicros: given.progressMicros ?? 10 * MINUTE,
    leaderlessMicros: given.leaderlessMicros ?? 3 * electionTimeoutMicros,
    leaseCheckMicros: given.leaseCheckMicros ?? 500 * MILLISECOND,
    leaseCheckpointMicros: given.leaseCheckpointMicros ?? 0,
    initialCorruptCheck: given.initialCorruptCheck ?? false,
    corruptCheckMicros: given.corruptCheckMicros ?? 0,
    compactHashCheckMicros: given.compactHashCheckMicros ?? 0,
    restartMicros: given.restartMicros ?? 10 * SECOND,
  }
}
