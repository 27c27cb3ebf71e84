// Stories of few members, told step by step: conflicts, commitment, snapshots, reads, handing over.
import { describe, expect, test } from 'vitest'
import { SECOND } from '../kernel/time.ts'
import type { Flying, TestMember } from './testing.ts'
import { cluster, cutting, elected, others, receive } from './testingstories.ts'

describe('replication', () => {
  test('an entry is committed when a majority holds it durably, the leader included', () => {
    const { c, leader } = elected()
    const [a, b] = others(c, leader) as [TestMember, TestMember]
    c.propose(leader)
    for (const flying of c.flying.splice(0)) c.deliver(flying)
    // Nothing is durable anywhere: nobody answers.
    expect(c.flying).toEqual([])
    c.sync(a)
    for (const flying of c.flying.splice(0)) c.deliver(flying)
    expect(leader.state.commit).toBe(1)
    c.sync(b)
    for (const flying of c.flying.splice(0)) c.deliver(flying)
    expect(leader.state.commit).toBe(2)
    // The leader does not apply what its own disk does not have.
    expect(leader.state.applied).toBe(1)
    c.sync(leader)
    expect(leader.state.applied).toBe(2)
  })

  test('an older append that comes late takes nothing away', () => {
    const { c, leader } = elected()
    const [a] = others(c, leader) as [TestMember]
    c.propose(leader)
    const late = c.flying.find((flying) => flying.to === a.id) as Flying
    c.settle()
    for (let i = 0; i < 3; i++) c.propose(leader)
    c.settle()
    expect([a.state.log.last, a.state.commit]).toEqual([5, 5])
    c.deliver(late)
    expect(a.state.log.last).toBe(5)
    expect(c.facts.filter((fact) => fact.type === 'raft-log-truncated')).toEqual([])
  })

  test('with the log cut behind the previous entry it takes acknowledged entries away', () => {
    const { c, leader } = elected(3, { cutsLogFrom: (_conflict, previous) => previous + 1 })
    const [a] = others(c, leader) as [TestMember]
    c.propose(leader)
    const late = c.flying.find((flying) => flying.to === a.id) as Flying
    c.settle()
    c.propose(leader)
    c.settle()
    expect(() => c.deliver(late)).toThrow('a committed entry is never cut off')
    expect(c.facts.at(-1)).toMatchObject({ type: 'raft-log-truncated', from: 2, committedIndex: 3 })
  })

  test('a deposed leader’s entries are replaced, whole terms at a time', () => {
    const { c, leader } = elected()
    const cut = cutting(leader.id)
    for (let i = 0; i < 10; i++) c.propose(leader)
    c.run(5 * SECOND, cut)
    const next = c.leader() as TestMember
    expect(next).not.toBe(leader)
    for (let i = 0; i < 3; i++) c.propose(next)
    c.run(SECOND, cut)
    let refusals = 0
    c.run(SECOND, ({ message }) => {
      if (message.type === 'raft-append-reply' && !message.accepted && message.from === leader.id) refusals++
      return false
    })
    expect(leader.state.log.last).toBe(next.state.log.last)
    expect(leader.state.log.lastTerm).toBe(next.state.term)
    expect(refusals).toBeLessThanOrEqual(2)
    expect(c.facts).toContainEqual(expect.objectContaining({ type: 'raft-log-truncated', from: 2, lastIndex: 11 }))
  })

  test('lost appends are sent again', () => {
    const { c, leader } = elected()
    const [a] = others(c, leader) as [TestMember]
    for (let i = 0; i < 5; i++) c.propose(leader)
    c.settle(({ to, message }) => to === a.id && message.type === 'raft-append' && message.previousIndex < 4)
    c.run(SECOND)
    expect([a.state.log.last, a.state.commit]).toEqual([6, 6])
  })

  test('a follower hands proposals on; without a leader it says no', () => {
    const { c, leader } = elected()
    const [a] = others(c, leader) as [TestMember]
    c.propose(a)
    c.settle()
    expect(leader.state.commit).toBe(2)
    const lonely = cluster()
    lonely.propose(lonely.member(1))
    expect(lonely.flying).toEqual([])
  })

  test('an older term’s entry is not committed by counting', () => {
    // Member 1 holds an entry of term 2 that member 2 gets from it only in term 4.
    for (const defective of [false, true]) {
      const c = cluster(5, defective ? { commitsByCounting: () => true } : {})
      const leader = c.member(1)
      const old = { index: 1, term: 2, data: 'old', bytes: 1 }
      leader.disk.entries = [old]
      leader.disk.hardState = { term: 3, vote: 0, commit: 0 }
      c.crash(leader)
      c.restart(leader)
      // It campaigns and wins term 4 with the votes of 2 and 3; its own empty entry reaches nobody.
      c.flying = []
      c.advanceTo(c.now + 3 * SECOND)
      for (const member of others(c, leader)) c.crash(member)
      receive(c, leader, {
        type: 'raft-vote-reply',
        from: 2,
        term: leader.state.term + 1,
        preVote: true,
        granted: true,
      })
      receive(c, leader, {
        type: 'raft-vote-reply',
        from: 3,
        term: leader.state.term + 1,
        preVote: true,
        granted: true,
      })
      c.sync(leader)
      for (const from of [2, 3]) {
        receive(c, leader, { type: 'raft-vote-reply', from, term: leader.state.term, preVote: false, granted: true })
      }
      expect(leader.state.role).toBe('leader')
      c.sync(leader)
      const reply = { type: 'raft-append-reply', term: leader.state.term, hintIndex: 0, hintTerm: 0 } as const
      for (const from of [2, 3]) receive(c, leader, { ...reply, from, accepted: true, index: 1 })
      expect(leader.state.commit).toBe(defective ? 1 : 0)
      for (const from of [2, 3]) receive(c, leader, { ...reply, from, accepted: true, index: 2 })
      expect(leader.state.commit).toBe(2)
    }
  })
})

