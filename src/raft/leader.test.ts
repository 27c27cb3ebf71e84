// A leader's limits and its transport: how much may be uncommitted, under way, being applied; reports; orders handed on.
import { describe, expect, test } from 'vitest'
import { SECOND } from '../kernel/time.ts'
import { entriesApplied, takeCommitted } from './apply.ts'
import { RaftLog } from './log.ts'
import type { RaftOptions } from './options.ts'
import { type Flying, TestCluster, type TestMember } from './testing.ts'
import { receive } from './testingstories.ts'

function elected(members: number, raft: Partial<RaftOptions> = {}): { c: TestCluster; leader: TestMember } {
  const c = new TestCluster({ members, seed: 1, raft })
  c.run(4 * SECOND)
  const leader = c.leader()
  if (leader === undefined) throw new Error('nobody leads')
  return { c, leader }
}

function others(c: TestCluster, member: TestMember): TestMember[] {
  return c.members.filter((other) => other !== member)
}

/** One proposal of so many bytes; true if it was let in. */
function offer(c: TestCluster, member: TestMember, bytes: number): boolean {
  const { last } = member.state.log
  c.step(member, { kind: 'propose', proposals: [{ data: bytes, bytes }] })
  return member.state.log.last > last
}

describe('the limit of what is uncommitted', () => {
  test('more is dropped until something is applied; the first is let in whatever its size', () => {
    const { c, leader } = elected(3, { maxUncommittedBytes: 100 })
    expect(offer(c, leader, 500)).toBe(true)
    expect(offer(c, leader, 1)).toBe(false)
    c.settle()
    expect(leader.state.uncommittedBytes).toBe(0)
    expect([offer(c, leader, 60), offer(c, leader, 40), offer(c, leader, 1)]).toEqual([true, true, false])
    c.settle()
    expect(offer(c, leader, 1)).toBe(true)
  })

  test('without a limit nothing is counted', () => {
    const { c, leader } = elected(3)
    expect(offer(c, leader, 1e9)).toBe(true)
    expect(leader.state.uncommittedBytes).toBe(0)
  })

  test('a new leader begins at nothing', () => {
    const { c, leader } = elected(3, { maxUncommittedBytes: 100 })
    offer(c, leader, 500)
    c.run(10 * SECOND, ({ from, to }) => from === leader.id || to === leader.id)
    const next = c.leader() as TestMember
    expect([next === leader, next.state.uncommittedBytes]).toEqual([false, 0])
    expect(offer(c, next, 90)).toBe(true)
  })
})

test('a window counted in bytes holds appends back until they are answered', () => {
  const { c, leader } = elected(3, { maxInflightBytes: 100 })
  const [a] = others(c, leader) as [TestMember]
  for (let i = 0; i < 5; i++) offer(c, leader, 60)
  const sent = c.flying.filter(({ to, message }) => to === a.id && message.type === 'raft-append')
  expect(sent.filter(({ message }) => message.type === 'raft-append' && message.entries.length > 0)).toHaveLength(2)
  c.settle()
  expect(a.state.log.last).toBe(leader.state.log.last)
})

test('entries are handed out page by page, and what is handed out is not yet applied', () => {
  const { c, leader } = elected(1, { maxApplyingBytes: 100 })
  const { state } = leader
  for (let i = 0; i < 3; i++) c.step(leader, { kind: 'propose', proposals: [{ data: i, bytes: 60 }] })
  // The cluster applies at once; here the state machine is slow.
  const before = state.applied
  for (const write of leader.writes.splice(0)) {
    leader.disk.settle(write)
    state.log.durable = state.log.last
  }
  state.commit = state.log.last
  const first = takeCommitted(state)
  expect(first.map((entry) => entry.index)).toEqual([before + 1])
  const second = takeCommitted(state)
  expect(second.map((entry) => entry.index)).toEqual([before + 2])
  expect(takeCommitted(state)).toEqual([])
  expect([state.applied, state.applying]).toEqual([before, before + 2])
  entriesApplied(state, before + 2, c.now, leader)
  expect(takeCommitted(state).map((entry) => entry.index)).toEqual([before + 3])
})

