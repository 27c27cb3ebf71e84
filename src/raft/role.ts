/**
 * Changes of role and what each resets. Models etcd-io/raft's becomeFollower, becomePreCandidate, becomeCandidate and
 * becomeLeader. Also the election timer, which is armed lazily: hearing from a leader only moves `electionFrom`; a timer
 * that fires early arms the rest.
 */
import { invariant } from '../kernel/invariant.ts'
import { setHardState } from './durability.ts'
import { forgetLease } from './lease.ts'
import { Progress } from './progress.ts'
import { appendProposals, broadcastAppend } from './replication.ts'
import type { RaftOut } from './sink.ts'
import type { RaftState } from './state.ts'
import { type MemberId, NOBODY, type Role, type Term } from './types.ts'

const EMPTY_ENTRY = Object.freeze([Object.freeze({ data: null, bytes: 16 })])

export function becomeFollower(state: RaftState, term: Term, leader: MemberId, out: RaftOut): void {
  const newTerm = term !== state.term
  if (newTerm) setHardState(state, term, NOBODY)
  if (state.role === 'leader') stopLeading(state, out)
  if (newTerm) state.attempt = 0
  setRole(state, 'follower', leader, out)
  waitForElection(state, out)
}

/** Asks whether an election could be won, without changing term or vote. */
export function becomePreCandidate(state: RaftState, out: RaftOut): void {
  invariant(state.role !== 'leader', 'raft: a leader does not campaign', { term: state.term })
  beginCampaign(state)
  setRole(state, 'pre-candidate', NOBODY, out)
  waitForElection(state, out)
}

/** Begins the next term and votes for itself; the vote counts once it is durable. */
export function becomeCandidate(state: RaftState, out: RaftOut): void {
  invariant(state.role !== 'leader', 'raft: a leader does not campaign', { term: state.term })
  setHardState(state, state.term + 1, state.id)
  state.attempt = 0
  beginCampaign(state)
  setRole(state, 'candidate', NOBODY, out)
  waitForElection(state, out)
}

/** Takes over: everyone is probed, and an empty entry of the new term is on its way. */
export function becomeLeader(state: RaftState, out: RaftOut): void {
  invariant(state.role === 'candidate', 'raft: only a candidate becomes leader', { role: state.role })
  invariant(state.vote === state.id, 'raft: a leader voted for itself', { vote: state.vote })
  const next = state.log.last + 1
  const { maxInflight, maxInflightBytes } = state.options
  state.progress = state.members.map(() => new Progress(next, maxInflight, maxInflightBytes))
  for (const progress of state.progress) progress.active = true
  state.beats = 0
  state.termStart = next
  state.reads = []
  state.waitingReads = []
  state.transferee = NOBODY
  state.handedOver = false
  forgetLease(state)
  state.pendingChange = 0
  state.uncommittedBytes = 0
  setRole(state, 'leader', state.id, out)
  state.electionTimerAt = 0
  out.disarmElection()
  out.armHeartbeat(state.options.heartbeatMicros)
  appendProposals(state, EMPTY_ENTRY)
  broadcastAppend(state, out)
}

function stopLeading(state: RaftState, out: RaftOut): void {
  state.progress = []
  state.reads = []
  state.waitingReads = []
  forgetLease(state)
  state.termStart = 0
  state.transferee = NOBODY
  state.handedOver = false
  out.disarmHeartbeat()
}

function beginCampaign(state: RaftState): void {
  state.attempt++
  state.ownVoteWrite = 0
  for (let slot = 0; slot < state.ballots.length; slot++) state.ballots[slot] = 0
}

function setRole(state: RaftState, role: Role, leader: MemberId, out: RaftOut): void {
  if (role !== 'candidate') state.ownVoteWrite = 0
  state.role = role
  state.leader = leader
  out.note({ type: 'raft-role', member: state.options.name, id: state.id, term: state.term, role, leader })
  out.changed()
}

/** Starts the election pause anew with a fresh draw. */
export function waitForElection(state: RaftState, out: RaftOut): void {
  state.electionTimeout = state.options.drawElectionTimeout(state.term, state.attempt)
  state.electionFrom = state.now
  armUpTo(state, state.electionTimeout, out)
}

/** Arms the election timer unless one is armed that fires no later. */
export function armUpTo(state: RaftState, delay: number, out: RaftOut): void {
  const at = state.now + delay
  if (state.electionTimerAt !== 0 && state.electionTimerAt <= at) return
  state.electionTimerAt = at
  out.armElection(delay)
}
