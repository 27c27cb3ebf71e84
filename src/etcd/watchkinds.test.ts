// Watches that do not want everything, that get large batches in pieces, or that no member begins.
import { describe, expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import { bytesOf, fragmentsOf } from './fragments.ts'
import { EtcdTrial } from './testing.ts'
import { FROM_KEY, type KeyValue, type WatchEvent } from './types.ts'

function event(bytes: number, previousBytes = 0): WatchEvent {
  const kv = { key: 'a', value: 1, bytes, createRevision: 2, modRevision: 2, version: 1, lease: 0 } satisfies KeyValue
  return { type: 'put', kv, previous: previousBytes > 0 ? { ...kv, bytes: previousBytes } : undefined }
}

describe('pieces', () => {
  test.each<[name: string, sizes: number[], pieces: number[][]]>([
    ['nothing to cut', [10, 20], [[10, 20]]],
    ['one event that is too large', [500], [[500]]],
    ['cut before the limit is reached', [40, 40, 40], [[40, 40], [40]]],
    ['a large one stands alone', [10, 500, 10], [[10], [500], [10]]],
    ['exactly the limit is too much', [50, 50], [[50], [50]]],
  ])('%s', (_name, sizes, pieces) => {
    const cut = fragmentsOf(
      sizes.map((size) => event(size)),
      100,
    )
    expect(cut.map((piece) => piece.map(({ kv }) => kv.bytes))).toEqual(pieces)
  })

  test('previous values count', () => {
    expect(bytesOf([event(10, 20), event(5)])).toBe(35)
  })
})

test('a watch gets only the kinds that it wants, in the past and from now on, and goes on over a change of member', () => {
  const trial = new EtcdTrial({ seed: 1 })
  trial.elect()
  const all = trial.watch({ key: 'a', rangeEnd: FROM_KEY, startRevision: 1 })
  const write = (from: number): void => {
    for (let i = from; i < from + 6; i++) {
      while (!trial.answer({ type: 'put', key: `k${i}`, value: i }).ok) trial.run(SECOND)
      while (!trial.answer({ type: 'delete', key: `k${i}` }).ok) trial.run(SECOND)
    }
  }
  write(0)
  const kinds = (['puts', 'deletes', 'all'] as const).map((unwanted) =>
    trial.watch({ key: 'a', rangeEnd: FROM_KEY, startRevision: 1, unwanted }),
  )
  write(10)
  const used = trial.client().client.endpoint
  trial.kernel.crash(used)
  write(20)
  trial.run(SECOND)
  const events = all.events.map(({ type, kv }) => `${type} ${kv.key}`)
  expect(kinds.map((seen) => seen.events.map(({ type, kv }) => `${type} ${kv.key}`))).toEqual([
    events.filter((text) => text.startsWith('delete')),
    events.filter((text) => text.startsWith('put')),
    [],
  ])
  expect(events.length).toBeGreaterThanOrEqual(36)
})

test('a large transaction reaches a watch whole, whether or not it travelled in pieces', () => {
  const trial = new EtcdTrial({ seed: 2, members: 1, options: { maxRequestBytes: 800_000 } })
  trial.elect()
  const [whole, pieces] = [false, true].map((fragments) => trial.watch({ key: 'k', rangeEnd: 'l', fragments }))
  const puts = (value: number) =>
    Array.from({ length: 7 }, (_, i) => ({ type: 'put', key: `k${i}`, value, bytes: 100_000 }) as const)
  for (const value of [1, 2, 3]) trial.must({ type: 'txn', compare: [], success: puts(value), failure: [] })
  trial.run(SECOND)
  expect(whole?.batches).toEqual([7, 7, 7])
  expect(pieces?.batches).toEqual([7, 7, 7])
  expect(trial.client().eventMessages).toBe(6)
  // Looking back, all three come as one batch, in two pieces.
  const late = trial.watch({ key: 'k', rangeEnd: 'l', startRevision: 1, fragments: true })
  trial.run(SECOND)
  expect(late.batches).toEqual([21])
  expect(late.events).toEqual(whole?.events)
  expect(trial.client().eventMessages).toBe(8)
})

test('an empty range is refused for good, and the client asks no other member', () => {
  const trial = new EtcdTrial({ seed: 3 })
  trial.elect()
  const used = trial.client().client.endpoint
  const refused = ['a', 'b'].map((rangeEnd) => trial.watch({ key: 'b', rangeEnd }))
  const open = trial.watch({ key: 'b', rangeEnd: FROM_KEY })
  trial.must({ type: 'put', key: 'c', value: 1 })
  trial.run(SECOND)
  for (const seen of refused) expect(seen.refused).toBe('mvcc: watcher range is empty')
  expect([open.refused, open.events.length]).toEqual([undefined, 1])
  expect(trial.client().client.endpoint).toBe(used)
})