describe('reports of the transport', () => {
  test('a follower that cannot be reached is probed; a probe that is out stays one', () => {
    const { c, leader } = elected(3)
    const [a] = others(c, leader) as [TestMember]
    const progress = leader.state.progress[a.state.slot]
    offer(c, leader, 1)
    expect(progress?.state).toBe('replicate')
    c.step(leader, { kind: 'unreachable', id: a.id })
    expect([progress?.state, progress?.next]).toEqual(['probe', 2])
    c.step(leader, { kind: 'unreachable', id: 99 })
    c.settle()
    expect(progress?.state).toBe('replicate')
  })

  test.each<[delivered: boolean, next: number]>([
    [false, 2],
    [true, 12],
  ])('a snapshot under way, delivered %s: the next probe begins at %i, after a heartbeat', (delivered, next) => {
    const { c, leader } = elected(3)
    const [a] = others(c, leader) as [TestMember]
    for (let i = 0; i < 10; i++) c.propose(leader)
    c.run(SECOND / 2, ({ from, to }) => from === a.id || to === a.id)
    c.snapshot(leader, 0)
    const progress = leader.state.progress[a.state.slot]
    c.reportsSnapshots = false
    c.run(SECOND, ({ message }) => message.type === 'raft-snapshot')
    expect(progress?.state).toBe('snapshot')
    c.step(leader, { kind: 'snapshot-report', id: a.id, delivered })
    expect([progress?.state, progress?.next, progress?.paused]).toEqual(['probe', next, true])
    c.run(2 * SECOND)
    expect(a.state.applied).toBe(11)
  })
})

describe('a follower that is far behind', () => {
  test('whose window is full and whose log is compacted away comes back by one bare append and a snapshot', () => {
    const { c, leader } = elected(3, { maxInflight: 3 })
    const [a] = others(c, leader) as [TestMember]
    const cut = ({ from, to }: Flying) => from === a.id || to === a.id
    for (let i = 0; i < 8; i++) {
      offer(c, leader, 1)
      c.settle(cut)
    }
    const progress = leader.state.progress[a.state.slot]
    expect([progress?.state, progress?.inflight, progress?.paused]).toEqual(['replicate', 3, true])
    c.snapshot(leader, 0)
    c.run(SECOND / 2)
    expect([a.state.applied, progress?.state]).toEqual([9, 'replicate'])
    expect(a.state.log.snapshot?.index).toBe(9)
  })

  test('goes on with an older snapshot than the one it was sent, if the log holds the rest', () => {
    const { c, leader } = elected(3)
    const [a] = others(c, leader) as [TestMember]
    const cut = ({ from, to }: Flying) => from === a.id || to === a.id
    for (let i = 0; i < 10; i++) offer(c, leader, 1)
    c.run(SECOND / 2, cut)
    c.snapshot(leader, 4)
    c.reportsSnapshots = false
    c.run(SECOND, ({ message }) => message.type === 'raft-snapshot')
    const progress = leader.state.progress[a.state.slot]
    expect([progress?.state, progress?.pendingSnapshot, leader.state.log.compacted]).toEqual(['snapshot', 11, 7])
    receive(c, leader, {
      type: 'raft-append-reply',
      from: a.id,
      term: leader.state.term,
      accepted: true,
      index: 7,
      hintIndex: 0,
      hintTerm: 0,
    })
    expect([progress?.state, progress?.match, progress?.next]).toEqual(['replicate', 7, 12])
  })

  test('that acknowledges more than it was told is committed is told at once, not with the next heartbeat', () => {
    const { c, leader } = elected(3)
    const [a, b] = others(c, leader) as [TestMember, TestMember]
    offer(c, leader, 1)
    offer(c, leader, 1)
    // Two of three commit; what tells the third so is lost, and its own answer comes later.
    const late: Flying[] = []
    c.settle((flying) => {
      const { from, to, message } = flying
      if (from === b.id && message.type === 'raft-append-reply') late.push(flying)
      const isBare = message.type === 'raft-append' && message.entries.length === 0
      return (from === b.id && message.type === 'raft-append-reply') || (to === b.id && isBare)
    })
    expect([leader.state.commit, a.state.commit, b.state.commit]).toEqual([3, 3, 1])
    const progress = leader.state.progress[b.state.slot]
    if (progress !== undefined) progress.sentCommit = 1
    c.deliver(late.at(-1) as Flying)
    c.settle()
    expect(b.state.commit).toBe(3)
  })
})

