// What makes a lease, and what ends it: one story a case.
import { describe, expect, test } from 'vitest'
import { SECOND } from '../kernel/time.ts'
import { leaseHolds } from './lease.ts'
import { type Flying, TestCluster, type TestMember } from './testing.ts'
import { others, receive } from './testingstories.ts'

function leased(members = 3): { c: TestCluster; leader: TestMember } {
  const c = new TestCluster({ members, seed: 1, raft: { readMode: 'lease' } })
  c.run(5 * SECOND)
  return { c, leader: c.leader() as TestMember }
}

const everything = (): boolean => true

describe('a lease', () => {
  test('lasts nine tenths of an election time-out from when the heartbeats left that a majority answered', () => {
    const { c, leader } = leased()
    expect(leaseHolds(leader.state)).toBe(true)
    c.run(SECOND * 0.7, everything)
    c.read(leader)
    expect([leaseHolds(leader.state), c.check.readsAnswered]).toEqual([true, 1])
    c.run(SECOND * 0.3, everything)
    // It still leads, as CheckQuorum has not counted yet, but asks a majority now.
    c.read(leader)
    expect([leader.state.role, leaseHolds(leader.state), c.check.readsAnswered]).toEqual(['leader', false, 1])
  })

  test('is not made by one follower of four', () => {
    const { c, leader } = leased(5)
    const [a] = others(c, leader) as [TestMember]
    c.run(SECOND, ({ from, to }: Flying) => ![from, to].every((id) => id === leader.id || id === a.id))
    expect(leaseHolds(leader.state)).toBe(false)
  })

  test('ends for the whole term when somebody was told to campaign, whether or not that arrives', () => {
    const { c, leader } = leased()
    const [a] = others(c, leader) as [TestMember]
    c.step(leader, { kind: 'transfer', to: a.id })
    c.run(3 * SECOND, ({ message }) => message.type === 'raft-timeout-now')
    expect([leader.state.role, leader.state.transferee, leaseHolds(leader.state)]).toEqual(['leader', 0, false])
    c.read(leader)
    c.settle()
    expect(c.check.readsAnswered).toBe(1)
  })

  test('ends with a change of who votes, until a majority of those answers', () => {
    const { c, leader } = leased()
    const [a] = others(c, leader) as [TestMember]
    c.change(leader, [{ kind: 'remove', member: a.id }])
    c.settle()
    expect(leaseHolds(leader.state)).toBe(false)
    c.run(SECOND / 5)
    expect(leaseHolds(leader.state)).toBe(true)
  })
})

describe('who answered for a lease', () => {
  const request = (from: number, term: number, lastIndex: number, lastTerm: number, transfer: boolean) =>
    ({ type: 'raft-vote-request', from, term, preVote: false, lastIndex, lastTerm, transfer }) as const

  test.each([
    [false, 0],
    [true, 1],
  ])('gives no vote after a restart before an election time-out is over, by order %s: %i', (transfer, votes) => {
    const { c, leader } = leased()
    const [a, b] = others(c, leader) as [TestMember, TestMember]
    const { term, log } = leader.state
    c.crash(a)
    c.restart(a)
    c.flying = []
    receive(c, a, request(b.id, term + 1, log.last, log.lastTerm, transfer))
    c.sync(a)
    expect(c.flying.filter(({ message }) => message.type === 'raft-vote-reply')).toHaveLength(votes)
  })

  test('gives none either when another leader’s answer has taken it to a later term', () => {
    const { c, leader } = leased()
    const [a, b] = others(c, leader) as [TestMember, TestMember]
    const { term, log } = leader.state
    receive(c, a, { type: 'raft-heartbeat-reply', from: b.id, term: term + 1, read: 0 })
    expect([a.state.term, a.state.leader]).toEqual([term + 1, 0])
    c.flying = []
    receive(c, a, request(b.id, term + 1, log.last, log.lastTerm, false))
    c.sync(a)
    expect([a.state.vote, c.flying]).toEqual([0, []])
  })
})
