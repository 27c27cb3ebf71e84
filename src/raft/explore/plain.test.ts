// What the search spares itself: a plain search sees as many states as a much simpler program counts, and the sparing one
// comes to the same verdicts with fewer.
import { expect, test } from 'vitest'
import type { RaftDecisions } from '../decisions.ts'
import type { Bounds } from './bounds.ts'
import { explore } from './search.ts'
import { Seen } from './seen.ts'
import { renamings } from './symmetry.ts'
import { countStates } from './testing.ts'

const SMALL: readonly [name: string, bounds: Partial<Bounds>][] = [
  ['two members, a crash', { members: 2, terms: 1, logLength: 2, proposals: 1, crashes: 1, inFlight: 2 }],
  ['two members, two terms', { members: 2, terms: 2, logLength: 1, crashes: 1, inFlight: 2 }],
  ['three members, one term', { terms: 1, logLength: 1, inFlight: 3 }],
  [
    'a lost and a doubled message',
    { members: 2, terms: 1, logLength: 2, proposals: 1, drops: 1, duplicates: 1, inFlight: 2 },
  ],
  ['handing over', { members: 2, terms: 2, logLength: 2, transfers: 1, inFlight: 2 }],
  ['a leader that counts', { members: 2, terms: 1, logLength: 1, checks: 2, inFlight: 2 }],
  ['rehearsed campaigns', { members: 2, terms: 1, logLength: 1, crashes: 1, inFlight: 2, preVote: true }],
]

test.each(SMALL)('%s: the plain search and a simple program count the same states', (_name, bounds) => {
  const { states, depth, isComplete } = explore({ ...bounds, plain: true })
  expect(isComplete).toBe(true)
  expect({ states, depth }).toEqual(countStates(bounds))
  expect(states).toBeGreaterThan(200)
})

const DEFECTS: readonly [name: string, decisions: Partial<RaftDecisions>, bounds: Partial<Bounds>][] = [
  ['none', {}, { terms: 2, logLength: 1, crashes: 1, inFlight: 3 }],
  ['none, with a change', {}, { terms: 2, logLength: 2, changes: 1, inFlight: 3 }],
  ['vote not persisted', { hardStateWaitsForDisk: () => false }, { terms: 1, logLength: 1, crashes: 1, inFlight: 3 }],
  [
    'acknowledged before the disk',
    { entriesWaitForDisk: () => false },
    { terms: 2, logLength: 1, crashes: 1, inFlight: 3 },
  ],
  [
    'stale append',
    { cutsLogFrom: (_c, previous) => previous + 1 },
    { terms: 1, logLength: 2, proposals: 1, inFlight: 3 },
  ],
]

test.each(DEFECTS)('%s: what is spared changes no verdict', (_name, decisions, bounds) => {
  const spared = explore({ ...bounds, decisions })
  const plain = explore({ ...bounds, decisions, plain: true })
  expect(spared.violation?.claim.split(':')[0]).toBe(plain.violation?.claim.split(':')[0])
  expect(spared.states).toBeLessThan(plain.states)
  // A member's name is one of six ways to call the same thing; a crash leaves the shortest way as long as it was.
  if (plain.violation !== undefined && bounds.crashes === 1)
    expect(spared.violation?.path.length).toBeLessThanOrEqual(plain.violation.path.length)
})

test('there are as many renamings as orders, and the first changes nothing', () => {
  expect([1, 2, 3, 4].map((count) => renamings(count).length)).toEqual([1, 2, 6, 24])
  expect(renamings(3)[0]).toEqual({ to: [0, 1, 2, 3], order: [1, 2, 3] })
  for (const { to, order } of renamings(3)) expect(order.map((member) => to[member])).toEqual([1, 2, 3])
})

test('the set of digests knows what it has seen, also after it has grown', () => {
  const seen = new Seen(4)
  const pairs = Array.from({ length: 5_000 }, (_, i) => [Math.imul(i, 0x9e3779b1) | 0, i % 7] as const)
  for (const [low, high] of pairs) expect(seen.add(low, high)).toBe(true)
  for (const [low, high] of pairs) expect(seen.add(low, high)).toBe(false)
  expect(seen.size).toBe(5_000)
})