// What the leader and a follower hold, as terms; where the refused append began; where the next one does.
test.each<[leader: number[], follower: number[], hint: [index: number, term: number], next: number]>([
  [[1, 2, 2, 4, 4, 4, 4], [1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3], [7, 3], 3],
  [[1, 2, 2, 3, 4, 4, 4, 5], [1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3], [8, 3], 4],
  [[1, 1, 1, 1, 5], [1, 1, 1, 1, 2, 2], [5, 2], 4],
  [[1, 1, 1, 6, 6], [1, 1], [2, 1], 2],
  [[3, 3, 3, 3], [1, 1, 2, 2, 2], [4, 2], 0],
])('logs %j and %j meet after one refusal', (held, other, [hintIndex, hintTerm], next) => {
  const logOf = (terms: number[]) =>
    new RaftLog(
      undefined,
      terms.map((term, i) => ({ index: i + 1, term, data: null, bytes: 1 })),
    )
  const [mine, theirs] = [logOf(held), logOf(other)]
  const index = theirs.lastNotAbove(mine.last, mine.lastTerm)
  expect([index, theirs.termAt(index)]).toEqual([hintIndex, hintTerm])
  expect(mine.lastNotAbove(index, theirs.termAt(index))).toBe(next)
})

describe('orders and proposals by way of a follower', () => {
  test('an order to hand over to the leader itself ends one that is under way; another one takes its place', () => {
    const { c, leader } = elected(3)
    const [a, b] = others(c, leader) as [TestMember, TestMember]
    for (const to of [a.id, b.id]) {
      c.step(leader, { kind: 'transfer', to })
      expect(leader.state.transferee).toBe(to)
    }
    c.step(leader, { kind: 'transfer', to: leader.id })
    expect([leader.state.transferee, offer(c, leader, 1)]).toEqual([0, true])
  })

  test('an order to hand over goes to the leader, and the same again does not put its end off', () => {
    const { c, leader } = elected(3)
    const [a, b] = others(c, leader) as [TestMember, TestMember]
    c.step(a, { kind: 'transfer', to: b.id })
    c.settle(({ message }) => message.type === 'raft-timeout-now')
    expect(leader.state.transferee).toBe(b.id)
    const lost = ({ message }: Flying) => message.type === 'raft-timeout-now'
    for (let i = 0; i < 8; i++) {
      c.step(leader, { kind: 'transfer', to: b.id })
      c.run(SECOND / 10, lost)
    }
    expect(offer(c, leader, 1)).toBe(false)
    c.run(SECOND / 2, lost)
    expect([leader.state.transferee, offer(c, leader, 1)]).toEqual([0, true])
  })

  test('a follower that may not hand proposals on says no', () => {
    const { c, leader } = elected(3, { forwardsProposals: false })
    const [a] = others(c, leader) as [TestMember]
    c.propose(a)
    expect(c.flying).toEqual([])
  })
})

describe('reads', () => {
  test('by lease a leader answers at once, but not before it has committed in its term', () => {
    const { c, leader } = elected(3, { readMode: 'lease' })
    c.read(leader)
    expect([c.check.readsAnswered, c.flying.length]).toEqual([1, 0])
    c.crash(leader)
    for (let i = 0; i < 60 && c.leader() === undefined; i++)
      c.run(SECOND / 10, ({ message }) => message.type === 'raft-append')
    c.read(c.leader() as TestMember)
    expect(c.check.readsAnswered).toBe(1)
    c.run(SECOND)
    expect(c.check.readsAnswered).toBe(2)
  })

  test.each<[keeps: boolean, answered: number]>([
    [true, 1],
    [false, 0],
  ])('a read that comes too early, kept %s', (keeps, answered) => {
    const c = new TestCluster({ members: 3, seed: 1, decisions: { keepsEarlyReads: () => keeps } })
    for (let i = 0; i < 60 && c.leader() === undefined; i++)
      c.run(SECOND / 10, ({ message }) => message.type === 'raft-append')
    c.read(c.leader() as TestMember)
    c.run(2 * SECOND)
    expect(c.check.readsAnswered).toBe(answered)
  })
})
