// Members compare what they hold: who differs is found, the alarm stops what etcd's does, and a member that differs does not
// start. The divergence is planted by the applied index that a commit stores without the data that it stands for.
import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../kernel/index.ts'
import { ETCD_DECISIONS } from './decisions.ts'
import * as errors from './errors.ts'
import type { EtcdCorruptionFound, EtcdRefused } from './facts.ts'
import type { EtcdOptionsInput } from './options.ts'
import { EtcdTrial } from './testing.ts'

type Options = Partial<Omit<EtcdOptionsInput, 'name' | 'index' | 'members' | 'streams'>>

function put(i: number) {
  return { type: 'put', key: `k${i % 7}`, value: i } as const
}

/** A cluster in which one follower has lost an entry that it believes to have applied; with `isRight`, none has. */
function diverged(options: Options, isRight = false): { trial: EtcdTrial; leader: number; victim: number } {
  const decisions = isRight ? ETCD_DECISIONS : { consistentIndex: (_settled: number, open: number) => open }
  for (let seed = 0; seed < 40; seed++) {
    const trial = new EtcdTrial({ seed, crashMode: 'keep-unsynced', options: { ...options, decisions } })
    const leader = trial.elect()
    const victim = (leader + 1) % 3
    const process = trial.members[victim] as number
    for (let i = 0; i < 60; i++) {
      trial.ask(put(i))
      trial.run(3_000)
    }
    trial.kernel.crash(process)
    trial.kernel.restart(process)
    trial.run(2 * SECOND)
    if (trial.leaders()[0] !== leader || !trial.view(victim).isRunning) continue
    const isSame = trial.view(victim).storeHash === trial.view(leader).storeHash
    if (isSame === isRight) return { trial, leader, victim }
  }
  throw new Error('no crash hit an open transaction')
}

function found(trial: EtcdTrial): EtcdCorruptionFound[] {
  const facts: EtcdCorruptionFound[] = []
  trial.kernel.subscribe('etcd-corruption-found', (fact) => facts.push(fact as EtcdCorruptionFound))
  return facts
}

/** A cluster in which one follower forgot a deletion when it was restarted. Its revision is that of the others. */
function forgetful(options: Options): { trial: EtcdTrial; victim: number } {
  const trial = new EtcdTrial({ seed: 5, options: { ...options, decisions: { restoresLoneTombstone: () => false } } })
  const victim = (trial.elect() + 1) % 3
  trial.must(put(1))
  trial.must({ type: 'delete', key: 'k1' })
  trial.must(put(2))
  trial.must({ type: 'compact', revision: 3 })
  trial.run(SECOND)
  trial.kernel.crash(trial.members[victim] as number)
  trial.kernel.restart(trial.members[victim] as number)
  trial.run(2 * SECOND)
  return { trial, victim }
}

const CHECKS: readonly (readonly [string, Options])[] = [
  ['present states', { corruptCheckMicros: MINUTE }],
  ['compactions', { compactHashCheckMicros: MINUTE }],
]

/** The alarm is raised for one member, and stops what etcd's stops. */
function expectAlarm(trial: EtcdTrial, member: number): void {
  expect(trial.must({ type: 'alarm', action: 'get', member: 0, alarm: 'any' })).toMatchObject({
    alarms: [{ member, kind: 'corrupt' }],
  })
  const refused = [
    put(1),
    { type: 'delete', key: 'k1' },
    { type: 'txn', compare: [], success: [put(1)], failure: [] },
    { type: 'compact', revision: 70 },
    { type: 'lease-grant', lease: 1, ttlSeconds: 10 },
    { type: 'lease-revoke', lease: 1 },
  ] as const
  for (const request of refused) expect(trial.answer(request)).toEqual(errors.CORRUPT)
  // Reading goes on, and so does asking for hashes.
  expect(trial.must({ type: 'range', key: 'k1' })).toMatchObject({ type: 'range' })
  expect(trial.answerFrom(trial.members[0] as number, { type: 'hash' })).toMatchObject({ ok: true })
  trial.must({ type: 'alarm', action: 'deactivate', member, alarm: 'corrupt' })
  trial.must(put(2))
}

