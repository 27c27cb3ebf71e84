// What must happen once trouble ends: random networks in which messages are lost, members crash, leadership is ordered
// about and the membership changes; then a majority is healed, or all, and within a stated number of election time-outs
// there is a leader, retried proposals commit, changes of the membership end, and handing over ends or is given up.
import { describe, expect, test } from 'vitest'
import { type Rand, Streams } from '../kernel/random.ts'
import { SECOND } from '../kernel/time.ts'
import type { RaftDecisions } from './decisions.ts'
import { isJoint } from './membership.ts'
import { type Flying, TestCluster, type TestMember } from './testing.ts'
import { cluster, cutting, elected, others, receive } from './testingstories.ts'

const ELECTION_TIMEOUT = SECOND
/** A pause lasts up to two; the first that ends may be of one that cannot win, or come before the others forget a leader. */
const LEADER_WITHIN = 6
const COMMIT_WITHIN = 2

const DRAWS: Rand = new Streams('raft-liveness').get('trouble')

interface Trouble {
  readonly members: number
  readonly joining: number
  readonly changes: boolean
  readonly decisions?: Partial<RaftDecisions>
}

/** Two minutes of losses, crashes, restarts, cuts, orders to hand over and, perhaps, changes. */
function troubled(seed: number, { members, joining, changes, decisions = {} }: Trouble): TestCluster {
  const c = new TestCluster({ members, joining, seed, decisions })
  const any = (i: number, a: number) => c.members[DRAWS.intAt(0, c.members.length - 1, seed, i, a)] as TestMember
  for (let i = 0; i < 120; i++) {
    const lossPpm = DRAWS.pickAt([0, 100_000, 500_000, 1_000_000], seed, i, 1)
    const alone = DRAWS.intAt(1, c.members.length, seed, i, 2)
    const isCut = cutting(alone)
    let count = 0
    const lost = (flying: Flying) => isCut(flying) || DRAWS.chanceAt(lossPpm, seed, i, 100 + count++)
    if (DRAWS.chanceAt(100_000, seed, i, 4)) c.crash(any(i, 5))
    const down = any(i, 6)
    if (!down.alive && DRAWS.chanceAt(400_000, seed, i, 7)) c.restart(down)
    const leader = c.leader() ?? any(i, 8)
    c.propose(leader)
    if (leader.alive && DRAWS.chanceAt(100_000, seed, i, 9)) c.step(leader, { kind: 'transfer', to: any(i, 10).id })
    if (changes && DRAWS.chanceAt(200_000, seed, i, 11)) {
      const kind = DRAWS.pickAt(['add-voter', 'add-voter', 'add-learner', 'remove'] as const, seed, i, 12)
      const transition = DRAWS.pickAt(['auto', 'implicit', 'explicit'] as const, seed, i, 13)
      c.change(leader, [{ kind, member: any(i, 14).id }], transition)
    }
    if (DRAWS.chanceAt(50_000, seed, i, 15)) c.snapshot(any(i, 16), 2)
    c.run(DRAWS.intAt(SECOND / 10, 2 * SECOND, seed, i, 17), lost)
  }
  return c
}

/** How many election time-outs until something is so, at most `most`; more when it never is. */
function timeoutsUntil(c: TestCluster, most: number, isSo: () => boolean, cut?: (flying: Flying) => boolean): number {
  const from = c.now
  while (!isSo() && c.now - from <= most * ELECTION_TIMEOUT) c.run(SECOND / 10, cut)
  return (c.now - from) / ELECTION_TIMEOUT
}

function leads(c: TestCluster, ids: readonly number[]): boolean {
  return c.members.some(
    ({ id, alive, state }) => alive && ids.includes(id) && state.role === 'leader' && state.commit >= state.termStart,
  )
}

/**
 * One proposal is made again and again, now at one of the healed members and now at another, until each of them knows that
 * it is committed. Whoever does not lead hands it on. Who was removed may never learn of it, and is not asked.
 */
