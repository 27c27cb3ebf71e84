// One row a leader: its log, what its followers hold, and what is committed then. A log is written as its terms.
import { expect, test } from 'vitest'
import { RAFT_DECISIONS } from './decisions.ts'
import { completeRaftOptions } from './options.ts'
import { Progress } from './progress.ts'
import type { Electorate } from './quorum.ts'
import { advanceCommit } from './replication.ts'
import { createState } from './state.ts'
import { TestCluster } from './testing.ts'

/** The commit index of a leader of `term` whose progress says that members hold so much. */
function committedBy(
  term: number,
  log: readonly number[],
  matches: readonly number[],
  electorate?: Electorate,
): number {
  const members = matches.map((_, i) => i + 1)
  const options = completeRaftOptions({ id: 1, members, drawElectionTimeout: () => 1, decisions: RAFT_DECISIONS })
  const entries = log.map((entry, i) => ({ index: i + 1, term: entry, data: '', bytes: 1 }))
  const hardState = { term, vote: 1, commit: 0 }
  const state = createState(options, { hardState, snapshot: undefined, entries, applied: 0 })
  state.role = 'leader'
  if (electorate !== undefined) state.electorate = electorate
  state.progress = matches.map((match) => {
    const progress = new Progress(match + 1, 1)
    progress.match = match
    return progress
  })
  advanceCommit(state)
  return state.commit
}

test.each<[name: string, term: number, log: number[], matches: number[], commit: number]>([
  ['nobody has anything', 1, [1], [0, 0, 0], 0],
  ['only the leader has it', 1, [1], [1, 0, 0], 0],
  ['two of three', 1, [1], [1, 1, 0], 1],
  ['the followers without the leader’s own disk', 1, [1], [0, 1, 1], 1],
  ['two of four are no majority', 1, [1], [1, 1, 0, 0], 0],
  ['three of four', 1, [1], [1, 1, 1, 0], 1],
  ['the middle of five', 1, [1, 1, 1], [3, 2, 2, 1, 0], 2],
  ['one member alone', 1, [1, 1], [2], 2],
  // Raft paper 5.4.2: an older term's entry is committed by what follows it, never by itself.
  ['a majority holds an older term’s entry', 3, [1, 3], [2, 1, 1], 0],
  ['a majority holds an entry of this term behind it', 3, [1, 3], [2, 2, 1], 2],
  ['an older term all over', 4, [1, 2, 2], [3, 3, 3], 0],
])('%s', (_name, term, log, matches, commit) => {
  expect(committedBy(term, log, matches)).toBe(commit)
})

test.each<[name: string, matches: number[], electorate: Electorate, commit: number]>([
  ['a learner’s copy does not count', [2, 0, 0, 2, 2], { incoming: [0, 1, 2], outgoing: [] }, 0],
  ['both majorities have it', [2, 2, 0, 2, 0], { incoming: [0, 1, 3], outgoing: [0, 1, 2] }, 2],
  ['only the new majority has it', [2, 0, 0, 2, 2], { incoming: [0, 3, 4], outgoing: [0, 1, 2] }, 0],
  ['only the old majority has it', [2, 2, 2, 0, 0], { incoming: [0, 3, 4], outgoing: [0, 1, 2] }, 0],
])('%s', (_name, matches, electorate, commit) => {
  expect(committedBy(1, [1, 1], matches, electorate)).toBe(commit)
})

test('what is committed stays committed when the followers’ answers come late or twice', () => {
  const c = new TestCluster({ members: 3, seed: 1 })
  c.run(4_000_000)
  const leader = c.leader()
  if (leader === undefined) throw new Error('nobody leads')
  c.propose(leader)
  c.settle()
  const { commit, term } = leader.state
  const reply = {
    type: 'raft-append-reply',
    from: 2,
    term,
    accepted: true,
    index: 1,
    hintIndex: 0,
    hintTerm: 0,
  } as const
  for (let i = 0; i < 3; i++) c.step(leader, { kind: 'message', message: { ...reply, from: leader.id === 2 ? 1 : 2 } })
  expect(leader.state.commit).toBe(commit)
})