test('the leader compares present states and raises the alarm for who differs', () => {
  const { trial, victim } = forgetful({ corruptCheckMicros: MINUTE })
  const facts = found(trial)
  trial.run(2 * MINUTE)
  expect(facts[0]).toMatchObject({ suspect: victim + 1, revision: 4 })
  expectAlarm(trial, victim + 1)
})

test('who lost an entry is behind, which nobody minds until it leads: then the check names a follower that is ahead', () => {
  const { trial, leader, victim } = diverged({ corruptCheckMicros: MINUTE })
  const facts = found(trial)
  trial.run(2 * MINUTE)
  expect(facts).toEqual([])
  trial.answerFrom(trial.members[leader] as number, { type: 'move-leader', to: victim + 1 })
  trial.run(2 * MINUTE)
  expect(trial.leaders()).toEqual([victim])
  expect(facts[0]?.suspect).not.toBe(victim + 1)
  expectAlarm(trial, facts[0]?.suspect as number)
})

test('the leader compares what all have compacted and raises the alarm for who lost an entry', () => {
  const { trial, victim } = diverged({ compactHashCheckMicros: MINUTE })
  const facts = found(trial)
  for (let i = 0; i < 20; i++) trial.must(put(i))
  trial.must({ type: 'compact', revision: 70 })
  trial.run(2 * MINUTE)
  expect(facts[0]).toMatchObject({ suspect: victim + 1, revision: 70 })
  expectAlarm(trial, victim + 1)
})

test.each(
  CHECKS,
)('members that hold the same raise nothing when %s are compared, whatever is written meanwhile', (_n, options) => {
  const { trial } = diverged(options, true)
  const facts = found(trial)
  for (let i = 0; i < 40; i++) {
    trial.must(put(i))
    if (i % 10 === 9) trial.must({ type: 'compact', revision: 40 + i })
    trial.run(7 * SECOND)
  }
  expect(facts).toEqual([])
})

test('a peer that does not answer is passed over, and one of two that differ cannot be named', () => {
  const { trial, leader, victim } = diverged({ compactHashCheckMicros: MINUTE })
  const facts = found(trial)
  for (let i = 0; i < 20; i++) trial.must(put(i))
  trial.must({ type: 'compact', revision: 70 })
  trial.kernel.crash(trial.members[3 - leader - victim] as number)
  trial.run(2 * MINUTE)
  expect(facts[0]).toMatchObject({ suspect: 0 })
})

test('a member that differs from its peers does not start, and tries again', () => {
  const { trial, victim } = diverged({ initialCorruptCheck: true })
  const refused: EtcdRefused[] = []
  trial.kernel.subscribe('etcd-member-refused', (fact) => refused.push(fact as EtcdRefused))
  trial.run(SECOND)
  const process = trial.members[victim] as number
  trial.kernel.crash(process)
  trial.kernel.restart(process)
  trial.run(25 * SECOND)
  expect(refused.length).toBeGreaterThan(1)
  expect(refused[0]).toMatchObject({ reason: 'differs-from-peers' })
  expect(trial.view(victim).isRunning).toBe(false)
  trial.must(put(1))
})

test('with the check before serving a healthy cluster starts and comes back, one member after another', () => {
  const trial = new EtcdTrial({ seed: 3, options: { initialCorruptCheck: true } })
  trial.elect()
  trial.must(put(1))
  for (const process of trial.members) {
    trial.kernel.crash(process)
    trial.kernel.restart(process)
    trial.run(3 * SECOND)
    trial.must(put(2))
  }
  expect([0, 1, 2].map((index) => trial.view(index).isRunning)).toEqual([true, true, true])
})
