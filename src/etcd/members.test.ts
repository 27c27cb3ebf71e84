// Who may join, leave and be promoted: a table of refusals, then a cluster that grows, loses members and goes on.
import { describe, expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import type { Membership } from '../raft/index.ts'
import { ETCD_DECISIONS } from './decisions.ts'
import * as errors from './errors.ts'
import { changeFor, type Standing } from './members.ts'
import type { MemberChangeRequest } from './requests.ts'
import { EtcdTrial } from './testing.ts'

function standing(voters: number[], learners: number[], more: Partial<Standing> = {}): Standing {
  const membership: Membership = { voters, outgoing: [], learners, learnersNext: [], autoLeave: false }
  return {
    membership,
    self: 1,
    first: [11, 12, 13],
    maxLearners: 1,
    removed: [29],
    wasHeard: () => true,
    isConnected: () => true,
    match: () => 100,
    learnerIsReady: ETCD_DECISIONS.learnerIsReady,
    ...more,
  }
}

const never = { wasHeard: () => false, isConnected: () => false }
const add: MemberChangeRequest = { type: 'member-add', process: 20 }
const learn: MemberChangeRequest = { ...add, isLearner: true }
const promote: MemberChangeRequest = { type: 'member-promote', member: 23 }

test.each<[name: string, request: MemberChangeRequest, standing: Standing, answer: unknown]>([
  ['a fourth member', add, standing([1, 2, 3], []), { kind: 'add-voter', member: 23 }],
  [
    'a second member, which no majority could wait for',
    add,
    standing([1], [], never),
    { kind: 'add-voter', member: 23 },
  ],
  ['a third member while the second never started', add, standing([1, 2], [], never), errors.NOT_ENOUGH_STARTED],
  ['a member while another is away', add, standing([1, 2, 3], [], { isConnected: (id) => id !== 3 }), errors.UNHEALTHY],
  ['a member that is there', { type: 'member-add', process: 12 }, standing([1, 2, 3], []), errors.MEMBER_EXISTS],
  ['a member that was removed', { ...add, process: 26 }, standing([1, 2, 3], []), errors.MEMBER_REMOVED],
  ['a learner', learn, standing([1, 2, 3], [], never), { kind: 'add-learner', member: 23 }],
  ['a second learner', learn, standing([1, 2, 3], [24]), errors.TOO_MANY_LEARNERS],
  ['a learner that has caught up', promote, standing([1, 2], [23]), { kind: 'add-voter', member: 23 }],
  [
    'a learner that is far behind',
    promote,
    standing([1, 2], [23], { match: (id) => (id === 23 ? 89 : 100) }),
    errors.LEARNER_NOT_READY,
  ],
  [
    'a learner that never started, with the check that etcd once had',
    promote,
    standing([1, 2], [23], { match: (id) => (id === 23 ? 0 : 100), learnerIsReady: () => true }),
    { kind: 'add-voter', member: 23 },
  ],
  ['a voter is promoted', { type: 'member-promote', member: 2 }, standing([1, 2], []), errors.MEMBER_NOT_LEARNER],
  ['nobody is promoted', promote, standing([1, 2], []), errors.MEMBER_NOT_FOUND],
  ['nobody leaves', { type: 'member-remove', member: 9 }, standing([1, 2], []), errors.MEMBER_NOT_FOUND],
  ['a learner leaves', { type: 'member-remove', member: 23 }, standing([1], [23]), { kind: 'remove', member: 23 }],
  ['one of three leaves', { type: 'member-remove', member: 2 }, standing([1, 2, 3], []), { kind: 'remove', member: 2 }],
  [
    'one of three leaves while another is away',
    { type: 'member-remove', member: 2 },
    standing([1, 2, 3], [], { isConnected: (id) => id !== 3 }),
    errors.UNHEALTHY,
  ],
  [
    'the one that is away leaves',
    { type: 'member-remove', member: 3 },
    standing([1, 2, 3], [], { isConnected: (id) => id !== 3 }),
    { kind: 'remove', member: 3 },
  ],
])('%s', (_name, request, given, answer) => {
  expect(changeFor(request, given)).toEqual(answer)
})

function listed(trial: EtcdTrial): string[] {
  const response = trial.must({ type: 'member-list' })
  if (response.type !== 'members') throw new Error('no list of members')
  return response.members.map(({ member, isLearner }) => `${member}${isLearner ? ' learns' : ''}`)
}

describe('a cluster', () => {
  test('grows by a learner that is promoted, and serves from the new majority', () => {
    const trial = new EtcdTrial({ seed: 3 })
    trial.elect()
    for (let i = 0; i < 50; i++) trial.must({ type: 'put', key: `k${i}`, value: i })
    const process = trial.join('etcd-3')
    const member = 3 + process
    trial.must({ type: 'member-add', process, isLearner: true })
    expect(listed(trial)).toEqual(['1', '2', '3', `${member} learns`])
    trial.run(2 * SECOND)
    expect(trial.viewOf(process)).toMatchObject({ revision: 51, role: 'follower' })
    // A learner answers only what need not be true any more.
    expect(trial.answerFrom(process, { type: 'put', key: 'x', value: 1 })).toBe(errors.LEARNER_REFUSES)
    expect(trial.answerFrom(process, { type: 'range', key: 'k7', serializable: true })).toMatchObject({
      value: { values: [{ value: 7 }] },
    })
    trial.must({ type: 'member-promote', member })
    trial.run(SECOND)
    expect(listed(trial)).toEqual(['1', '2', '3', `${member}`])
    // Three of four are a majority; two of them are not.
    const heal = trial.isolate(0, 1)
    trial.run(15 * SECOND)
    expect(trial.leaders()).toEqual([])
    heal()
    trial.run(5 * SECOND)
    expect(trial.answerFrom(process, { type: 'put', key: 'x', value: 1 })).toMatchObject({ ok: true })
  })

  test('removes its leader: another leads, the removed one stays down, watches go on elsewhere', () => {
    const trial = new EtcdTrial({ seed: 5 })
    const leader = trial.elect()
    const seen = trial.watch({ key: 'a', rangeEnd: 'z' })
    for (let i = 0; i < 5; i++) trial.must({ type: 'put', key: 'b', value: i })
    trial.must({ type: 'member-remove', member: leader + 1 })
    trial.run(5 * SECOND)
    expect(trial.view(leader).isRunning).toBe(false)
    expect(trial.leaders()).toHaveLength(1)
    for (let i = 5; i < 10; i++) {
      // A write is not repeated by the client when its member goes.
      while (!trial.answer({ type: 'put', key: 'b', value: i }).ok) trial.run(SECOND)
    }
    trial.run(SECOND)
    expect(listed(trial)).toHaveLength(2)
    expect([...new Set(seen.events.map((event) => event.kv.value))]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    trial.kernel.crash(trial.members[leader]!)
    trial.run(SECOND)
    trial.kernel.restart(trial.members[leader]!)
    trial.run(5 * SECOND)
    expect(trial.view(leader).isRunning).toBe(false)
  })

  test('gives a newcomer the snapshot, with its members, when the log is gone', () => {
    const trial = new EtcdTrial({ seed: 7, options: { snapshotEntries: 40, catchUpEntries: 10 } })
    trial.elect()
    const first = trial.join('etcd-3')
    trial.must({ type: 'member-add', process: first })
    for (let i = 0; i < 200; i++) trial.must({ type: 'put', key: `k${i % 20}`, value: i })
    const second = trial.join('etcd-4')
    trial.must({ type: 'member-add', process: second, isLearner: true })
    trial.run(3 * SECOND)
    expect(trial.viewOf(second)).toMatchObject({ revision: 201 })
    expect(trial.viewOf(second).firstIndex).toBeGreaterThan(1)
    const list = trial.answerFrom(first, { type: 'member-list' })
    expect(list).toMatchObject({ value: { members: [{}, {}, {}, { process: first }, { process: second }] } })
  })

  test('hands leadership over when told to', () => {
    const trial = new EtcdTrial({ seed: 9 })
    const leader = trial.elect()
    const to = ((leader + 1) % 3) + 1
    const other = trial.members[(leader + 1) % 3]!
    expect(trial.answerFrom(other, { type: 'move-leader', to })).toBe(errors.NOT_LEADER)
    expect(trial.answerFrom(trial.members[leader]!, { type: 'move-leader', to })).toMatchObject({ ok: true })
    trial.run(SECOND)
    expect(trial.leaders()).toEqual([to - 1])
  })
})
