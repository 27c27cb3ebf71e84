// Stories of a changing membership: learners, promotion, joint changes and their ends, leaders that leave, what is refused.
import { describe, expect, test } from 'vitest'
import { SECOND } from '../kernel/time.ts'
import type { RaftDecisions } from './decisions.ts'
import type { MemberChange } from './membership.ts'
import type { RaftOptions } from './options.ts'
import { type Flying, TestCluster, type TestMember } from './testing.ts'
import type { MemberId } from './types.ts'

const add = (member: MemberId): MemberChange => ({ kind: 'add-voter', member })
const learn = (member: MemberId): MemberChange => ({ kind: 'add-learner', member })
const remove = (member: MemberId): MemberChange => ({ kind: 'remove', member })

function elected(
  members: number,
  joining: number,
  decisions: Partial<RaftDecisions> = {},
  raft: Partial<RaftOptions> = {},
): { c: TestCluster; leader: TestMember } {
  const c = new TestCluster({ members, joining, seed: 1, decisions, raft })
  c.run(4 * SECOND)
  const leader = c.leader()
  if (leader === undefined) throw new Error('nobody leads')
  return { c, leader }
}

function others(c: TestCluster, member: TestMember): TestMember[] {
  return c.members.filter((other) => other !== member)
}

function cutting(...ids: number[]): (flying: Flying) => boolean {
  return ({ from, to }) => ids.includes(from) !== ids.includes(to)
}

function refusals(c: TestCluster): string[] {
  return c.facts.flatMap((fact) => (fact.type === 'raft-change-refused' ? [fact.reason] : []))
}

describe('learners', () => {
  test('a learner gets the log, votes for nothing, and campaigns never; promoted it counts', () => {
    const { c, leader } = elected(3, 1)
    const learner = c.member(4)
    c.propose(leader)
    c.change(leader, [learn(4)])
    c.run(SECOND)
    expect(learner.state.membership.learners).toEqual([4])
    expect(learner.state.log.last).toBe(leader.state.log.last)
    // Two of three voters are away: the learner's copy commits nothing.
    const away = others(c, leader).filter((member) => member !== learner)
    const { commit } = leader.state
    c.propose(leader)
    c.settle(cutting(...away.map((member) => member.id)))
    expect([leader.state.commit, learner.state.log.last]).toEqual([commit, commit + 1])
    c.run(SECOND)
    c.run(20 * SECOND, cutting(4))
    expect([learner.state.role, learner.state.term]).toEqual(['follower', leader.state.term])
    c.run(SECOND)
    c.change(leader, [add(4)])
    c.run(SECOND)
    for (const member of c.members) expect(member.state.membership.voters).toEqual([1, 2, 3, 4])
    expect(leader.state.electorate.incoming).toHaveLength(4)
  })

  test('leadership is not handed to a learner', () => {
    const { c, leader } = elected(3, 1)
    c.change(leader, [learn(4)])
    c.run(SECOND)
    c.step(leader, { kind: 'transfer', to: 4 })
    expect(leader.state.transferee).toBe(0)
  })

  test.each([true, false])('a promoted learner that does not know it yet: learners answer votes %s', (answers) => {
    const { c, leader } = elected(2, 1, { learnersAnswerVotes: () => answers })
    const [other] = others(c, leader) as [TestMember]
    const learner = c.member(3)
    c.change(leader, [learn(3)])
    c.run(SECOND)
    // The promotion reaches the learner's log; that it is committed does not reach it.
    c.change(leader, [add(3)])
    c.settle(({ to, message }) => to === 3 && message.type === 'raft-append' && message.commit > learner.state.commit)
    expect(other.state.membership.voters).toEqual([1, 2, 3])
    expect(learner.state.membership.learners).toEqual([3])
    c.crash(leader)
    c.run(20 * SECOND)
    expect(c.leader()?.id).toBe(answers ? other.id : undefined)
  })
})

describe('joint changes', () => {
  test.each<['auto' | 'implicit']>([['auto'], ['implicit']])('%s: the leader ends it by itself', (transition) => {
    const { c, leader } = elected(3, 2)
    const gone = others(c, leader)[0] as TestMember
    c.change(leader, [add(4), add(5), remove(gone.id)], transition)
    c.run(2 * SECOND)
    const voters = [1, 2, 3, 4, 5].filter((id) => id !== gone.id)
    expect(leader.state.membership).toMatchObject({ voters, outgoing: [], autoLeave: false })
    const seen = c.facts.flatMap((fact) =>
      fact.type === 'raft-membership-changed' && fact.id === leader.id ? [fact.membership.outgoing] : [],
    )
    expect(seen).toEqual([[1, 2, 3], []])
  })

  test('explicit: it lasts until it is ended, both majorities are needed, and no other change is taken', () => {
    const { c, leader } = elected(3, 2)
    c.change(leader, [add(4), add(5)], 'explicit')
    c.run(2 * SECOND)
    expect(leader.state.membership).toMatchObject({ voters: [1, 2, 3, 4, 5], outgoing: [1, 2, 3] })
    const before = leader.state.commit
    // Three of the five hold it, but only one of the old three.
    c.propose(leader)
    c.settle(cutting(...others(c, leader).flatMap(({ id }) => (id <= 3 ? [id] : []))))
    expect(leader.state.commit).toBe(before)
    c.run(SECOND)
    c.change(leader, [remove(5)])
    c.settle()
    expect(refusals(c)).toEqual(['already-joint'])
    c.change(leader, [])
    c.run(SECOND)
    expect(leader.state.membership.outgoing).toEqual([])
  })

  test('a new leader ends what its predecessor began', () => {
    const { c, leader } = elected(3, 2)
    c.change(leader, [add(4), add(5)])
    // The joint change is committed and in use at the leader; its end reaches nobody.
    c.settle(({ message }) => message.type === 'raft-append' && message.entries.some((entry) => entry.index > 2))
    expect(leader.state.membership.outgoing).toEqual([1, 2, 3])
    expect(others(c, leader).some((member) => member.state.log.last > 2)).toBe(false)
    c.crash(leader)
    c.run(20 * SECOND)
    expect(c.leader()?.state.membership).toMatchObject({ voters: [1, 2, 3, 4, 5], outgoing: [] })
  })
})

