// The whole of small clusters: nothing breaks with the right decisions; every defect breaks a claim, by a shortest path
// that is kept beside as a script to be read.
import { expect, test } from 'vitest'
import type { RaftDecisions } from '../decisions.ts'
import { climb, HIGH_RUNGS, RUNGS, type Rung } from './ladder.ts'
import { scriptOf } from './script.ts'
import { explore } from './search.ts'

test.each(RUNGS)('$name: everything within the bounds is seen, and nothing breaks', ({ bounds }) => {
  const { violation, isComplete, states, depth } = explore(bounds)
  expect({ violation, isComplete }).toEqual({ violation: undefined, isComplete: true })
  expect(states).toBeGreaterThan(3_000)
  expect(depth).toBeGreaterThan(20)
})

const DEFECTS: readonly [id: string, decisions: Partial<RaftDecisions>, claim: RegExp][] = [
  ['raft-vote-not-persisted', { hardStateWaitsForDisk: () => false }, /^vote durability/],
  ['raft-stale-append-truncates-log', { cutsLogFrom: (_conflict, previous) => previous + 1 }, /never cut off/],
  ['raft-commit-prior-term-by-count', { commitsByCounting: () => true }, /^leader completeness/],
  ['raft-append-acked-before-fsync', { entriesWaitForDisk: () => false }, /^leader completeness/],
  ['etcd-ack-before-wal', { ownMatch: (_durable, last) => last }, /^leader completeness/],
  ['raft-conflict-tail-kept', { keepsTailAfterConflict: () => true }, /terms never go down/],
  ['raft-compacted-prev-treated-as-conflict', { compactedPreviousConflicts: () => true }, /never cut off/],
  ['raft-no-pre-vote', { startsWithPreVote: () => false }, /^rehearsed campaigns/],
  ['raft-votes-while-leader-is-heard', { leaseRefusesVotes: () => false }, /^no vote while a leader is heard/],
  ['raft-learner-refuses-vote', { learnersAnswerVotes: () => false }, /^votes are answered/],
  ['raft-early-read-dropped', { keepsEarlyReads: () => false }, /^reads are kept/],
  ['raft-proposes-while-handing-over', { proposesWhileHandingOver: () => true }, /^handing over/],
  ['raft-joint-counts-one-half', { jointNeedsBothHalves: () => false }, /^quorum overlap/],
]

test.each(DEFECTS)('%s is found without being told where it lies', async (id, decisions, claim) => {
  const { exploration, rung } = climb(RUNGS, decisions)
  expect(exploration.violation?.claim).toMatch(claim)
  await expect(`${rung.name}\n${scriptOf(exploration)}\n`).toMatchFileSnapshot(`scripts/${id}.txt`)
})

/** What only higher rungs show, which are climbed as a whole by the bench: here the search begins on the one that does. */
const HIGH: readonly [id: string, decisions: Partial<RaftDecisions>, claim: RegExp, rung: RegExp][] = [
  [
    'raft-campaign-during-snapshot',
    { campaignsBeforeSnapshot: () => true },
    /^whole campaigns/,
    /^a snapshot and a crash/,
  ],
  ['raft-readindex-before-term-commit', { servesReads: () => true }, /^linearizable read/, /^a read, two terms, more/],
  ['raft-lease-trusts-check-quorum', { leaseCovers: () => true }, /^linearizable read/, /^a read by lease.*more/],
  [
    'raft-lease-outlives-handing-over',
    { leaseCovers: (age, leaseMicros) => age < leaseMicros },
    /^linearizable read/,
    /^a read by lease, handing over/,
  ],
  [
    'raft-two-changes-at-once',
    { acceptsChange: (settled) => settled },
    /^quorum overlap/,
    /^two changes of the membership, two/,
  ],
]

test.each(HIGH)('%s is found on a higher rung', async (id, decisions, claim, name) => {
  const rung = HIGH_RUNGS.find((one) => name.test(one.name)) as Rung
  const { exploration } = climb([rung], decisions)
  expect(exploration.violation?.claim).toMatch(claim)
  await expect(`${rung.name}\n${scriptOf(exploration)}\n`).toMatchFileSnapshot(`scripts/${id}.txt`)
})

test('a lease is good for reads only as far as clocks run alike', () => {
  const bounds = { terms: 2, logLength: 2, reads: 1, leaseReads: true, refusal: true, inFlight: 3, moments: 5 }
  const { violation, states } = explore({ ...bounds, drift: true })
  expect(violation?.claim).toMatch(/^linearizable read/)
  expect(states).toBeLessThan(500_000)
  // With one clock for all the same is on the ladder, and nothing breaks.
})
