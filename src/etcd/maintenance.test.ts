// The care for the backend: quota and its alarm, defragmentation, physical compaction, hashes of the store; and what a
// restart finds on the disk, with and without the historical bugs.
import { describe, expect, test } from 'vitest'
import { MILLISECOND, SECOND } from '../kernel/index.ts'
import type { EtcdDecisions } from './decisions.ts'
import * as errors from './errors.ts'
import type { EtcdRequest } from './requests.ts'
import { EtcdTrial } from './testing.ts'

const KIB = 1024

function put(key: string, bytes = 512): EtcdRequest {
  return { type: 'put', key, value: key, bytes }
}

function hashes(trial: EtcdTrial, revision = 0): unknown[] {
  return trial.members.map((member) => trial.answerFrom(member, { type: 'hash', revision }))
}

describe('the quota', () => {
  // A little above what one request may add, so that the door looks closely.
  const options = { quotaBytes: 400 * KIB, maxRequestBytes: 100 * KIB, maxTxnOperations: 10 }

  test('raises the alarm: writes are refused everywhere, deletions and compactions are not; taken back, all goes on', () => {
    const trial = new EtcdTrial({ seed: 1, clients: 3, options })
    trial.elect()
    let writes = 0
    while (trial.answer(put('big', 50 * KIB)).ok) writes++
    expect(writes).toBe(7)
    trial.run(SECOND)
    for (const client of [0, 1, 2]) expect(trial.answer(put('small', 10), client)).toBe(errors.NO_SPACE)
    expect(trial.answer({ type: 'lease-grant', lease: 1, ttlSeconds: 10 })).toBe(errors.NO_SPACE)
    expect(trial.answer({ type: 'delete', key: 'big' })).toMatchObject({ ok: true })
    const { revision } = trial.view(0)
    expect(trial.answer({ type: 'compact', revision })).toMatchObject({ ok: true })
    const listed = trial.must({ type: 'alarm', action: 'get', member: 0, alarm: 'any' })
    if (listed.type !== 'alarm') throw new Error('no alarms')
    expect(listed.alarms.map(({ kind }) => kind)).toContain('no-space')
    for (const { member, kind } of listed.alarms) {
      trial.must({ type: 'alarm', action: 'deactivate', member, alarm: kind })
    }
    // The file is as large as before: without defragmentation the alarm comes again.
    expect(trial.answer(put('big', 50 * KIB))).toBe(errors.NO_SPACE)
    trial.run(SECOND)
    for (const member of trial.members) {
      trial.answerFrom(member, { type: 'defragment' })
      expect(trial.answerFrom(member, { type: 'status' })).toMatchObject({ ok: true })
    }
    for (const member of [1, 2, 3]) trial.must({ type: 'alarm', action: 'deactivate', member, alarm: 'no-space' })
    expect(trial.answer(put('big', 50 * KIB))).toMatchObject({ ok: true })
  })

  test('what is over it when it is applied is written and said to have failed', () => {
    const trial = new EtcdTrial({ seed: 2, options })
    trial.elect()
    const tags = Array.from({ length: 12 }, (_, i) => trial.ask(put(`k${i}`, 50 * KIB)))
    trial.run(2 * SECOND)
    const results = tags.map((tag) => trial.client().answers[tag]?.result)
    const failed = results.filter((result) => result === errors.NO_SPACE).length
    expect(failed).toBeGreaterThan(0)
    const kept = trial.view(0).list('k').length
    expect(kept).toBeGreaterThan(12 - failed)
    expect(trial.view(0).storeHash).toBe(trial.view(1).storeHash)
  })
})

test('a member that defragments serves nobody, and then all who waited; the others go on', () => {
  const trial = new EtcdTrial({ seed: 3, options: { defragmentBytesPerSecond: 100 * KIB } })
  const leader = trial.elect()
  for (let i = 0; i < 100; i++) trial.must(put('a', 2 * KIB))
  trial.must({ type: 'compact', revision: 100 })
  const busy = trial.members[(leader + 1) % 3]!
  const before = trial.answerFrom(busy, { type: 'status' })
  expect(before).toMatchObject({ value: { backendBytes: 200 * KIB, usedBytes: 4 * KIB } })
  const from = trial.kernel.now
  const defragmented = trial.askFrom(busy, { type: 'defragment' })
  const written = trial.askFrom(trial.members[leader]!, put('b'))
  trial.run(100 * MILLISECOND)
  const read = trial.askFrom(busy, { type: 'range', key: 'b', serializable: true })
  trial.run(1_500 * MILLISECOND)
  expect(written()).toMatchObject({ ok: true })
  expect([defragmented(), read()]).toEqual([undefined, undefined])
  while (read() === undefined) trial.run(10 * MILLISECOND)
  expect(trial.kernel.now - from).toBeGreaterThan(2 * SECOND)
  expect(defragmented()).toMatchObject({ ok: true })
  expect(trial.answerFrom(busy, { type: 'status' })).toMatchObject({ value: { backendBytes: 4 * KIB + 512 } })
  expect(trial.answerFrom(busy, { type: 'range', key: 'b' })).toMatchObject({ value: { count: 1 } })
})

