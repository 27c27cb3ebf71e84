/**
 * The whole machine: one input, its effects. Models etcd-io/raft's Step. First the terms are compared, then the message
 * goes to the noun that it concerns, then what changed goes to the disk as one write. `step` takes inputs as data, for
 * exploring and replaying; the entrances below it are the same without the object, for the shell's hot path.
 */
import { invariant, never } from '../kernel/invariant.ts'
import type { Micros } from '../kernel/time.ts'
import { flush, promise, settle } from './durability.ts'
import {
  campaignByOrder,
  electionTimeout,
  handleVoteReply,
  handleVoteRequest,
  leaseRefuses,
  ownVoteDurable,
} from './election.ts'
import { handleAppend, handleHeartbeat, handleSnapshot } from './follower.ts'
import {
  followerUnreachable,
  handleAppendReply,
  handleHeartbeatReply,
  heartbeatTimeout,
  ownEntriesDurable,
  propose,
  snapshotReported,
  transfer,
} from './leader.ts'
import { hasPromisedNoVote, promiseNoVote } from './lease.ts'
import type {
  Append,
  Heartbeat,
  InstallSnapshot,
  Proposal,
  RaftMessage,
  TimeoutNow,
  VoteReply,
  VoteRequest,
} from './messages.ts'
import { askRead, takeRead } from './read.ts'
import { armUpTo, becomeFollower, waitForElection } from './role.ts'
import type { RaftOut } from './sink.ts'
import type { RaftState } from './state.ts'
import { type LogIndex, type MemberId, NOBODY, type Snapshot } from './types.ts'

export type RaftInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly message: RaftMessage }
  | { readonly kind: 'election-timeout' }
  | { readonly kind: 'heartbeat-timeout' }
  | { readonly kind: 'propose'; readonly proposals: readonly Proposal[] }
  | { readonly kind: 'read'; readonly context: number }
  | { readonly kind: 'durable'; readonly write: number }
  | { readonly kind: 'snapshot-taken'; readonly snapshot: Snapshot; readonly compactTo: LogIndex }
  | { readonly kind: 'transfer'; readonly to: MemberId }
  | { readonly kind: 'unreachable'; readonly id: MemberId }
  | { readonly kind: 'snapshot-report'; readonly id: MemberId; readonly delivered: boolean }

/** Takes one input at time `now`. Time is the caller's and never goes back. */
export function step(state: RaftState, input: RaftInput, now: Micros, out: RaftOut): void {
  switch (input.kind) {
    case 'start':
      start(state, now, out)
      return
    case 'message':
      receive(state, input.message, now, out)
      return
    case 'election-timeout':
      electionTimerFired(state, now, out)
      return
    case 'heartbeat-timeout':
      heartbeatTimerFired(state, now, out)
      return
    case 'propose':
      proposeEntries(state, input.proposals, now, out)
      return
    case 'read':
      readIndex(state, input.context, now, out)
      return
    case 'durable':
      writeDurable(state, input.write, now, out)
      return
    case 'snapshot-taken':
      snapshotTaken(state, input.snapshot, input.compactTo)
      return
    case 'transfer':
      transferLeadership(state, input.to, now, out)
      return
    case 'unreachable':
      followerUnreachable(state, input.id)
      return
    case 'snapshot-report':
      snapshotReported(state, input.id, input.delivered)
      return
    default:
      never(input)
  }
}

/** The process has started: the first election pause begins. */
export function start(state: RaftState, now: Micros, out: RaftOut): void {
  state.now = now
  const { electionTimeoutMicros, heartbeatMicros, hurriesFirstElection } = state.options
  waitForElection(state, out)
  promiseNoVote(state)
  if (!hurriesFirstElection || state.refusesUntil > now) return
  state.electionTimeout -= electionTimeoutMicros - heartbeatMicros
  armUpTo(state, state.electionTimeout, out)
}

export function electionTimerFired(state: RaftState, now: Micros, out: RaftOut): void {
  state.now = now
  electionTimeout(state, out)
  flush(state, out)
}

export function heartbeatTimerFired(state: RaftState, now: Micros, out: RaftOut): void {
  state.now = now
  heartbeatTimeout(state, out)
  flush(state, out)
}

/**
 * Proposes entries: appended by a leader, handed on by a follower (and perhaps lost on the way). False when no leader is
 * known or it is handing over: nothing was proposed then.
 */
export function proposeEntries(state: RaftState, proposals: readonly Proposal[], now: Micros, out: RaftOut): boolean {
  state.now = now
  if (state.role === 'leader') {
    const accepted = propose(state, proposals, out)
    flush(state, out)
    return accepted
  }
  if (state.leader === NOBODY || !state.options.forwardsProposals) return false
  out.send(state.leader, { type: 'raft-propose', from: state.id, proposals })
  return true
}

/** Asks for a linearizable read point; `out.readReady(context, index)` answers, or nothing does. False without a leader. */
export function readIndex(state: RaftState, context: number, now: Micros, out: RaftOut): boolean {
  state.now = now
  return askRead(state, context, out)
}

/** Everything up to `write` is on the disk. */
export function writeDurable(state: RaftState, write: number, now: Micros, out: RaftOut): void {
  state.now = now
  settle(state, write, out)
  ownVoteDurable(state, out)
  if (state.role === 'leader') ownEntriesDurable(state, out)
  flush(state, out)
}

