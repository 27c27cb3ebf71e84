// A leader's limits and its transport: how much may be uncommitted, under way, being applied; reports; orders handed on.
import { describe, expect, test } from 'vitest'
import { SECOND } from '../kernel/time.ts'
import { entriesApplied, takeCommitted } from './apply.ts'
import type { RaftOptions } from './options.ts'
import { type Flying, TestCluster, type TestMember } from './testing.ts'

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
    c.reportsLoss = false
    c.run(SECOND, ({ message }) => message.type === 'raft-snapshot')
    expect(progress?.state).toBe('snapshot')
    c.step(leader, { kind: 'snapshot-report', id: a.id, delivered })
    expect([progress?.state, progress?.next, progress?.paused]).toEqual(['probe', next, true])
    c.run(2 * SECOND)
    expect(a.state.applied).toBe(11)
  })
})

describe('orders and proposals by way of a follower', () => {
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