describe('one member', () => {
  test('acknowledges when its disk has the entry; with ack before wal, at once', () => {
    for (const early of [false, true]) {
      const { c, leader } = elected(1, early ? { ownMatch: (_durable, last) => last } : {})
      c.propose(leader)
      expect(leader.state.applied).toBe(early ? 2 : 1)
      c.settle()
      expect(leader.state.applied).toBe(2)
    }
  })
})

describe('snapshots', () => {
  test('a follower that needs what was compacted gets a snapshot, then the rest', () => {
    const { c, leader } = elected()
    const [a] = others(c, leader) as [TestMember]
    const cut = cutting(a.id)
    for (let i = 0; i < 10; i++) c.propose(leader)
    c.run(SECOND / 2, cut)
    c.snapshot(leader, 2)
    expect(leader.state.log.compacted).toBe(9)
    for (let i = 0; i < 3; i++) c.propose(leader)
    c.run(SECOND / 2, cut)
    c.run(SECOND)
    expect(a.state.log.snapshot?.index).toBe(11)
    expect([a.state.log.last, a.state.applied]).toEqual([14, 14])
    expect(c.facts).toContainEqual(expect.objectContaining({ type: 'raft-snapshot-installed', index: 11 }))
    // It survives a crash right after.
    c.crash(a)
    c.restart(a)
    expect([a.state.log.compacted, a.state.log.last]).toEqual([11, 14])
  })

  test('a snapshot that is lost is sent again', () => {
    const { c, leader } = elected()
    const [a] = others(c, leader) as [TestMember]
    for (let i = 0; i < 10; i++) c.propose(leader)
    c.run(SECOND / 2, cutting(a.id))
    c.snapshot(leader, 0)
    c.run(2 * SECOND, ({ message }) => message.type === 'raft-snapshot')
    expect(a.state.applied).toBe(1)
    c.run(10 * SECOND)
    expect(a.state.applied).toBe(11)
  })

  test.each<[name: string, index: number, term: number]>([
    ['older than what is committed', 3, 1],
    ['of what the log holds already', 6, 1],
  ])('a snapshot %s replaces nothing', (_name, index, term) => {
    const { c, leader } = elected()
    const [a] = others(c, leader) as [TestMember]
    for (let i = 0; i < 5; i++) c.propose(leader)
    c.settle()
    const { log } = a.state
    const snapshot = { index, term, data: '', bytes: 1 }
    receive(c, a, { type: 'raft-snapshot', from: leader.id, term: leader.state.term, snapshot })
    expect([log.compacted, log.last]).toEqual([0, 6])
    expect(c.flying.at(-1)).toMatchObject({ message: { accepted: true, index: 6 } })
  })
})

describe('reads', () => {
  test('a read is answered after a majority confirmed the leader', () => {
    const { c, leader } = elected()
    c.read(leader)
    expect(c.check.readsAnswered).toBe(0)
    c.settle()
    expect(c.check.readsAnswered).toBe(1)
    c.read(leader)
    c.settle(cutting(leader.id))
    expect(c.check.readsAnswered).toBe(1)
  })

  test('a follower’s read goes over the leader', () => {
    const { c, leader } = elected()
    const [a] = others(c, leader) as [TestMember]
    c.read(a)
    c.settle()
    expect(c.check.readsAnswered).toBe(1)
  })

  test('one member answers at once', () => {
    const { c, leader } = elected(1)
    c.read(leader)
    expect(c.check.readsAnswered).toBe(1)
  })

  test('a new leader keeps a read until it has committed in its term; with the defect it answers behind the truth', () => {
    for (const defective of [false, true]) {
      const { c, leader } = elected(3, defective ? { servesReads: () => true } : {})
      const [a, b] = others(c, leader) as [TestMember, TestMember]
      c.propose(leader)
      // It reaches a and b, and the leader commits it; that it is committed reaches nobody.
      c.settle(({ message }) => message.type === 'raft-append' && message.commit === 2)
      expect([leader.state.applied, a.state.commit, b.state.commit]).toEqual([2, 1, 1])
      c.crash(leader)
      // A successor is elected, but none of its appends arrives.
      for (let i = 0; i < 40 && c.leader() === undefined; i++)
        c.run(SECOND / 10, ({ message }) => message.type === 'raft-append')
      const successor = c.leader() as TestMember
      const ask = () => {
        c.read(successor)
        c.settle(({ message }) => message.type === 'raft-append')
      }
      if (defective) expect(ask).toThrow('linearizable read')
      else {
        ask()
        expect(c.check.readsAnswered).toBe(0)
        c.run(SECOND)
        expect(c.check.readsAnswered).toBe(1)
      }
    }
  })
})

test('leadership is handed over without an election pause, and nothing is proposed meanwhile', () => {
  const { c, leader } = elected()
  const [a] = others(c, leader) as [TestMember]
  c.step(leader, { kind: 'transfer', to: a.id })
  const { last } = leader.state.log
  c.propose(leader)
  expect(leader.state.log.last).toBe(last)
  c.settle()
  expect(c.leader()).toBe(a)
  expect(a.state.term).toBe(2)
})