/** The state machine was saved as of `snapshot.index`; entries up to `compactTo` are no longer needed. */
export function snapshotTaken(state: RaftState, snapshot: Snapshot, compactTo: LogIndex): void {
  invariant(snapshot.index <= state.applied, 'raft: a snapshot holds applied entries only', { index: snapshot.index })
  state.log.compact(Math.min(compactTo, state.log.durable), snapshot)
}

/**
 * Orders the leader to hand over to `to`; a follower hands the order on. False when no leader is known or `to` is no other
 * voter. The attempt is given up after an election time-out.
 */
export function transferLeadership(state: RaftState, to: MemberId, now: Micros, out: RaftOut): boolean {
  state.now = now
  if (state.role === 'leader') return transfer(state, to, out)
  if (state.leader === NOBODY) return false
  out.send(state.leader, { type: 'raft-transfer-request', from: state.id, transferee: to })
  return true
}

/** Takes a message from another member. */
export function receive(state: RaftState, message: RaftMessage, now: Micros, out: RaftOut): void {
  if (now < state.now) invariant(false, 'raft: time never goes back', { now, before: state.now })
  state.now = now
  switch (message.type) {
    case 'raft-heartbeat':
      if (followsSender(state, message, out)) handleHeartbeat(state, message, out)
      break
    case 'raft-heartbeat-reply':
      if (isCurrent(state, message.term, out)) handleHeartbeatReply(state, message, out)
      break
    case 'raft-append':
      if (followsSender(state, message, out)) handleAppend(state, message, out)
      break
    case 'raft-append-reply':
      if (isCurrent(state, message.term, out)) handleAppendReply(state, message, out)
      break
    case 'raft-snapshot':
      if (followsSender(state, message, out)) handleSnapshot(state, message, out)
      break
    case 'raft-vote-request':
      takeVoteRequest(state, message, out)
      break
    case 'raft-vote-reply':
      takeVoteReply(state, message, out)
      break
    case 'raft-propose':
      if (state.role === 'leader') propose(state, message.proposals, out)
      break
    case 'raft-read-request':
      takeRead(state, message.from, message.context, out)
      break
    case 'raft-read-reply':
      out.readReady(message.context, message.index)
      break
    case 'raft-timeout-now':
      takeTimeoutNow(state, message, out)
      break
    case 'raft-transfer-request':
      transfer(state, message.transferee, out)
      break
    default:
      never(message)
  }
  flush(state, out)
}

/** A message that only a leader sends: this member follows its sender from now on, unless the term is over. */
function followsSender(state: RaftState, message: Append | Heartbeat | InstallSnapshot, out: RaftOut): boolean {
  if (message.term < state.term) {
    refuseOldLeader(state, message.from, out)
    return false
  }
  if (message.term > state.term) becomeFollower(state, message.term, message.from, out)
  else if (state.role !== 'follower' || state.leader !== message.from) {
    invariant(state.role !== 'leader', 'raft: at most one leader a term', { term: state.term, other: message.from })
    becomeFollower(state, state.term, message.from, out)
  }
  state.electionFrom = state.now
  promiseNoVote(state)
  return true
}

/**
 * Tells a leader of an older term that there is a newer one, so that it steps down. Needed only where requests for votes
 * may be ignored: elsewhere they tell it.
 */
function refuseOldLeader(state: RaftState, to: MemberId, out: RaftOut): void {
  const { id, term } = state
  const { decisions } = state.options
  if (!decisions.startsWithPreVote() && !decisions.leaseRefusesVotes()) return
  promise(
    state,
    to,
    { type: 'raft-append-reply', from: id, term, accepted: false, index: 0, hintIndex: 0, hintTerm: 0 },
    out,
  )
}

/** An answer to a leader counts only in its own term; one of a later term ends the leader's. */
function isCurrent(state: RaftState, term: number, out: RaftOut): boolean {
  if (term > state.term) becomeFollower(state, term, NOBODY, out)
  return term === state.term && state.role === 'leader'
}

function takeVoteRequest(state: RaftState, request: VoteRequest, out: RaftOut): void {
  if (hasPromisedNoVote(state, request)) return
  if (request.term > state.term) {
    if (leaseRefuses(state, request)) return
    if (!request.preVote) becomeFollower(state, request.term, NOBODY, out)
  } else if (request.term < state.term) {
    // An old candidate learns the term from a refused pre-vote; an old request for votes needs no answer.
    if (request.preVote) {
      const { id, term } = state
      promise(state, request.from, { type: 'raft-vote-reply', from: id, term, preVote: true, granted: false }, out)
    }
    return
  }
  handleVoteRequest(state, request, out)
}

function takeVoteReply(state: RaftState, reply: VoteReply, out: RaftOut): void {
  if (reply.preVote && reply.granted) {
    handleVoteReply(state, reply, out)
    return
  }
  if (reply.term > state.term) becomeFollower(state, reply.term, NOBODY, out)
  else if (reply.term === state.term) handleVoteReply(state, reply, out)
}

function takeTimeoutNow(state: RaftState, message: TimeoutNow, out: RaftOut): void {
  if (message.term < state.term) return
  if (message.term > state.term) becomeFollower(state, message.term, message.from, out)
  if (state.role === 'follower') campaignByOrder(state, out)
}
