/**
 * All that one member remembers. Plain data: it can be copied, compared and thrown away between any two steps. The parts
 * marked durable are what `restore` gets back after a crash; everything else starts anew.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Micros } from '../kernel/time.ts'
import { RaftLog } from './log.ts'
import { electorateOf, membersOf, votersOnly } from './membership.ts'
import type { HeartbeatReply, RaftMessage } from './messages.ts'
import type { RaftOptions } from './options.ts'
import { Progress } from './progress.ts'
import type { Ballot, Electorate } from './quorum.ts'
import type { Entry, HardState, LogIndex, MemberId, Membership, Role, Snapshot, Term } from './types.ts'

/** A read that a leader has taken up: it may be answered once a majority confirms `sequence`. */
export interface PendingRead {
  readonly sequence: number
  readonly index: LogIndex
  readonly from: MemberId
  readonly context: number
}

/** Heartbeats of one moment, which ask for a lease. */
export interface LeaseRound {
  readonly sequence: number
  readonly sentAt: Micros
}

/** Entries handed to the disk: the log is durable up to `index` when `write` is. */
export interface PendingWrite {
  readonly write: number
  readonly index: LogIndex
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
  /** Who belongs, as far as this member has applied it. The next three follow from it. */
  membership: Membership
  /** All who are sent the log, learners too, in the order of their ids. */
  members: readonly MemberId[]
  /** This member's place among `members`; -1 when it does not belong. */
  slot: number
  electorate: Electorate

  /** Durable. */
  term: Term
  /** Durable. Whom this member voted for in `term`. */
  vote: MemberId
  /** Durable as far as `log.durable`. */
  readonly log: RaftLog

  role: Role
  leader: MemberId
  commit: LogIndex
  /** The state machine has been handed everything up to here. */
  applying: LogIndex
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
  ballots: Ballot[]
  /** The write that makes this candidate's vote for itself durable; 0 when none is awaited. */
  ownVoteWrite: number

  /** One per member while leading; the leader's own only carries `match`. */
  progress: Progress[]
  /** Heartbeats since the leader last counted who is there, or was ordered to hand over. */
  beats: number
  /** The index of this leader's first entry. */
  termStart: LogIndex
  readSequence: number
  /** Reads under confirmation, oldest first. */
  reads: PendingRead[]
  /** Reads that wait for the first commitment of the term. */
  waitingReads: PendingRead[]
  /** By lease: heartbeats that no majority has answered yet, oldest first. */
  leaseRounds: LeaseRound[]
  /** By lease: when the newest heartbeats were sent that a majority answered; -1 for none. */
  leaseFrom: Micros
  /** By lease: no vote before this moment, as this member may have answered for somebody's lease. */
  refusesUntil: Micros
  /** Whom leadership is being handed to; proposals are refused meanwhile. */
  transferee: MemberId
  /** This leader has told somebody to campaign at once: that order may still be under way. */
  handedOver: boolean
  /** The last index that may hold a change of the membership: no other is proposed until it is applied. */
  pendingChange: LogIndex
  /** Bytes of the entries that this leader appended and has not applied; counted only when there is a limit. */
  uncommittedBytes: number

  /** Number of the last write given to the disk, of the last one confirmed, and of the last with term, vote or snapshot. */
  lastWrite: number
  durableWrite: number
  hardStateWrite: number
  /** The last write with a snapshot from a leader. */
  snapshotWrite: number
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
  /** Who belonged as of `applied`; absent: as the snapshot says, or as it was in the beginning. */
  readonly membership?: Membership
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
  const membership = restored.membership ?? restored.snapshot?.membership ?? votersOnly(options.members)
  const members = membersOf(membership)
  return {
    options,
    id: options.id,
    membership,
    members,
    slot: members.indexOf(options.id),
    electorate: electorateOf(membership, members, options.decisions.jointNeedsBothHalves()),
    term: restored.hardState.term,
    vote: restored.hardState.vote,
    log,
    role: 'follower',
    leader: 0,
    commit,
    applying: restored.applied,
    applied: restored.applied,
    now: 0,
    electionFrom: 0,
    electionTimeout: 0,
    electionTimerAt: 0,
    attempt: 0,
    ballots: members.map(() => 0),
    ownVoteWrite: 0,
    progress: [],
    beats: 0,
    termStart: 0,
    readSequence: 0,
    reads: [],
    waitingReads: [],
    leaseRounds: [],
    leaseFrom: -1,
    refusesUntil: 0,
    transferee: 0,
    handedOver: false,
    pendingChange: 0,
    uncommittedBytes: 0,
    lastWrite: 0,
    durableWrite: 0,
    hardStateWrite: 0,
    snapshotWrite: 0,
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
    leaseRounds: state.leaseRounds.slice(),
    unsaved: state.unsaved.slice(),
    pendingWrites: state.pendingWrites.slice(),
    pendingMessages: state.pendingMessages.slice(),
  }
}

