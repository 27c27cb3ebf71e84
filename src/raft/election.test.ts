// Stories of few members, told step by step: elections, votes, a member that comes back.
import { describe, expect, test } from 'vitest'
import { SECOND } from '../kernel/time.ts'
import type { RaftDecisions } from './decisions.ts'
import type { TestMember } from './testing.ts'
import { cluster, cutting, elected, others, receive } from './testingstories.ts'

describe('elections', () => {
  test.each([1, 3, 5])('%i members elect one leader that commits an empty entry', (members) => {
    const { c, leader } = elected(members)
    expect(c.members.filter((member) => member.state.role === 'leader')).toEqual([leader])
    expect(leader.state.commit).toBe(1)
    expect(leader.state.log.entryAt(1)?.data).toBeNull()
    for (const member of c.members) expect([member.state.leader, member.state.commit]).toEqual([leader.id, 1])
  })

  test('the term of a quiet cluster never changes', () => {
    const { c, leader } = elected()
    c.run(600 * SECOND)
    expect(leader.state.term).toBe(1)
    expect(c.check.elections).toBe(1)
  })

  test('a candidate’s vote for itself counts only when it is durable', () => {
    const c = cluster(1)
    c.advanceTo(2 * SECOND)
    expect(c.member(1).state.role).toBe('candidate')
    c.sync(c.member(1))
    expect(c.member(1).state.role).toBe('leader')
  })

  test('a vote is answered only when it is durable, and once a term', () => {
    const c = cluster()
    const [one, two, three] = [c.member(1), c.member(2), c.member(3)]
    c.flying = []
    const request = {
      type: 'raft-vote-request',
      term: 5,
      preVote: false,
      lastIndex: 0,
      lastTerm: 0,
      transfer: false,
    } as const
    receive(c, one, { ...request, from: two.id })
    expect(c.flying).toEqual([])
    c.sync(one)
    expect(c.flying).toMatchObject([{ to: 2, message: { granted: true, term: 5 } }])
    c.flying = []
    receive(c, one, { ...request, from: three.id })
    expect(c.flying).toMatchObject([{ to: 3, message: { granted: false } }])
    // The same candidate, whose answer was lost, is answered again; so it is after a crash.
    c.crash(one)
    c.restart(one)
    c.flying = []
    receive(c, one, { ...request, from: two.id })
    expect(c.flying).toMatchObject([{ to: 2, message: { granted: true } }])
  })

  test('without waiting for the disk a crash makes it vote twice', () => {
    const c = cluster(3, { hardStateWaitsForDisk: () => false })
    const one = c.member(1)
    const request = {
      type: 'raft-vote-request',
      term: 5,
      preVote: false,
      lastIndex: 0,
      lastTerm: 0,
      transfer: false,
    } as const
    receive(c, one, { ...request, from: 2 })
    c.crash(one)
    c.restart(one)
    expect(() => receive(c, one, { ...request, from: 3 })).toThrow('vote durability')
  })

  test('a pre-vote changes nobody’s term or vote', () => {
    const c = cluster()
    const one = c.member(1)
    receive(c, one, {
      type: 'raft-vote-request',
      from: 2,
      term: 7,
      preVote: true,
      lastIndex: 0,
      lastTerm: 0,
      transfer: false,
    })
    expect([one.state.term, one.state.vote]).toEqual([0, 0])
    expect(c.flying.at(-1)).toMatchObject({ message: { granted: true, term: 7, preVote: true } })
  })

  test('whoever hears from a leader ignores both kinds of request, unless the leader ordered it', () => {
    const { c, leader } = elected()
    const [voter, rival] = others(c, leader) as [TestMember, TestMember]
    const request = { type: 'raft-vote-request', from: rival.id, lastIndex: 9, lastTerm: 9, transfer: false } as const
    for (const preVote of [true, false]) {
      receive(c, voter, { ...request, term: 9, preVote })
      receive(c, leader, { ...request, term: 9, preVote })
      expect(c.flying).toEqual([])
    }
    expect(leader.state.role).toBe('leader')
    receive(c, voter, { ...request, term: 9, preVote: false, transfer: true })
    expect(voter.state.term).toBe(9)
  })

  test('a log that lacks committed entries is not voted for', () => {
    const { c, leader } = elected()
    const [a, b] = others(c, leader) as [TestMember, TestMember]
    c.propose(leader)
    c.settle(cutting(b.id))
    expect(a.state.log.last).toBe(2)
    c.crash(leader)
    c.run(5 * SECOND)
    expect([a.state.role, b.state.leader]).toEqual(['leader', a.id])
    expect(b.state.log.last).toBe(a.state.log.last)
  })

  test('a leader without a majority steps down within two election time-outs', () => {
    const { c, leader } = elected()
    c.run(2 * SECOND + 1, cutting(leader.id))
    expect(leader.state.role).not.toBe('leader')
  })
})

describe('a member that was cut off', () => {
  const story = (decisions: Partial<RaftDecisions>) => {
    const { c, leader } = elected(3, decisions)
    const [away] = others(c, leader) as [TestMember]
    c.run(8 * SECOND, cutting(away.id))
    const before = leader.state.term
    c.run(8 * SECOND)
    return { changed: c.leader() !== leader || leader.state.term !== before, away, c }
  }

  test('comes back without disturbing anybody', () => {
    const { changed, away } = story({})
    expect(changed).toBe(false)
    expect(away.state.role).toBe('follower')
  })

  test('deposes the leader when there is neither pre-vote nor lease', () => {
    expect(story({ startsWithPreVote: () => false, leaseRefusesVotes: () => false }).changed).toBe(true)
  })
})