test('the backend writes one commit at a time, however slow the disk; a defragmentation waits for its turn', () => {
  const trial = new EtcdTrial({ seed: 8, members: 1 })
  trial.elect()
  trial.must(put('a'))
  trial.run(SECOND)
  const device = trial.kernel.deviceOf(trial.members[0]!)
  device.setSlow(200)
  const before = device.counters.slow
  for (let i = 0; i < 100; i++) {
    trial.ask(put('a'))
    if (i % 2 === 0) trial.ask({ type: 'defragment' })
    trial.run(100 * MILLISECOND)
  }
  // A sync takes 0.1 to 0.5 s, and there are no more of them than fit in, though a commit is due every 100 ms.
  expect(device.counters.slow - before).toBeGreaterThan(20)
  expect(device.counters.slow - before).toBeLessThan(50)
  device.setSlow(1)
  trial.run(SECOND)
  expect(trial.must({ type: 'range', key: 'a' })).toMatchObject({ values: [{ version: 101 }] })
})

test('a physical compaction is answered after the pauses of the backend, a plain one at once', () => {
  const took = (physical: boolean): number => {
    const options = { compactionBatch: 10, compactionPauseMicros: 50 * MILLISECOND }
    const trial = new EtcdTrial({ seed: 4, members: 1, options })
    trial.elect()
    for (let i = 0; i < 100; i++) trial.must(put('a'))
    const from = trial.kernel.now
    expect(trial.answer({ type: 'compact', revision: 90, physical })).toMatchObject({ ok: true })
    expect(trial.answer({ type: 'compact', revision: 80, physical })).toBe(errors.COMPACTED)
    return trial.kernel.now - from
  }
  expect(took(false)).toBeLessThan(100 * MILLISECOND)
  expect(took(true)).toBeGreaterThan(400 * MILLISECOND)
})

test('members that applied the same have the same hash at any revision that is not compacted', () => {
  const trial = new EtcdTrial({ seed: 5 })
  trial.elect()
  for (let i = 0; i < 30; i++) trial.must(i % 5 === 4 ? { type: 'delete', key: `k${i - 1}` } : put(`k${i % 7}`))
  trial.must({ type: 'compact', revision: 12 })
  trial.run(SECOND)
  const { revision } = trial.view(0)
  const seen = new Set<number>()
  for (let at = 13; at <= revision; at++) {
    const [first, ...others] = hashes(trial, at)
    expect(others).toEqual([first, first])
    seen.add((first as { value: { hash: number } }).value.hash)
  }
  expect(seen.size).toBe(revision - 12)
  expect(hashes(trial, 12)).toEqual([errors.COMPACTED, errors.COMPACTED, errors.COMPACTED])
  expect(hashes(trial, 999)[0]).toBe(errors.FUTURE_REVISION)
})

describe('a restart', () => {
  /** Writes, lets a member do something, crashes it and compares it with the others once it is back. */
  function restarted(decisions: Partial<EtcdDecisions>, act: (trial: EtcdTrial, busy: number) => void): EtcdTrial {
    const trial = new EtcdTrial({ seed: 6, members: 1, options: { decisions } })
    trial.elect()
    act(trial, 0)
    trial.run(SECOND)
    trial.kernel.crash(trial.members[0]!)
    trial.run(SECOND)
    trial.kernel.restart(trial.members[0]!)
    trial.elect()
    trial.run(SECOND)
    return trial
  }

  const defragmentSoonAfterWrites = (trial: EtcdTrial): void => {
    trial.run(SECOND)
    for (let i = 0; i < 5; i++) trial.must(put(`k${i}`))
    const tag = trial.ask({ type: 'defragment' })
    // The disk has what the defragmentation wrote; the next commit of the backend is still to come.
    trial.run(30 * MILLISECOND)
    expect(trial.client().answers[tag]).toBeDefined()
    trial.kernel.crash(trial.members[0]!)
    trial.run(SECOND)
    trial.kernel.restart(trial.members[0]!)
    trial.elect()
  }

  test('after defragmentation finds every write once; without the index some are applied twice', () => {
    expect(restarted({}, defragmentSoonAfterWrites).view(0).revision).toBe(6)
    expect(
      restarted({ defragmentStoresIndex: () => false }, defragmentSoonAfterWrites).view(0).revision,
    ).toBeGreaterThan(6)
  })

  const compactAtDeletion = (trial: EtcdTrial): void => {
    trial.must(put('a'))
    trial.must(put('b'))
    trial.must({ type: 'delete', key: 'a' })
    trial.must({ type: 'compact', revision: 4 })
    trial.run(SECOND)
  }

  test('never lowers the revision; taking it from what is left of the history does', () => {
    const lowered: Partial<EtcdDecisions> = {
      keepsTombstone: () => false,
      restoredRevision: (_stored, newestFound) => newestFound,
    }
    expect(restarted({}, compactAtDeletion).view(0).revision).toBe(4)
    expect(restarted(lowered, compactAtDeletion).view(0).revision).toBe(3)
  })

  test('keeps a deletion that begins a history; with the defect a watch from there misses it', () => {
    const shown = (decisions: Partial<EtcdDecisions>): unknown[] => {
      const trial = restarted(decisions, compactAtDeletion)
      const seen = trial.watch({ key: 'a', startRevision: 4 })
      trial.run(SECOND)
      return seen.events.map((event) => event.type)
    }
    expect(shown({})).toEqual(['delete'])
    expect(shown({ restoresLoneTombstone: () => false })).toEqual([])
  })
})