function timeoutsUntilCommitted(c: TestCluster, healed: readonly number[], cut?: (flying: Flying) => boolean): number {
  const members = healed.map((id) => c.member(id))
  let tries = 0
  const proposal = c.propose(members[0] as TestMember)
  const isEverywhere = () => {
    const membership = c.leader()?.state.membership
    const taking = members.filter(({ id, state }) => (membership ?? state.membership).voters.includes(id))
    c.propose(taking[tries++ % taking.length] as TestMember, proposal)
    return taking.every((member) => c.knows(member, proposal))
  }
  return timeoutsUntil(c, COMMIT_WITHIN, isEverywhere, cut)
}

describe('a majority is healed, the rest stays cut off and alive', () => {
  test.each([3, 5])('%i members: a leader, and what is proposed is committed', (members) => {
    let slowest = 0
    for (let seed = 1; seed <= 60; seed++) {
      const c = troubled(seed, { members, joining: 0, changes: false })
      const first = DRAWS.intAt(0, members - 1, seed, 20)
      const whole = Array.from({ length: (members >> 1) + 1 }, (_, i) => ((first + i) % members) + 1)
      for (const id of whole) if (!c.member(id).alive) c.restart(c.member(id))
      const cut = cutting(...whole)
      const elect = timeoutsUntil(c, LEADER_WITHIN, () => leads(c, whole), cut)
      expect(elect, `seed ${seed}`).toBeLessThanOrEqual(LEADER_WITHIN)
      slowest = Math.max(slowest, elect)
      expect(timeoutsUntilCommitted(c, whole, cut), `seed ${seed}`).toBeLessThanOrEqual(COMMIT_WITHIN)
    }
    // The bound is not an idle one: some elections take their time.
    expect(slowest).toBeGreaterThan(1)
  })
})

describe('everybody is healed', () => {
  test('changes of the membership end, whatever was under way', () => {
    let unfinished = 0
    for (let seed = 1; seed <= 80; seed++) {
      const c = troubled(seed, { members: 3, joining: 2, changes: true })
      for (const member of c.members) if (!member.alive) c.restart(member)
      unfinished += Number(c.members.some(({ state }) => isJoint(state.membership)))
      const ids = c.members.map(({ id }) => id)
      expect(
        timeoutsUntil(c, LEADER_WITHIN, () => leads(c, ids)),
        `seed ${seed}`,
      ).toBeLessThanOrEqual(LEADER_WITHIN)
      expect(timeoutsUntilCommitted(c, ids), `seed ${seed}`).toBeLessThanOrEqual(COMMIT_WITHIN)
      const isOver = () => {
        const leader = c.leader()
        if (leader === undefined || leader.state.pendingChange > leader.state.applied) return false
        const { membership } = leader.state
        // What was to be ended by order is ended by order.
        if (isJoint(membership) && !membership.autoLeave) c.change(leader, [])
        return !isJoint(membership)
      }
      expect(timeoutsUntil(c, COMMIT_WITHIN, isOver), `seed ${seed}`).toBeLessThanOrEqual(COMMIT_WITHIN)
    }
    expect(unfinished).toBeGreaterThan(5)
  })

  test('handing over ends with another leader or is given up, and then proposals are taken again', () => {
    let taken = 0
    for (let seed = 1; seed <= 60; seed++) {
      const c = troubled(seed, { members: 3, joining: 0, changes: false })
      for (const member of c.members) if (!member.alive) c.restart(member)
      timeoutsUntil(c, LEADER_WITHIN, () => leads(c, [1, 2, 3]))
      const leader = c.leader() as TestMember
      const successor = others(c, leader)[seed % 2] as TestMember
      // Every third successor is deaf, so the order must be given up.
      const cut = seed % 3 === 0 ? cutting(successor.id) : () => false
      c.step(leader, { kind: 'transfer', to: successor.id })
      const isOver = () => leader.state.role !== 'leader' || leader.state.transferee === 0
      expect(timeoutsUntil(c, 2, isOver, cut), `seed ${seed}`).toBeLessThanOrEqual(1.1)
      taken += Number(successor.state.role === 'leader')
      const hearing = seed % 3 === 0 ? [1, 2, 3].filter((id) => id !== successor.id) : [1, 2, 3]
      expect(timeoutsUntilCommitted(c, hearing, cut), `seed ${seed}`).toBeLessThanOrEqual(COMMIT_WITHIN)
    }
    expect(taken).toBeGreaterThan(35)
  })
})

