/**
 * A leader's lease, for reads that ask nobody. Raft thesis 6.4.1: whoever answers a heartbeat gives no vote for an election
 * time-out, so from when heartbeats left that a majority answered no other leader can be there before that time is over,
 * as far as clocks run alike. Stricter than etcd-io/raft's ReadOnlyLeaseBased, which trusts CheckQuorum alone: there a
 * leader that was cut off may answer for nearly two election time-outs, a member that restarts forgets its promise, and a
 * successor by order needs no majority that has waited. Nothing of this runs where reads ask a quorum.
 */
import type { VoteRequest } from './messages.ts'
import type { LeaseRound, RaftState } from './state.ts'

/** May a read be answered by lease now? */
export function leaseHolds(state: RaftState): boolean {
  const { readMode, leaseMicros, decisions } = state.options
  if (readMode !== 'lease') return false
  const age = state.leaseFrom < 0 ? Number.POSITIVE_INFINITY : state.now - state.leaseFrom
  return decisions.leaseCovers(age, leaseMicros, state.handedOver)
}

/** Heartbeats are about to leave: their answers will be worth a lease from now on. */
export function beginLeaseRound(state: RaftState): void {
  if (state.options.readMode !== 'lease') return
  const oldest = state.now - state.options.leaseMicros
  if (state.leaseRounds.length > 0) state.leaseRounds = state.leaseRounds.filter(({ sentAt }) => sentAt > oldest)
  state.leaseRounds.push({ sequence: ++state.readSequence, sentAt: state.now })
}

/** A majority has answered the heartbeats up to round `confirmed`. */
export function confirmLease(state: RaftState, confirmed: number): void {
  const rounds = state.leaseRounds
  let done = 0
  while (done < rounds.length && (rounds[done] as LeaseRound).sequence <= confirmed) done++
  if (done === 0) return
  state.leaseFrom = (rounds[done - 1] as LeaseRound).sentAt
  rounds.splice(0, done)
}

/** Who votes has changed, or this leader's term begins: what was promised counts for nothing. */
export function forgetLease(state: RaftState): void {
  state.leaseFrom = -1
  state.leaseRounds = []
}

/** A leader was heard, or this member cannot know whom it heard before it started: it gives no vote for a while. */
export function promiseNoVote(state: RaftState): void {
  if (state.options.readMode === 'lease') state.refusesUntil = state.now + state.options.electionTimeoutMicros
}

/** May this member not even answer a request for votes, whatever has become of its leader meanwhile? */
export function hasPromisedNoVote(state: RaftState, request: VoteRequest): boolean {
  if (state.now >= state.refusesUntil || request.transfer) return false
  return state.options.decisions.leaseRefusesVotes()
}
