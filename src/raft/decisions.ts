/**
 * The choices of Raft that history got wrong. Each is a function so that a defect can put another one in its place; the
 * machine asks and never knows. Sources stand with each choice.
 */
import type { Micros } from '../kernel/time.ts'
import type { LogIndex, Term } from './types.ts'

export interface RaftDecisions {
  /** May a leader of `leaderTerm` commit an entry of `entryTerm` because a majority holds it? (Raft paper 5.4.2) */
  commitsByCounting(entryTerm: Term, leaderTerm: Term): boolean
  /** Must term and vote be durable before an answer that promises them? (Raft paper, figure 2) */
  hardStateWaitsForDisk(): boolean
  /**
   * From which index a follower cuts its log on an append whose previous entry fits; 0 cuts nothing. `firstConflict` is
   * the first index at which an incoming entry has another term than the one held, or 0. (Raft paper, figure 2, rule 3)
   */
  cutsLogFrom(firstConflict: LogIndex, previousIndex: LogIndex): LogIndex
  /** Does a campaign begin with a pre-vote? (Raft thesis 9.6) */
  startsWithPreVote(): boolean
  /** Does a member that hears from a leader ignore requests for votes? (Raft thesis 4.2.3) */
  leaseRefusesVotes(): boolean
  /** Does a leader that in an election time-out heard from no majority lead on? (Raft thesis 6.2, CheckQuorum) */
  leadsUnheard(): boolean
  /** May a leader take up a read now? (Raft thesis 6.4: only after an entry of its own term is committed) */
  servesReads(committedInTerm: boolean): boolean
  /** Up to where a member's own log counts as stored, for commitment and for applying. (etcd-io/etcd#14370) */
  ownMatch(durableIndex: LogIndex, lastIndex: LogIndex): LogIndex
  /** Must a follower's entries be durable before it acknowledges them? */
  entriesWaitForDisk(): boolean
  /** Does a follower that replaces conflicting entries keep what followed them? (mofa-org/mofa#1150) */
  keepsTailAfterConflict(): boolean
  /** Is an append whose previous entry is compacted a conflict? (databendlabs/openraft#511) */
  compactedPreviousConflicts(): boolean
  /** May a member campaign whose snapshot from the leader is not durable yet? (etcd-io/etcd#12163) */
  campaignsBeforeSnapshot(): boolean
  /** Does a member that is a learner, as far as it knows, answer requests for votes? (etcd-io/etcd#10998) */
  learnersAnswerVotes(): boolean
  /**
   * May a leader propose a change of the membership now? `settled` says that it has committed an entry of its term and
   * applied all that it inherited; `pending` that a change which it has itself proposed is not applied yet.
   * (raft-dev, July 2015; etcd-io/etcd#7625)
   */
  acceptsChange(settled: boolean, pending: boolean): boolean
  /** Does a leader keep a read that comes before the first commitment of its term? (etcd-io/etcd#12680) */
  keepsEarlyReads(): boolean
  /**
   * Is a lease good for a read that a majority last confirmed to have begun so long ago? `handedOver` says that this
   * leader told somebody to campaign in spite of it. (Raft thesis 6.4.1)
   */
  leaseCovers(age: Micros, leaseMicros: Micros, handedOver: boolean): boolean
  /** Does a joint change need a majority of the voters from before it too? (Raft thesis 4.3) */
  jointNeedsBothHalves(): boolean
  /** Does a leader that hands over go on appending? (Raft thesis 3.10) */
  proposesWhileHandingOver(): boolean
}

export const RAFT_DECISIONS: RaftDecisions = {
  commitsByCounting: (entryTerm, leaderTerm) => entryTerm === leaderTerm,
  hardStateWaitsForDisk: () => true,
  cutsLogFrom: (firstConflict) => firstConflict,
  startsWithPreVote: () => true,
  leaseRefusesVotes: () => true,
  leadsUnheard: () => false,
  servesReads: (committedInTerm) => committedInTerm,
  ownMatch: (durableIndex) => durableIndex,
  entriesWaitForDisk: () => true,
  keepsTailAfterConflict: () => false,
  compactedPreviousConflicts: () => false,
  campaignsBeforeSnapshot: () => false,
  learnersAnswerVotes: () => true,
  acceptsChange: (settled, pending) => settled && !pending,
  keepsEarlyReads: () => true,
  leaseCovers: (age, leaseMicros, handedOver) => age < leaseMicros && !handedOver,
  jointNeedsBothHalves: () => true,
  proposesWhileHandingOver: () => false,
}