describe('what history got wrong', () => {
  /** One member is cut off for a while and comes back, over and over; how often a leader that was heard had to go. */
  function deposed(decisions: Partial<RaftDecisions>): number {
    const { c } = elected(3, decisions)
    let count = 0
    for (let i = 0; i < 10; i++) {
      const leader = c.leader() as TestMember
      const [away] = others(c, leader) as [TestMember]
      c.run(5 * ELECTION_TIMEOUT, cutting(away.id))
      c.run(5 * ELECTION_TIMEOUT)
      count += Number(c.leader() !== leader)
    }
    return count
  }

  test.each<[name: string, decisions: Partial<RaftDecisions>, least: number, most: number]>([
    ['nothing', {}, 0, 0],
    ['no rehearsal: whoever comes back has raised its term', { startsWithPreVote: () => false }, 10, 10],
    ['neither rehearsal nor lease', { startsWithPreVote: () => false, leaseRefusesVotes: () => false }, 10, 10],
  ])('a member that comes back: %s', (_name, decisions, least, most) => {
    const count = deposed(decisions)
    expect(count).toBeGreaterThanOrEqual(least)
    expect(count).toBeLessThanOrEqual(most)
  })

  test.each([true, false])('a request for votes that comes while the leader is heard, refused %s', (refuses) => {
    const c = cluster(3, { leaseRefusesVotes: () => refuses, startsWithPreVote: () => false })
    c.run(4 * SECOND)
    const leader = c.leader() as TestMember
    const [a, b] = others(c, leader) as [TestMember, TestMember]
    const { term, log } = leader.state
    for (const to of [leader, a]) {
      receive(c, to, {
        type: 'raft-vote-request',
        from: b.id,
        term: term + 1,
        preVote: false,
        lastIndex: log.last,
        lastTerm: log.lastTerm,
        transfer: false,
      })
    }
    expect(leader.state.role === 'leader').toBe(refuses)
  })

  test.each([
    [true, true],
    [false, false],
  ])('a promoted learner that does not know it, learners vote %s: a leader comes back %s', (answers, comesBack) => {
    const c = new TestCluster({ members: 2, joining: 1, seed: 1, decisions: { learnersAnswerVotes: () => answers } })
    c.run(4 * SECOND)
    const leader = c.leader() as TestMember
    c.change(leader, [{ kind: 'add-learner', member: 3 }])
    c.run(SECOND)
    c.change(leader, [{ kind: 'add-voter', member: 3 }])
    c.run(SECOND, cutting(3))
    const left = [1, 2, 3].filter((id) => id !== leader.id)
    c.crash(leader)
    const took = timeoutsUntil(c, LEADER_WITHIN, () => leads(c, left))
    expect(took <= LEADER_WITHIN).toBe(comesBack)
  })

  test.each([
    [true, true],
    [false, false],
  ])('a read that comes before the term’s first commit, kept %s: is answered %s', (keeps, answered) => {
    const c = cluster(3, { keepsEarlyReads: () => keeps })
    timeoutsUntil(
      c,
      4,
      () => c.leader() !== undefined,
      ({ message }) => message.type === 'raft-append',
    )
    c.read(c.leader() as TestMember)
    c.run(2 * ELECTION_TIMEOUT)
    expect(c.check.readsAnswered > 0).toBe(answered)
  })
})
