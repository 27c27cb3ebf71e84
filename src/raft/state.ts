/**
 * All that one member remembers. Plain data: it can be copied, compared and thrown away between any two steps. The parts
 * marked durable are what `restore` gets back after a crash; everything else starts anew.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Micros } from '../kernel/time.ts'
import { RaftLog } from './log.ts'
import type { HeartbeatReply, RaftMessage } from './messages.ts'
import type { RaftOptions } from './options.ts'
import type { Progress } from './progress.ts'
import type { Ballot } from './quorum.ts'
import type { Entry, HardState, LogIndex, MemberId, Role, Snapshot, Term } from './types.ts'

/** A read that a leader has taken up: it may be answered once a majority confirms `sequence`. */
export interface PendingRead {
  readonly sequence: number
  readonly index: LogIndex
  readonly from: MemberId
  readonly context: number
}

/** Entries handed to the disk; durable up to `index` when `write` is. */
export interface PendingWrite {
  readonly write: number
  readonly index: LogIndex
  readonly term: Term
}

/** A message that promises something and leaves when `write` is durable. */
export interface PendingMessage {
  readonly write: number
  readonly to: MemberId
  readonly message: RaftMessage
}

export interface RaftState {
  readonly options: RaftOptions
  readonly id: MemberId
  readonly members: readonly MemberId[]
  /** This member's place among `members`. */
  readonly slot: number

  /** Durable. */
  term: Term
  /** Durable. Whom this member voted for in `term`. */
  vote: MemberId
  /** Durable as far as `log.durable`. */
  readonly log: RaftLog

  role: Role
  leader: MemberId
  commit: LogIndex
  /** The state machine has everything up to here. */
  applied: LogIndex

  /** The time of the input that is being taken. */
  now: Micros
  /** The election pause counts from here: last word of a leader, last vote given, last change of role. */
  electionFrom: Micros
  electionTimeout: Micros
  /** When the armed election timer fires; 0 when none is armed. It may fire early, and then arms the rest. */
  electionTimerAt: Micros
  /** Campaigns since `term` began, this one included. */
  attempt: number
  readonly ballots: Ballot[]
  /** The write that makes this candidate's vote for itself durable; 0 when none is awaited. */
  ownVoteWrite: number

  /** One per member while leading; the leader's own only carries `match`. */
  progress: Progress[]
  /** Heartbeats since the leader last counted who is there. */
  beats: number
  /** The index of this leader's first entry. */
  termStart: LogIndex
  readSequence: number
  /** Reads under confirmation, oldest first. */
  reads: PendingRead[]
  /** Reads that wait for the first commitment of the term. */
  waitingReads: PendingRead[]
  /** Whom leadership is being handed to; proposals are refused meanwhile. */
  transferee: MemberId
  transferBeats: number

  /** Number of the last write given to the disk, of the last one confirmed, and of the last with term, vote or snapshot. */
  lastWrite: number
  durableWrite: number
  hardStateWrite: number
  /** Term or vote changed since the last write. */
  hardStateDirty: boolean
  /** Entries appended since the last write. */
  unsaved: Entry[]
  unsavedSnapshot: Snapshot | undefined
  pendingWrites: PendingWrite[]
  pendingMessages: PendingMessage[]
  heartbeatReply: HeartbeatReply | undefined
}

/** What a restart finds on the disk. */
export interface Restored {
  readonly hardState: HardState
  readonly snapshot: Snapshot | undefined
  readonly entries: readonly Entry[]
  /** What the state machine has already applied; at least the snapshot's index. */
  readonly applied: LogIndex
}

export const NOTHING_RESTORED: Restored = {
  hardState: { term: 0, vote: 0, commit: 0 },
  snapshot: undefined,
  entries: [],
  applied: 0,
}

/** A follower with what the disk gave back. `step` with `start` arms its first timer. */
export function createState(options: RaftOptions, restored: Restored = NOTHING_RESTORED): RaftState {
  const log = new RaftLog(restored.snapshot, restored.entries)
  const floor = Math.max(restored.snapshot?.index ?? 0, restored.applied)
  const commit = Math.min(Math.max(restored.hardState.commit, floor), log.last)
  invariant(restored.hardState.term >= log.lastTerm, 'raft: a restored term is not behind the log', restored.hardState)
  return {
    options,
    id: options.id,
    members: options.members,
    slot: options.members.indexOf(options.id),
    term: restored.hardState.term,
    vote: restored.hardState.vote,
    log,
    role: 'follower',
    leader: 0,
    commit,
    applied: restored.applied,
    now: 0,
    electionFrom: 0,
    electionTimeout: 0,
    electionTimerAt: 0,
    attempt: 0,
    ballots: options.members.map(() => 0),
    ownVoteWrite: 0,
    progress: [],
    beats: 0,
    termStart: 0,
    readSequence: 0,
    reads: [],
    waitingReads: [],
    transferee: 0,
    transferBeats: 0,
    lastWrite: 0,
    durableWrite: 0,
    hardStateWrite: 0,
    hardStateDirty: false,
    unsaved: [],
    unsavedSnapshot: undefined,
    pendingWrites: [],
    pendingMessages: [],
    heartbeatReply: undefined,
  }
}

/** An equal state that shares only what never changes. */
export function cloneState(state: RaftState): RaftState {
  return {
    ...state,
    log: state.log.clone(),
    ballots: state.ballots.slice(),
    progress: state.progress.map((progress) => progress.clone()),
    reads: state.reads.slice(),
    waitingReads: state.waitingReads.slice(),
    unsaved: state.unsaved.slice(),
    pendingWrites: state.pendingWrites.slice(),
    pendingMessages: state.pendingMessages.slice(),
  }
}

/** Up to where the state machine may apply: committed, and stored by this member itself. */
export function applicable(state: RaftState): LogIndex {
  return Math.min(state.commit, state.options.decisions.ownMatch(state.log.durable, state.log.last))
}

/** The state machine has applied everything up to `index`. */
export function setApplied(state: RaftState, index: LogIndex): void {
  invariant(index >= state.applied, 'raft: applying never goes back', { index, applied: state.applied })
  invariant(index <= state.commit, 'raft: only committed entries are applied', { index, commit: state.commit })
  state.applied = index
}

/** A majority is known to hold everything up to `index`. */
export function commitTo(state: RaftState, index: LogIndex): void {
  if (index <= state.commit) return
  invariant(index <= state.log.last, 'raft: commit never passes the last entry', { index, last: state.log.last })
  state.commit = index
}

/** A leader has committed an entry of its own term, so its commit index is not behind any former leader's. */
export function committedInTerm(state: RaftState): boolean {
  return state.commit >= state.termStart && state.termStart > 0
}
