// Cases that etcd's own tests of watches and leases go through (watchable_store_test.go, lessor_test.go), told anew on a cluster.
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import * as errors from './errors.ts'
import { EtcdTrial } from './testing.ts'

const put = (key: string, value: unknown, lease?: number) =>
  ({ type: 'put', key, value, ...(lease === undefined ? {} : { lease }) }) as const

test('a watch from a revision that is yet to come sees nothing before it', () => {
  const trial = new EtcdTrial({ seed: 21 })
  trial.elect()
  const seen = trial.watch({ key: 'a', startRevision: 10 })
  for (let i = 2; i <= 12; i++) trial.must(put('a', i))
  trial.run(SECOND)
  expect(seen.events.map(({ kv }) => kv.modRevision)).toEqual([10, 11, 12])
})

test('a watch that was up to date gets what it missed when its member is brought up by a snapshot', () => {
  const trial = new EtcdTrial({ seed: 22, options: { snapshotEntries: 10, catchUpEntries: 5 } })
  const leader = trial.elect()
  const late = (leader + 1) % 3
  const process = trial.members[late] as number
  const [other] = trial.clients
  // The client sticks to the member that will be cut off.
  for (let i = 0; i < 8 && trial.client().client.endpoint !== process; i++) {
    trial.kernel.enter(other as number, (_machine, out) =>
      trial.client().client.onDisconnect(trial.client().client.endpoint, out),
    )
    trial.run(SECOND)
  }
  expect(trial.client().client.endpoint).toBe(process)
  trial.must(put('a', 0))
  const seen = trial.watch({ key: 'a', startRevision: 1 })
  trial.run(SECOND)
  let restored = 0
  trial.kernel.subscribe('etcd-restored', (fact) => {
    if ((fact as unknown as { source: string }).source === 'leader') restored++
  })
  const peers = new Set(trial.members.filter((member) => member !== process))
  const rules = [
    { id: 'to', from: peers, to: new Set([process]) },
    { id: 'from', from: new Set([process]), to: peers },
  ].map((rule) => trial.kernel.network.addRule({ ...rule, verdict: { kind: 'drop' } }))
  for (let i = 1; i <= 60; i++) trial.askFrom(trial.members[leader] as number, put('a', i))
  // Not long enough for the member to cancel the watch for want of a leader.
  trial.run(2 * SECOND)
  for (const rule of rules) rule.remove()
  trial.run(5 * SECOND)
  expect(restored).toBeGreaterThan(0)
  expect(seen.events.map(({ kv }) => kv.modRevision)).toEqual(Array.from({ length: 61 }, (_, i) => i + 2))
})

test('a lease has a least and a greatest time', () => {
  const trial = new EtcdTrial({ seed: 23 })
  trial.elect()
  expect(trial.must({ type: 'lease-grant', lease: 1, ttlSeconds: 1 })).toMatchObject({ ttlSeconds: 2 })
  expect(trial.must({ type: 'lease-grant', lease: 2, ttlSeconds: 9_000_000_000 })).toMatchObject({ lease: 2 })
  expect(trial.answer({ type: 'lease-grant', lease: 3, ttlSeconds: 9_000_000_001 })).toEqual(errors.LEASE_TTL_TOO_LARGE)
})

test('a key hangs on the lease that it was last put with, over restarts too', () => {
  const trial = new EtcdTrial({ seed: 24 })
  trial.elect()
  for (const lease of [1, 2]) trial.must({ type: 'lease-grant', lease, ttlSeconds: 100 })
  for (const key of ['moves', 'stays']) trial.must(put(key, 1, 1))
  trial.must(put('moves', 2, 2))
  trial.must(put('leaves', 1, 2))
  trial.must(put('leaves', 2))
  for (const process of trial.members) trial.kernel.crash(process)
  for (const process of trial.members) trial.kernel.restart(process)
  trial.elect()
  expect(trial.must({ type: 'lease-time-to-live', lease: 2, keys: true })).toMatchObject({ keys: ['moves'] })
  trial.must({ type: 'lease-revoke', lease: 1 })
  const left = ['moves', 'stays', 'leaves'].map((key) => trial.must({ type: 'range', key }))
  expect(left).toMatchObject([{ count: 1 }, { count: 0 }, { count: 1 }])
  trial.must({ type: 'lease-revoke', lease: 2 })
  expect(trial.must({ type: 'range', key: 'leaves' })).toMatchObject({ count: 1 })
})

test('what a checkpoint said is left over a restart of all', () => {
  const trial = new EtcdTrial({ seed: 25, options: { leaseCheckpointMicros: 10 * SECOND } })
  trial.elect()
  trial.must({ type: 'lease-grant', lease: 1, ttlSeconds: 60 })
  trial.run(35 * SECOND)
  for (const process of trial.members) trial.kernel.crash(process)
  for (const process of trial.members) trial.kernel.restart(process)
  trial.elect()
  const { ttlSeconds } = trial.must({ type: 'lease-time-to-live', lease: 1 }) as { ttlSeconds: number }
  expect(ttlSeconds).toBeLessThanOrEqual(32)
  expect(ttlSeconds).toBeGreaterThan(20)
})

test('a renewal that waits for a revocation is given up when its leader steps down', () => {
  const trial = new EtcdTrial({ seed: 26 })
  const leader = trial.elect()
  const process = trial.members[leader] as number
  trial.must({ type: 'lease-grant', lease: 1, ttlSeconds: 2 })
  trial.askFrom(process, { type: 'status' })
  const peers = new Set(trial.members.filter((member) => member !== process))
  for (const [id, from, to] of [
    ['to', peers, new Set([process])],
    ['from', new Set([process]), peers],
  ] as const) {
    trial.kernel.network.addRule({ id, from, to, verdict: { kind: 'drop' } })
  }
  trial.run(0.4 * SECOND)
  let demoted = -1
  trial.kernel.subscribe('raft-role', (fact, from, at) => {
    if (from === process && (fact as unknown as { role: string }).role !== 'leader' && demoted < 0) demoted = at
  })
  // Two seconds from the grant on the lease is over; the leader knows for one more that it leads.
  trial.run(1.7 * SECOND)
  const renewed = trial.askFrom(process, { type: 'lease-keep-alive', lease: 1 })
  trial.run(12 * SECOND)
  expect(demoted).toBeGreaterThan(0)
  expect(renewed()).toMatchObject({ ok: false })
})
