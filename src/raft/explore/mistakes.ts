/**
 * What history got wrong in Raft, and what could have been, each as the decisions that it replaces and the claim that breaks
 * first. The search is not told which is on: each must be found from the lowest rung up (bench/raft-explore.bench.ts does it
 * whole, the tests beside as far as it takes seconds).
 */
import type { RaftDecisions } from '../decisions.ts'

export interface Mistake {
  readonly id: string
  readonly decisions: Partial<RaftDecisions>
  readonly claim: RegExp
}

/** Those that the low rungs show. */
export const MISTAKES: readonly Mistake[] = [
  { id: 'raft-vote-not-persisted', decisions: { hardStateWaitsForDisk: () => false }, claim: /^vote durability/ },
  {
    id: 'raft-stale-append-truncates-log',
    decisions: { cutsLogFrom: (_conflict, previous) => previous + 1 },
    claim: /never cut off/,
  },
  {
    id: 'raft-commit-prior-term-by-count',
    decisions: { commitsByCounting: () => true },
    claim: /^leader completeness/,
  },
  {
    id: 'raft-append-acked-before-fsync',
    decisions: { entriesWaitForDisk: () => false },
    claim: /^leader completeness/,
  },
  { id: 'etcd-ack-before-wal', decisions: { ownMatch: (_durable, last) => last }, claim: /^leader completeness/ },
  { id: 'raft-conflict-tail-kept', decisions: { keepsTailAfterConflict: () => true }, claim: /terms never go down/ },
  {
    id: 'raft-compacted-prev-treated-as-conflict',
    decisions: { compactedPreviousConflicts: () => true },
    claim: /never cut off/,
  },
  { id: 'raft-no-pre-vote', decisions: { startsWithPreVote: () => false }, claim: /^rehearsed campaigns/ },
  {
    id: 'raft-votes-while-leader-is-heard',
    decisions: { leaseRefusesVotes: () => false },
    claim: /^no vote while a leader is heard/,
  },
  { id: 'raft-learner-refuses-vote', decisions: { learnersAnswerVotes: () => false }, claim: /^votes are answered/ },
  { id: 'raft-early-read-dropped', decisions: { keepsEarlyReads: () => false }, claim: /^reads are kept/ },
  {
    id: 'raft-proposes-while-handing-over',
    decisions: { proposesWhileHandingOver: () => true },
    claim: /^handing over/,
  },
  { id: 'raft-joint-counts-one-half', decisions: { jointNeedsBothHalves: () => false }, claim: /^quorum overlap/ },
]

/** Those that only higher rungs show, and the name of the one that does. */
export const DEEP_MISTAKES: readonly (Mistake & { readonly rung: RegExp })[] = [
  {
    id: 'raft-campaign-during-snapshot',
    decisions: { campaignsBeforeSnapshot: () => true },
    claim: /^whole campaigns/,
    rung: /^a snapshot and a crash/,
  },
  {
    id: 'raft-readindex-before-term-commit',
    decisions: { servesReads: () => true },
    claim: /^linearizable read/,
    rung: /^a read, two terms, more/,
  },
  {
    id: 'raft-lease-trusts-check-quorum',
    decisions: { leaseCovers: () => true },
    claim: /^linearizable read/,
    rung: /^a read by lease.*more/,
  },
  {
    id: 'raft-lease-outlives-handing-over',
    decisions: { leaseCovers: (age, leaseMicros) => age < leaseMicros },
    claim: /^linearizable read/,
    rung: /^a read by lease, handing over/,
  },
  {
    id: 'raft-two-changes-at-once',
    decisions: { acceptsChange: (settled) => settled },
    claim: /^quorum overlap/,
    rung: /^two changes of the membership, two/,
  },
]

/** The deepest: only the bench has the patience. */
export const CHANGE_BEFORE_TERM_COMMIT: Mistake = {
  id: 'raft-conf-change-before-term-commit',
  decisions: { acceptsChange: (_settled, pending) => !pending },
  claim: /^quorum overlap/,
}
