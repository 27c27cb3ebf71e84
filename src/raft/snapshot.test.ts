// One row a snapshot: the log it meets, what it says, what is left of the log, what is committed, and what the leader hears once
// the disk has it. After etcd-io/raft's restore. A log is written as its terms.
import { expect, test } from 'vitest'
import { TestCluster, type TestMember } from './testing.ts'
import type { Membership, Snapshot } from './types.ts'

const LEADER = 2
const TERM = 6
const EVERYBODY = { voters: [1, 2, 3], outgoing: [], learners: [], learnersNext: [], autoLeave: false }

/** A member whose disk holds a log of these terms, the first `commit` of them known to be committed. */
function memberOf(terms: readonly number[], commit: number, { index, term }: Snapshot) {
  const c = new TestCluster({ members: 3, seed: 1 })
  const member = c.member(1)
  member.disk.entries = terms.map((of, i) => ({ index: i + 1, term: of, data: `${i + 1}/${of}`, bytes: 1 }))
  member.disk.hardState = { term: TERM, vote: 0, commit }
  // Elsewhere the entry that the snapshot ends with was applied.
  c.check.applied[index] = { index, term, data: `${index}/${term}`, bytes: 1 }
  c.crash(member)
  c.restart(member)
  c.flying = []
  return { c, member }
}

function snapshotOf([index, term]: readonly [number, number], membership: Membership = EVERYBODY): Snapshot {
  return { index, term, data: undefined, bytes: 1, membership }
}

function receive(c: TestCluster, member: TestMember, snapshot: Snapshot, term = TERM): void {
  c.step(member, { kind: 'message', message: { type: 'raft-snapshot', from: LEADER, term, snapshot } })
}

function logOf({ state: { log } }: TestMember): (number | string)[] {
  const terms = Array.from({ length: log.last - log.compacted }, (_, i) => log.termAt(log.compacted + 1 + i))
  return log.compacted > 0 ? [`behind ${log.compacted}`, ...terms] : terms
}

test.each<
  [
    name: string,
    held: number[],
    commit: number,
    snapshot: [index: number, term: number],
    after: (number | string)[],
    committed: number,
    reply: number,
  ]
>([
  ['an empty log is replaced', [], 0, [5, 3], ['behind 5'], 5, 5],
  ['a log that ends before it is replaced', [1, 1], 2, [5, 3], ['behind 5'], 5, 5],
  ['a log that ends before it and was never committed is replaced', [1, 1, 4], 0, [5, 3], ['behind 5'], 5, 5],
  ['a longer log with another term there loses its end', [1, 1, 2, 2, 2, 2], 1, [4, 3], ['behind 4'], 4, 4],
  [
    'a log that holds its last entry stays, and learns what is committed',
    [1, 1, 2, 2, 3],
    1,
    [4, 2],
    [1, 1, 2, 2, 3],
    4,
    4,
  ],
  ['a log that ends with its last entry stays', [1, 1, 2, 2], 0, [4, 2], [1, 1, 2, 2], 4, 4],
  ['what is committed already is no news', [1, 1], 2, [2, 1], [1, 1], 2, 2],
  ['an old one changes nothing', [1, 1, 2], 3, [1, 1], [1, 1, 2], 3, 3],
])('%s', (_name, held, commit, given, after, committed, reply) => {
  const snapshot = snapshotOf(given)
  const { c, member } = memberOf(held, commit, snapshot)
  receive(c, member, snapshot)
  expect([logOf(member), member.state.commit]).toEqual([after, committed])
  const isInstalled = after[0] === `behind ${given[0]}`
  // What replaced a log is acknowledged only once it is on disk.
  expect(c.flying.length).toBe(isInstalled ? 0 : 1)
  c.sync(member)
  expect(c.flying).toMatchObject([{ to: LEADER, message: { type: 'raft-append-reply', accepted: true, index: reply } }])
  expect(member.disk.snapshot?.index).toBe(isInstalled ? given[0] : undefined)
})

test.each<[name: string, membership: Membership, isTaken: boolean, standing: string]>([
  ['takes this member in as a voter', EVERYBODY, true, 'voter'],
  ['takes this member in as a learner', { ...EVERYBODY, voters: [2, 3], learners: [1] }, true, 'learner'],
  ['leaves this member out', { ...EVERYBODY, voters: [2, 3] }, false, 'voter'],
  ['is of a joint change that takes it in', { ...EVERYBODY, voters: [1, 2], outgoing: [2, 3] }, true, 'voter'],
  ['is of a joint change that lets it go', { ...EVERYBODY, voters: [2, 3], outgoing: [1, 2, 3] }, true, 'leaving'],
  ['will make it a learner', { ...EVERYBODY, voters: [2, 3], outgoing: [1, 2], learnersNext: [1] }, true, 'leaving'],
])('one that %s', (_name, membership, isTaken, standing) => {
  const snapshot = snapshotOf([5, 3], membership)
  const { c, member } = memberOf([1, 1], 1, snapshot)
  receive(c, member, snapshot)
  expect(logOf(member)).toEqual(isTaken ? ['behind 5'] : [1, 1])
  const { voters, outgoing, learners } = member.state.membership
  const seen = voters.includes(1)
    ? 'voter'
    : outgoing.includes(1)
      ? 'leaving'
      : learners.includes(1)
        ? 'learner'
        : 'none'
  expect(seen).toBe(standing)
})

test.each<[name: string, term: number, isTaken: boolean, termAfter: number]>([
  ['of the present term', TERM, true, TERM],
  ['of a later term, which it begins', TERM + 3, true, TERM + 3],
  ['of a former term is not listened to', TERM - 1, false, TERM],
])('a candidate and a snapshot %s', (_name, term, isTaken, termAfter) => {
  const snapshot = snapshotOf([5, 3])
  const { c, member } = memberOf([1, 1], 1, snapshot)
  c.advanceTo(c.now + 5_000_000)
  expect(member.state.role).toBe('pre-candidate')
  receive(c, member, snapshot, term)
  expect(logOf(member)).toEqual(isTaken ? ['behind 5'] : [1, 1])
  expect([member.state.role, member.state.term]).toEqual([isTaken ? 'follower' : 'pre-candidate', termAfter])
})

test('one that the disk has not taken yet is gone after a crash, and the log before it is back', () => {
  const snapshot = snapshotOf([5, 3])
  const { c, member } = memberOf([1, 1], 1, snapshot)
  receive(c, member, snapshot)
  c.crash(member)
  c.restart(member)
  expect([logOf(member), member.state.commit]).toEqual([[1, 1], 1])
})
