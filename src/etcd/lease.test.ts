// Leases over changes of leader: they never die early, and checkpoints keep them from beginning anew each time.
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import * as errors from './errors.ts'
import { LeaseClock, LeaseTable } from './lease.ts'
import { EtcdTrial } from './testing.ts'

/** Seconds until the lease is gone, while the leader is made to change `changes` times on the way. */
function livesFor(leaseCheckpointMicros: number, changes: number): number {
  const trial = new EtcdTrial({ seed: 11, options: { leaseCheckpointMicros } })
  trial.elect()
  trial.must({ type: 'lease-grant', lease: 7, ttlSeconds: 60 })
  trial.must({ type: 'put', key: 'a', value: 1, lease: 7 })
  const from = trial.kernel.now
  for (let i = 0; i < changes; i++) {
    trial.run(25 * SECOND)
    const leader = trial.elect()
    const to = ((leader + 1) % 3) + 1
    expect(trial.answerFrom(trial.members[leader]!, { type: 'move-leader', to })).toMatchObject({ ok: true })
    trial.elect()
  }
  for (let i = 0; i < 300 && trial.view(0).get('a') !== undefined; i++) trial.run(SECOND)
  expect(trial.view(0).get('a')).toBeUndefined()
  return Math.round((trial.kernel.now - from) / SECOND)
}

test('a lease lives for its time; each new leader begins it anew, unless there are checkpoints', () => {
  const undisturbed = livesFor(0, 0)
  expect(undisturbed).toBeGreaterThanOrEqual(60)
  expect(undisturbed).toBeLessThan(63)
  expect(livesFor(0, 2)).toBeGreaterThanOrEqual(50 + 60)
  const checkpointed = livesFor(10 * SECOND, 2)
  expect(checkpointed).toBeGreaterThanOrEqual(60)
  expect(checkpointed).toBeLessThan(85)
})

test('a renewal takes a checkpoint back', () => {
  const trial = new EtcdTrial({ seed: 12, options: { leaseCheckpointMicros: 10 * SECOND } })
  trial.elect()
  trial.must({ type: 'lease-grant', lease: 7, ttlSeconds: 60 })
  trial.run(45 * SECOND)
  trial.must({ type: 'lease-keep-alive', lease: 7 })
  trial.run(SECOND)
  const leader = trial.elect()
  trial.answerFrom(trial.members[leader]!, { type: 'move-leader', to: ((leader + 1) % 3) + 1 })
  trial.run(2 * SECOND)
  trial.elect()
  expect(trial.must({ type: 'lease-time-to-live', lease: 7 })).toMatchObject({ grantedTtlSeconds: 60 })
  trial.run(50 * SECOND)
  expect(trial.must({ type: 'lease-list' })).toMatchObject({ leases: [7] })
})

test('a follower lists the leases, and asks the leader for what they have left', () => {
  const trial = new EtcdTrial({ seed: 13 })
  const leader = trial.elect()
  for (const [lease, ttlSeconds] of [
    [1, 90],
    [2, 30],
    [3, 60],
  ] as const) {
    trial.must({ type: 'lease-grant', lease, ttlSeconds })
  }
  for (const key of ['c', 'a']) trial.must({ type: 'put', key, value: 1, lease: 2 })
  trial.run(SECOND)
  const [first, second] = [trial.members[leader]!, trial.members[(leader + 1) % 3]!]
  expect(trial.answerFrom(first, { type: 'lease-list' })).toMatchObject({ value: { leases: [2, 3, 1] } })
  expect(trial.answerFrom(second, { type: 'lease-list' })).toMatchObject({ value: { leases: [1, 2, 3] } })
  expect(trial.answerFrom(second, { type: 'lease-time-to-live', lease: 2, keys: true })).toMatchObject({
    value: { grantedTtlSeconds: 30, ttlSeconds: 28, keys: ['a', 'c'] },
  })
})

test('the clock revokes no more than it is let, those that expire first are next', () => {
  const table = new LeaseTable()
  const clock = new LeaseClock()
  for (let lease = 1; lease <= 10; lease++) table.grant(lease, lease)
  table.checkpoint(9, 2)
  clock.promote(table, 0, 0, 1_000)
  expect(clock.takeExpired(3 * SECOND, 2)).toEqual([1, 2])
  expect(clock.takeExpired(3 * SECOND, 5)).toEqual([3, 9])
  expect([...clock.byExpiry()].map(([lease]) => lease).slice(0, 3)).toEqual([4, 5, 1])
})

test('leases that would expire together after a promotion are spread over the seconds that their revocation takes', () => {
  const table = new LeaseTable()
  const clock = new LeaseClock()
  for (let lease = 1; lease <= 4_000; lease++) table.grant(lease, 10)
  clock.promote(table, 0, SECOND, 1_000)
  const bySecond = new Map<number, number>()
  for (const [, at] of clock.byExpiry()) {
    const second = Math.floor(at / SECOND)
    bySecond.set(second, (bySecond.get(second) ?? 0) + 1)
  }
  expect([...bySecond.keys()][0]).toBe(11)
  expect(Math.max(...bySecond.values())).toBeLessThanOrEqual(1_000)
  const few = new LeaseTable()
  for (let lease = 1; lease < 1_000; lease++) few.grant(lease, 10)
  clock.promote(few, 0, SECOND, 1_000)
  expect(clock.takeExpired(11 * SECOND, 5_000).length).toBe(999)
})

test('a renewal that comes after the time is over is told so once the lease is revoked, and saves nothing', () => {
  const trial = new EtcdTrial({ seed: 14, options: { leaseCheckMicros: 5 * SECOND } })
  const leader = trial.elect()
  trial.must({ type: 'lease-grant', lease: 7, ttlSeconds: 2 })
  trial.must({ type: 'put', key: 'a', value: 1, lease: 7 })
  trial.run(2.2 * SECOND)
  const renewed = trial.askFrom(trial.members[leader]!, { type: 'lease-keep-alive', lease: 7 })
  trial.run(0.2 * SECOND)
  expect(renewed()).toBeUndefined()
  trial.run(5 * SECOND)
  expect(renewed()).toEqual(errors.LEASE_NOT_FOUND)
  expect(trial.must({ type: 'range', key: 'a' })).toMatchObject({ count: 0 })
})