/** Takes a membership into use: votes and progress stay with whom they belong to. Newcomers are probed from the end. */
export function setMembership(state: RaftState, membership: Membership): void {
  const { members: before, ballots, progress, log } = state
  const { maxInflight, maxInflightBytes } = state.options
  const members = membersOf(membership)
  const kept = members.map((id) => before.indexOf(id))
  state.membership = membership
  state.members = members
  state.slot = members.indexOf(state.id)
  state.electorate = electorateOf(membership, members, state.options.decisions.jointNeedsBothHalves())
  state.ballots = kept.map((slot) => ballots[slot] ?? 0)
  if (state.role !== 'leader') return
  state.progress = kept.map((slot) => {
    const known = progress[slot]
    if (known !== undefined) return known
    const newcomer = new Progress(Math.max(1, log.last), maxInflight, maxInflightBytes)
    // It has had no chance to be heard yet.
    newcomer.active = true
    return newcomer
  })
}

/**
 * Adds an entry to what the next write has to store. The array goes into that write and stays with it: mostly it is one entry,
 * and a literal has room for that one, where `push` would make room for 17.
 */
export function addUnsaved(state: RaftState, entry: Entry): void {
  if (state.unsaved.length === 0) state.unsaved = [entry]
  else state.unsaved.push(entry)
}

/** Up to where the state machine may apply: committed, and stored by this member itself. */
export function applicable(state: RaftState): LogIndex {
  return Math.min(state.commit, state.options.decisions.ownMatch(state.log.durable, state.log.last))
}

/** The state machine has applied everything up to `index`. */
export function setApplied(state: RaftState, index: LogIndex): void {
  if (index < state.applied) invariant(false, 'raft: applying never goes back', { index, applied: state.applied })
  if (index > state.commit)
    invariant(false, 'raft: only committed entries are applied', { index, commit: state.commit })
  if (state.uncommittedBytes > 0) releaseBytes(state, index)
  state.applied = index
  if (state.applying < index) state.applying = index
}

/** What a leader has applied no longer counts against the limit of what it may append. */
function releaseBytes(state: RaftState, upTo: LogIndex): void {
  let left = state.uncommittedBytes
  for (let index = state.applied + 1; index <= upTo; index++) left -= payloadBytes(state.log.entryAt(index))
  state.uncommittedBytes = Math.max(0, left)
}

/** What an entry counts against the limit: an empty one, as a new leader's first, nothing. */
export function payloadBytes(entry: { readonly data: unknown; readonly bytes: number } | undefined): number {
  return entry === undefined || entry.data === null ? 0 : entry.bytes
}

/** Is a snapshot from a leader on its way to the disk? */
export function snapshotPending(state: RaftState): boolean {
  return state.unsavedSnapshot !== undefined || state.snapshotWrite > state.durableWrite
}

/** A majority is known to hold everything up to `index`. */
export function commitTo(state: RaftState, index: LogIndex): void {
  if (index <= state.commit) return
  if (index > state.log.last)
    invariant(false, 'raft: commit never passes the last entry', { index, last: state.log.last })
  state.commit = index
}

/** A leader has committed an entry of its own term, so its commit index is not behind any former leader's. */
export function committedInTerm(state: RaftState): boolean {
  return state.commit >= state.termStart && state.termStart > 0
}