describe('leaders that leave', () => {
  test('a leader that removes itself commits that, steps down, and the rest go on', () => {
    const { c, leader } = elected(3, 0)
    c.change(leader, [remove(leader.id)])
    c.run(SECOND / 2)
    expect([leader.state.role, leader.state.slot]).toEqual(['follower', -1])
    c.run(20 * SECOND)
    const next = c.leader() as TestMember
    expect(next.state.members).not.toContain(leader.id)
    c.propose(next)
    c.run(SECOND)
    expect(next.state.commit).toBe(next.state.log.last)
    expect(leader.state.role).toBe('follower')
  })

  test('without stepping down it leads on, proposes nothing, and its own log does not count', () => {
    const { c, leader } = elected(3, 0, {}, { leavesWhenRemoved: false })
    c.change(leader, [remove(leader.id)])
    c.run(SECOND / 2)
    expect([leader.state.role, leader.state.slot]).toEqual(['leader', -1])
    const { last } = leader.state.log
    c.propose(leader)
    expect(leader.state.log.last).toBe(last)
  })

  test('a transfer to a member that is removed meanwhile is given up', () => {
    const { c, leader } = elected(3, 0)
    const [a] = others(c, leader) as [TestMember]
    c.change(leader, [remove(a.id)])
    c.step(leader, { kind: 'transfer', to: a.id })
    c.settle(
      ({ message, to }) => message.type === 'raft-timeout-now' || (to === a.id && message.type === 'raft-append'),
    )
    expect([leader.state.members.includes(a.id), leader.state.transferee]).toEqual([false, 0])
  })
})

describe('what is refused', () => {
  test('a second change before the first is applied becomes an empty entry', () => {
    const { c, leader } = elected(3, 2)
    c.change(leader, [add(4)])
    c.change(leader, [add(5)])
    expect(refusals(c)).toEqual(['change-pending'])
    expect(leader.state.log.entryAt(leader.state.log.last)?.data).toBeNull()
    c.run(SECOND)
    expect(leader.state.membership.voters).toEqual([1, 2, 3, 4])
  })

  test('two changes at once lose a committed entry when a new leader does not wait', () => {
    for (const defective of [false, true]) {
      const { c, leader: one } = elected(3, 2, defective ? { acceptsChange: (_settled, pending) => !pending } : {})
      const [two, three] = others(c, one) as [TestMember, TestMember]
      // The first change reaches one other member and is not committed.
      c.change(one, [add(4)])
      const cut = ({ from, to, message }: Flying) =>
        from === three.id || to === three.id || message.type === 'raft-append-reply'
      c.settle(cut)
      expect(two.state.log.last).toBe(2)
      c.crash(one)
      // That member is elected, and before anything is committed in its term the next change is asked of it.
      for (let i = 0; i < 60 && two.state.role !== 'leader'; i++) {
        three.electionAt = 0
        c.run(SECOND / 4, ({ message }) => message.type === 'raft-append')
      }
      expect([two.state.role, two.state.commit]).toEqual(['leader', 1])
      c.restart(one)
      c.change(two, [add(5)])
      expect(refusals(c)).toEqual(defective ? [] : ['changes-wait-for-commit'])
      if (!defective) continue
      // Both changes are committed by one and two, of which one does not hear; then two, four and five go on alone.
      const alone = cutting(one.id, three.id)
      c.run(SECOND, ({ from, to, message }) => {
        if (from === three.id || to === three.id) return true
        return to === one.id && 'commit' in message && message.commit > 1
      })
      expect(two.state.membership.voters).toEqual([1, 2, 3, 4, 5])
      expect(one.state.membership.voters).toEqual([1, 2, 3])
      c.propose(two)
      // One counts its votes among the first three.
      expect(() => c.run(5 * SECOND, alone)).toThrow('leader completeness')
    }
  })
})

test('a newcomer far behind gets a snapshot, and with it the membership', () => {
  const { c, leader } = elected(3, 1)
  for (let i = 0; i < 10; i++) c.propose(leader)
  c.run(SECOND)
  c.change(leader, [learn(4)])
  c.settle(({ to }) => to === 4)
  c.snapshot(leader, 0)
  c.run(3 * SECOND)
  const newcomer = c.member(4)
  expect([newcomer.state.log.snapshot?.index, newcomer.state.membership.learners]).toEqual([12, [4]])
  c.crash(newcomer)
  c.restart(newcomer)
  expect(newcomer.state.membership.learners).toEqual([4])
})

test('a snapshot that leaves this member out is not taken', () => {
  const { c, leader } = elected(3, 1)
  const membership = { voters: [1, 2, 3], outgoing: [], learners: [], learnersNext: [], autoLeave: false }
  const snapshot = { index: 50, term: 1, data: '', bytes: 1, membership }
  const message = { type: 'raft-snapshot', from: leader.id, term: leader.state.term, snapshot } as const
  c.step(c.member(4), { kind: 'message', message })
  expect(c.member(4).state.log.last).toBe(0)
})
