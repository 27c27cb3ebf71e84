// One row an append: the log it meets, what comes, the log after it, and the answer. A log is written as its terms.
import { describe, expect, test } from 'vitest'
import type { RaftDecisions } from './decisions.ts'
import type { AppendReply } from './messages.ts'
import { TestCluster, type TestMember } from './testing.ts'

const LEADER = 2
const TERM = 6

/** A member whose disk holds a log of these terms, the first `commit` of them known to be committed. */
function memberOf(
  terms: readonly number[],
  commit: number,
  decisions: Partial<RaftDecisions> = {},
): { c: TestCluster; member: TestMember } {
  const c = new TestCluster({ members: 3, seed: 1, decisions })
  const member = c.member(1)
  member.disk.entries = terms.map((term, i) => ({ index: i + 1, term, data: `${i + 1}/${term}`, bytes: 1 }))
  member.disk.hardState = { term: TERM, vote: 0, commit }
  c.crash(member)
  c.restart(member)
  c.flying = []
  return { c, member }
}

function termsOf({ state: { log } }: TestMember): number[] {
  return Array.from({ length: log.last - log.compacted }, (_, i) => log.termAt(log.compacted + 1 + i))
}

function append(
  c: TestCluster,
  member: TestMember,
  [previousIndex, previousTerm]: readonly [index: number, term: number],
  terms: readonly number[],
  commit: number,
): AppendReply {
  const entries = terms.map((term, i) => {
    const index = previousIndex + 1 + i
    return { index, term, data: `${index}/${term}`, bytes: 1 }
  })
  const head = { type: 'raft-append', from: LEADER, term: TERM, previousIndex, previousTerm } as const
  c.step(member, { kind: 'message', message: { ...head, entries, commit, quiet: false } })
  c.sync(member)
  return c.flying.at(-1)?.message as AppendReply
}

type Row = [
  name: string,
  held: number[],
  commit: number,
  previous: [number, number],
  incoming: number[],
  after: number[],
  reply: Partial<AppendReply>,
]

test.each<Row>([
  ['the next entry', [1, 2], 1, [2, 2], [6], [1, 2, 6], { accepted: true, index: 3 }],
  ['nothing new', [1, 2], 1, [2, 2], [], [1, 2], { accepted: true, index: 2 }],
  ['an older one of what is held', [1, 2, 6], 1, [1, 1], [2], [1, 2, 6], { accepted: true, index: 2 }],
  ['a conflict', [1, 2, 3, 3], 1, [1, 1], [6], [1, 6], { accepted: true, index: 2 }],
  ['a conflict behind an agreement', [1, 2, 3, 3], 1, [1, 1], [2, 6, 6], [1, 2, 6, 6], { accepted: true, index: 4 }],
  ['from the beginning', [], 0, [0, 0], [1, 1], [1, 1], { accepted: true, index: 2 }],
  ['beyond the end', [1, 2], 1, [5, 3], [6], [1, 2], { accepted: false, index: 5, hintIndex: 2, hintTerm: 2 }],
  // A whole term is skipped: the leader has term 2 at 4, so nothing of term 3 can be shared.
  [
    'another term',
    [1, 2, 3, 3],
    1,
    [4, 2],
    [6],
    [1, 2, 3, 3],
    { accepted: false, index: 4, hintIndex: 2, hintTerm: 2 },
  ],
])('%s', (_name, held, commit, previous, incoming, after, reply) => {
  const { c, member } = memberOf(held, commit)
  expect(append(c, member, previous, incoming, 0)).toMatchObject(reply)
  expect(termsOf(member)).toEqual(after)
})

test.each<[name: string, told: number, incoming: number[], commit: number]>([
  ['no further than what came', 9, [2], 2],
  ['as told', 1, [2, 6], 1],
  ['never back', 0, [2], 1],
])('commits %s', (_name, told, incoming, commit) => {
  const { c, member } = memberOf([1, 2, 3], 1)
  append(c, member, [1, 1], incoming, told)
  expect(member.state.commit).toBe(commit)
})

describe('what history got wrong', () => {
  test('a tail kept after a conflict is older than what it follows', () => {
    const { c, member } = memberOf([1, 2, 3, 3], 1, { keepsTailAfterConflict: () => true })
    expect(() => append(c, member, [1, 1], [6], 0)).toThrow('terms never go down along a log')
  })

  test.each([true, false])('an append behind the snapshot is a conflict: %s', (conflicts) => {
    const { c, member } = memberOf([1, 2, 2, 2], 2, { compactedPreviousConflicts: () => conflicts })
    for (let index = 1; index <= 2; index++) c.check.applied[index] = member.state.log.entryAt(index)
    c.step(member, { kind: 'snapshot-taken', snapshot: { index: 2, term: 2, data: '', bytes: 1 }, compactTo: 2 })
    append(c, member, [1, 1], [2, 2], 0)
    expect(member.state.log.last).toBe(conflicts ? 2 : 4)
  })

  test.each([true, false])('a campaign with a snapshot under way: %s', (early) => {
    const { c, member } = memberOf([], 0, { campaignsBeforeSnapshot: () => early })
    c.check.applied[5] = { index: 5, term: 3, data: '', bytes: 1 }
    const snapshot = { index: 5, term: 3, data: '', bytes: 1 }
    c.step(member, { kind: 'message', message: { type: 'raft-snapshot', from: LEADER, term: TERM, snapshot } })
    c.advanceTo(c.now + 5_000_000)
    expect(member.state.role).toBe(early ? 'pre-candidate' : 'follower')
    // Nobody can tell: what such a campaign says waits for the disk, which the snapshot reaches first.
    expect(c.flying.filter(({ from }) => from === member.id)).toEqual([])
    c.sync(member)
    c.advanceTo(c.now + 5_000_000)
    expect(member.state.role).toBe('pre-candidate')
  })
})
