// The whole of small clusters: nothing breaks with the right decisions; every defect breaks a claim, by a shortest path
// that is kept beside as a script to be read.
import { expect, test } from 'vitest'
import type { RaftDecisions } from '../decisions.ts'
import { climb, RUNGS } from './ladder.ts'
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
  ['raft-readindex-before-term-commit', { servesReads: () => true }, /^linearizable read/],
  ['raft-conflict-tail-kept', { keepsTailAfterConflict: () => true }, /terms never go down/],
  ['raft-compacted-prev-treated-as-conflict', { compactedPreviousConflicts: () => true }, /never cut off/],
]

test.each(DEFECTS)('%s is found without being told where it lies', async (id, decisions, claim) => {
  const { exploration, rung } = climb(RUNGS, decisions)
  expect(exploration.violation?.claim).toMatch(claim)
  await expect(`${rung.name}\n${scriptOf(exploration)}\n`).toMatchFileSnapshot(`scripts/${id}.txt`)
})
