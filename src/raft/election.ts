/**
 * Campaigns and votes. Raft paper 5.2 and 5.4.1, thesis 4.2.3 and 9.6; models etcd-io/raft's campaign, poll and the vote
 * cases of Step. A member asks first whether it could win (pre-vote), so that a cut-off member never raises anybody's
 * term; a member that hears from a leader ignores both kinds of request.
 */
import { invariant } from '../kernel/invariant.ts'
import { promise, setHardState, writeOfHardState } from './durability.ts'
import { MembershipChange, votes } from './membership.ts'
import type { VoteReply, VoteRequest } from './messages.ts'
import { tally } from './quorum.ts'
import { armUpTo, becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './role.ts'
import type { RaftOut } from './sink.ts'
import { type RaftState, snapshotPending } from './state.ts'
import { NOBODY } from './types.ts'

/** The election timer fired. It may have been early: then it only arms the rest of the pause. */
export function electionTimeout(state: RaftState, out: RaftOut): void {
  state.electionTimerAt = 0
  if (state.role === 'leader') return
  const left = state.electionFrom + state.electionTimeout - state.now
  if (left > 0) armUpTo(state, left, out)
  else if (mayCampaign(state)) campaign(state, false, out)
  // Who may not campaign looks again later; it has heard no leader for all that, so it may vote.
  else armUpTo(state, state.electionTimeout, out)
}

/** Only a voter campaigns, with its whole log and its whole membership in use. */
function mayCampaign(state: RaftState): boolean {
  if (state.slot < 0 || !votes(state.membership, state.id) || state.now < state.refusesUntil) return false
  if (snapshotPending(state) && !state.options.decisions.campaignsBeforeSnapshot()) return false
  for (let index = state.applied + 1; index <= state.commit; index++) {
    if (state.log.entryAt(index)?.data instanceof MembershipChange) return false
  }
  return true
}

/** The leader orders this member to take over: no rehearsal, no lease. */
export function campaignByOrder(state: RaftState, out: RaftOut): void {
  state.refusesUntil = 0
  if (mayCampaign(state)) campaign(state, true, out)
}

/** Starts an election, or its rehearsal. `transfer` means that the leader ordered it. */
function campaign(state: RaftState, transfer: boolean, out: RaftOut): void {
  if (state.options.decisions.startsWithPreVote() && !transfer) {
    becomePreCandidate(state, out)
    state.ballots[state.slot] = 1
    if (tally(state.ballots, state.electorate) === 'won') campaignForVotes(state, transfer, out)
    else requestVotes(state, true, transfer, out)
  } else campaignForVotes(state, transfer, out)
}

function campaignForVotes(state: RaftState, transfer: boolean, out: RaftOut): void {
  becomeCandidate(state, out)
  requestVotes(state, false, transfer, out)
  const write = writeOfHardState(state)
  if (write > state.durableWrite) state.ownVoteWrite = write
  else countOwnVote(state, out)
}

function requestVotes(state: RaftState, preVote: boolean, transfer: boolean, out: RaftOut): void {
  const request: VoteRequest = {
    type: 'raft-vote-request',
    from: state.id,
    term: preVote ? state.term + 1 : state.term,
    preVote,
    lastIndex: state.log.last,
    lastTerm: state.log.lastTerm,
    transfer,
  }
  for (const member of state.members) {
    if (member !== state.id && votes(state.membership, member)) promise(state, member, request, out)
  }
}

/** The disk holds this candidate's vote for itself. */
export function ownVoteDurable(state: RaftState, out: RaftOut): void {
  if (state.ownVoteWrite === 0 || state.ownVoteWrite > state.durableWrite) return
  state.ownVoteWrite = 0
  countOwnVote(state, out)
}

function countOwnVote(state: RaftState, out: RaftOut): void {
  invariant(state.role === 'candidate', 'raft: a vote for oneself is a candidate’s', { role: state.role })
  out.note({
    type: 'raft-vote-granted',
    member: state.options.name,
    id: state.id,
    term: state.term,
    candidate: state.id,
    durable: !state.hardStateDirty,
  })
  if (state.slot >= 0) state.ballots[state.slot] = 1
  if (tally(state.ballots, state.electorate) === 'won') becomeLeader(state, out)
}

/** True if a request for votes is to be ignored because this member leads or hears from a leader. */
export function leaseRefuses(state: RaftState, request: VoteRequest): boolean {
  if (request.transfer || !state.options.decisions.leaseRefusesVotes()) return false
  if (state.role === 'leader') return true
  return state.leader !== NOBODY && state.now - state.electionFrom < state.options.electionTimeoutMicros
}

/** Decides on a request whose term is at least this member's own. A learner answers too: it may be one no longer. */
export function handleVoteRequest(state: RaftState, request: VoteRequest, out: RaftOut): void {
  if (state.membership.learners.includes(state.id) && !state.options.decisions.learnersAnswerVotes()) return
  const free = state.vote === request.from || (state.vote === NOBODY && state.leader === NOBODY)
  const granted =
    (free || (request.preVote && request.term > state.term)) &&
    state.log.isUpToDate(request.lastIndex, request.lastTerm)
  if (granted && !request.preVote) {
    setHardState(state, state.term, request.from)
    state.electionFrom = state.now
  }
  const reply: VoteReply = {
    type: 'raft-vote-reply',
    from: state.id,
    term: granted ? request.term : state.term,
    preVote: request.preVote,
    granted,
  }
  promise(state, request.from, reply, out)
}

/** Counts an answer; wins, loses or goes on waiting. */
export function handleVoteReply(state: RaftState, reply: VoteReply, out: RaftOut): void {
  if (state.role !== (reply.preVote ? 'pre-candidate' : 'candidate')) return
  if (reply.preVote && reply.granted && reply.term !== state.term + 1) return
  const slot = state.members.indexOf(reply.from)
  if (slot < 0 || state.ballots[slot] !== 0) return
  state.ballots[slot] = reply.granted ? 1 : -1
  const result = tally(state.ballots, state.electorate)
  if (result === 'won') {
    if (reply.preVote) campaignForVotes(state, false, out)
    else becomeLeader(state, out)
  } else if (result === 'lost') becomeFollower(state, state.term, NOBODY, out)
}
