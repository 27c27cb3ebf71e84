// Whole clusters on the kernel: put, read, watch, crash, restart, partition, snapshots, disks that fail.
import { describe, expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import type { EtcdApplyBatch, EtcdRestored, EtcdStarted } from './facts.ts'
import type { RangeResponse } from './responses.ts'
import { EtcdTrial } from './testing.ts'
import { prefixEnd } from './types.ts'

const put = (key: string, value: unknown) => ({ type: 'put', key, value }) as const
const get = (key: string) => ({ type: 'range', key }) as const

function readKey(trial: EtcdTrial, key: string, client = 0): unknown {
  return (trial.must(get(key), client) as RangeResponse).values[0]?.value
}

describe('three members', () => {
  test('elect one leader within two seconds, then answer puts and reads', () => {
    const trial = new EtcdTrial({ seed: 1 })
    trial.run(2 * SECOND)
    expect(trial.leaders()).toHaveLength(1)
    expect(trial.must(put('a', 1))).toMatchObject({ type: 'put', revision: 2 })
    expect(trial.must(put('a', 2))).toMatchObject({ revision: 3 })
    expect(readKey(trial, 'a')).toBe(2)
    trial.run(SECOND)
    const hashes = [0, 1, 2].map((index) => trial.view(index).storeHash)
    expect(new Set(hashes).size).toBe(1)
    expect(trial.view(0).get('a')).toMatchObject({ value: 2, version: 2, createRevision: 2, modRevision: 3 })
  })

  test('a write through any member is answered, and a linearizable read through any other sees it', () => {
    const trial = new EtcdTrial({ seed: 2, clients: 6 })
    trial.elect()
    for (let i = 0; i < 30; i++) {
      trial.must(put('k', i), i % 6)
      expect(readKey(trial, 'k', (i * 5 + 1) % 6)).toBe(i)
    }
    expect(new Set([0, 1, 2, 3, 4, 5].map((i) => trial.client(i).client.endpoint)).size).toBeGreaterThan(1)
  })

  test('the leader crashes: another takes over, nothing acknowledged is lost, the old one comes back and catches up', () => {
    const trial = new EtcdTrial({ seed: 3 })
    const first = trial.elect()
    for (let i = 0; i < 20; i++) trial.must(put(`k${i}`, i))
    trial.kernel.crash(trial.members[first]!)
    const second = trial.elect()
    expect(second).not.toBe(first)
    for (let i = 0; i < 20; i++) expect(readKey(trial, `k${i}`)).toBe(i)
    trial.must(put('after', true))
    trial.kernel.restart(trial.members[first]!)
    trial.run(3 * SECOND)
    expect(trial.view(first).get('after')).toMatchObject({ value: true })
    expect(trial.leaders()).toEqual([second])
  })

  test('all crash at once and come back with everything that was acknowledged', () => {
    for (let seed = 10; seed < 30; seed++) {
      const trial = new EtcdTrial({ seed })
      trial.elect()
      for (let i = 0; i < 5; i++) trial.must(put(`k${i}`, i))
      const tag = trial.ask(put('perhaps', 1))
      trial.run(seed * 100)
      for (const member of trial.members) trial.kernel.crash(member)
      trial.run(SECOND)
      for (const member of trial.members) trial.kernel.restart(member)
      trial.elect()
      for (let i = 0; i < 5; i++) expect(readKey(trial, `k${i}`)).toBe(i)
      if (trial.client().answers[tag]?.result.ok === true) expect(readKey(trial, 'perhaps')).toBe(1)
    }
  })

  test('a leader that is cut off serves no linearizable read and steps down; healed, it does not disturb its successor', () => {
    const trial = new EtcdTrial({ seed: 4, clients: 2 })
    const first = trial.elect()
    trial.must(put('a', 'old'))
    const heal = trial.isolate(first)
    trial.run(4 * SECOND)
    const [second, ...others] = trial.leaders()
    expect(others).toEqual([])
    expect(second).not.toBe(first)
    expect(trial.view(first).role).not.toBe('leader')
    expect(trial.answer(put('a', 'new'), 1).ok || trial.answer(put('a', 'new'), 1).ok).toBe(true)
    const term = trial.view(second!).term
    trial.run(20 * SECOND)
    heal()
    trial.run(5 * SECOND)
    expect(trial.leaders()).toEqual([second])
    expect(trial.view(second!).term).toBe(term)
    expect(readKey(trial, 'a')).toBe('new')
  })

  test('without a majority a write is given up after seven seconds with its outcome unknown', () => {
    const trial = new EtcdTrial({ seed: 5 })
    trial.elect()
    trial.must(put('a', 1))
    const used = trial.members.indexOf(trial.client().client.endpoint)
    const others = [0, 1, 2].filter((index) => index !== used)
    for (const index of others) trial.kernel.crash(trial.members[index]!)
    const asked = trial.kernel.now
    const tag = trial.ask(put('a', 2))
    trial.run(8 * SECOND)
    const answer = trial.client().answers[tag]!
    expect(answer.result).toMatchObject({ ok: false, code: 14, outcomeUnknown: true })
    expect(answer.at - asked).toBeGreaterThan(6.9 * SECOND)
    expect(answer.at - asked).toBeLessThan(7.2 * SECOND)
  })

  test('a member that was away long gets a snapshot', () => {
    const trial = new EtcdTrial({ seed: 6, options: { snapshotEntries: 50, catchUpEntries: 10 } })
    const leader = trial.elect()
    const away = (leader + 1) % 3
    trial.kernel.crash(trial.members[away]!)
    for (let i = 0; i < 200; i++) trial.must(put(`k${i % 20}`, i))
    const facts: string[] = []
    trial.kernel.subscribe('etcd-restored', (fact) => facts.push((fact as EtcdRestored).source))
    trial.kernel.restart(trial.members[away]!)
    trial.run(5 * SECOND)
    expect(facts).toContain('leader')
    expect(trial.view(away).storeHash).toBe(trial.view(leader).storeHash)
    expect(trial.view(away).revision).toBe(201)
    // It goes on from there, and restarts from it.
    trial.must(put('more', 1))
    trial.run(SECOND)
    trial.kernel.crash(trial.members[away]!)
    trial.kernel.restart(trial.members[away]!)
    trial.run(3 * SECOND)
    expect(trial.view(away).get('more')).toMatchObject({ value: 1 })
    expect(trial.view(leader).firstIndex).toBeGreaterThan(100)
  })

  test('entries applied at one index are the same everywhere, and the state hash too', () => {
    const trial = new EtcdTrial({ seed: 7, clients: 3 })
    const hashes = new Map<number, number>()
    let compared = 0
    trial.kernel.subscribe('etcd-apply-batch', (fact) => {
      const { to, storeHash } = fact as EtcdApplyBatch
      const before = hashes.get(to)
      if (before !== undefined) {
        compared++
        expect(storeHash).toBe(before)
      }
      hashes.set(to, storeHash)
    })
    trial.elect()
    for (let i = 0; i < 60; i++) trial.ask(put(`k${i % 7}`, i), i % 3)
    trial.run(5 * SECOND)
    expect(compared).toBeGreaterThan(20)
  })
})

test('one member alone commits, and keeps what it acknowledged over a crash', () => {
  const trial = new EtcdTrial({ seed: 8, members: 1 })
  trial.elect()
  trial.must(put('a', 1))
  trial.kernel.crash(trial.members[0]!)
  trial.run(SECOND)
  trial.kernel.restart(trial.members[0]!)
  trial.elect()
  expect(readKey(trial, 'a')).toBe(1)
})

test('five members survive two crashes', () => {
  const trial = new EtcdTrial({ seed: 9, members: 5 })
  const leader = trial.elect()
  trial.must(put('a', 1))
  trial.kernel.crash(trial.members[leader]!)
  trial.kernel.crash(trial.members[(leader + 1) % 5]!)
  trial.elect()
  expect(readKey(trial, 'a')).toBe(1)
  expect(trial.must(put('a', 2))).toMatchObject({ revision: 3 })
})

describe('disks', () => {
  test('a corrupt record in the log keeps the member down; a torn tail is cut off', () => {
    const trial = new EtcdTrial({ seed: 11, crashMode: 'tear' })
    const leader = trial.elect()
    const victim = (leader + 1) % 3
    const refused: unknown[] = []
    trial.kernel.subscribe('etcd-member-refused', (fact) => refused.push(fact))
    let repaired = 0
    trial.kernel.subscribe('etcd-member-started', (fact) => {
      repaired += (fact as EtcdStarted).repairedRecords
    })
    for (let i = 0; i < 40; i++) {
      // Large enough for several sectors: one sector is written wholly or not at all.
      trial.ask(put('a', `${'x'.repeat(3_000)} ${i}`))
      trial.run(700)
      if (i % 8 === 7) {
        trial.kernel.crash(trial.members[victim]!)
        trial.kernel.restart(trial.members[victim]!)
        trial.run(SECOND)
      }
    }
    expect(repaired).toBeGreaterThan(0)
    expect(refused).toEqual([])
    trial.kernel.crash(trial.members[victim]!)
    expect(trial.kernel.deviceOf(trial.members[victim]!).corrupt('wal', 1)).toBe(true)
    trial.kernel.restart(trial.members[victim]!)
    trial.run(SECOND)
    expect(refused).toMatchObject([{ reason: 'corrupt-log' }])
    expect(trial.view(victim).isRunning).toBe(false)
    expect(trial.must(put('b', 1))).toMatchObject({ type: 'put' })
  })

  test('a full disk stops the member; when there is room it is started again and catches up', () => {
    const trial = new EtcdTrial({ seed: 12 })
    const leader = trial.elect()
    const device = trial.kernel.deviceOf(trial.members[leader]!)
    device.setFull(true)
    const tag = trial.ask(put('a', 1))
    trial.run(12 * SECOND)
    expect(trial.view(leader).isRunning).toBe(false)
    device.setFull(false)
    trial.run(15 * SECOND)
    expect(trial.client().answers[tag]).toBeDefined()
    trial.must(put('a', 2))
    trial.run(SECOND)
    expect(trial.view(leader).get('a')).toMatchObject({ value: 2 })
  })
})

describe('watches', () => {
  test('every revision comes once, in order, over crashes of the member that served it', () => {
    const trial = new EtcdTrial({ seed: 13, clients: 2 })
    trial.elect()
    const seen = trial.watch({ key: '/a/', rangeEnd: prefixEnd('/a/'), startRevision: 2, previousValue: true }, 1)
    let acknowledged = 0
    for (let i = 0; i < 60; i++) {
      if (trial.answer(put(`/a/${i % 5}`, i)).ok) acknowledged++
      if (i % 20 === 10) {
        const served = trial.client(1).client.endpoint
        trial.kernel.crash(served)
        trial.run(4 * SECOND)
        trial.kernel.restart(served)
      }
    }
    trial.run(5 * SECOND)
    const revisions = seen.events.map((event) => event.kv.modRevision)
    expect(revisions).toEqual(revisions.map((_, index) => index + 2))
    expect(revisions.length).toBeGreaterThanOrEqual(acknowledged)
    const later = seen.events.find((event) => event.kv.version === 3)!
    expect(later.previous).toMatchObject({ version: 2, key: later.kv.key })
  })

  test('a watch below the compacted revision is told so', () => {
    const trial = new EtcdTrial({ seed: 14 })
    trial.elect()
    for (let i = 0; i < 10; i++) trial.must(put('a', i))
    trial.must({ type: 'compact', revision: 8 })
    const below = trial.watch({ key: 'a', startRevision: 5 })
    const exactly = trial.watch({ key: 'a', startRevision: 8 })
    trial.run(SECOND)
    expect(below.compactedAt).toBe(8)
    expect(exactly.events.map((event) => event.kv.modRevision)).toEqual([8, 9, 10, 11])
    expect(exactly.compactedAt).toBe(0)
  })

  test('a client whose member lost the others goes to another one and misses nothing', () => {
    const trial = new EtcdTrial({ seed: 15, clients: 2 })
    trial.elect()
    trial.must(put('a', 0))
    const seen = trial.watch({ key: 'a' }, 1)
    trial.run(SECOND)
    const served = trial.members.indexOf(trial.client(1).client.endpoint)
    // Cut off from the other members only.
    const one = new Set([trial.members[served]!])
    const rest = new Set(trial.members.filter((id) => !one.has(id)))
    const rules = [
      trial.kernel.network.addRule({ id: 'x', from: one, to: rest, verdict: { kind: 'drop' } }),
      trial.kernel.network.addRule({ id: 'y', from: rest, to: one, verdict: { kind: 'drop' } }),
    ]
    trial.run(8 * SECOND)
    for (let i = 1; i < 5; i++) while (!trial.answer(put('a', i)).ok);
    trial.run(8 * SECOND)
    expect(trial.client(1).client.endpoint).not.toBe(trial.members[served])
    expect(seen.events.at(-1)?.kv.value).toBe(4)
    for (const rule of rules) rule.remove()
  })
})

test('a lease outlives its renewals and its keys die with it', () => {
  const trial = new EtcdTrial({ seed: 16 })
  const leader = trial.elect()
  trial.must({ type: 'lease-grant', lease: 7, ttlSeconds: 3 })
  trial.must({ type: 'put', key: 'a', value: 1, lease: 7 })
  for (let i = 0; i < 10; i++) {
    trial.run(2 * SECOND)
    expect(trial.must({ type: 'lease-keep-alive', lease: 7 })).toMatchObject({ ttlSeconds: 3 })
  }
  expect(readKey(trial, 'a')).toBe(1)
  // A change of leader gives it its time again.
  trial.kernel.crash(trial.members[leader]!)
  trial.run(SECOND)
  expect(trial.view((leader + 1) % 3).get('a')).toBeDefined()
  trial.run(10 * SECOND)
  expect(readKey(trial, 'a')).toBeUndefined()
  expect(trial.answer({ type: 'lease-keep-alive', lease: 7 })).toMatchObject({ ok: false, code: 5 })
  expect(trial.must({ type: 'lease-time-to-live', lease: 7 })).toMatchObject({ ttlSeconds: -1 })
})

test('one seed, one run', () => {
  const prints = [1, 2].map(() => {
    const trial = new EtcdTrial({ seed: 17, clients: 2 })
    trial.elect()
    for (let i = 0; i < 30; i++) trial.ask(put(`k${i}`, i), i % 2)
    trial.run(3 * SECOND)
    return trial.kernel.fingerprint()
  })
  expect(prints[0]).toBe(prints[1])
})
