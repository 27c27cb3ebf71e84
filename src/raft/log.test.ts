// One row a case: conflicts, hints, up-to-dateness, cutting, compacting. A log is written as its terms from index 1 on.
import { describe, expect, test } from 'vitest'
import { RaftLog } from './log.ts'
import type { Entry, Snapshot } from './types.ts'

function entriesOf(terms: readonly number[], first = 1): Entry[] {
  return terms.map((term, i) => ({ index: first + i, term, data: `${first + i}/${term}`, bytes: 10 }))
}

function logOf(terms: readonly number[], snapshot?: Snapshot): RaftLog {
  return new RaftLog(snapshot, entriesOf(terms, (snapshot?.index ?? 0) + 1))
}

function snapshotAt(index: number, term: number): Snapshot {
  return { index, term, data: 'state', bytes: 1 }
}

test.each<[name: string, held: number[], from: number, incoming: number[], conflict: number]>([
  ['nothing comes', [1, 1, 1], 4, [], 0],
  ['all of it is new', [1, 1], 3, [1, 2], 0],
  ['all of it is held', [1, 1, 2], 1, [1, 1, 2], 0],
  ['an older message of what is held', [1, 1, 2, 2], 1, [1, 1], 0],
  ['the first differs', [1, 1, 1], 1, [2, 2], 1],
  ['the last differs', [1, 1, 1], 2, [1, 2], 3],
  ['held, then another, then more', [1, 1, 1, 1], 2, [1, 3, 3, 3], 3],
])('first conflict: %s', (_name, held, from, incoming, conflict) => {
  expect(logOf(held).firstConflict(entriesOf(incoming, from))).toBe(conflict)
})

test.each<[name: string, held: number[], index: number, term: number, at: number]>([
  ['beyond the end', [1, 1], 9, 5, 2],
  ['the term fits at once', [1, 1, 2], 3, 2, 3],
  ['a whole term is skipped', [1, 1, 3, 3, 3], 5, 2, 2],
  ['nothing fits', [4, 4, 4], 3, 2, 0],
  ['an older term below', [1, 4, 4, 5, 5], 5, 4, 3],
])('last place not above a term: %s', (_name, held, index, term, at) => {
  expect(logOf(held).lastNotAbove(index, term)).toBe(at)
})

test.each<[held: number[], lastIndex: number, lastTerm: number, isUpToDate: boolean]>([
  [[], 0, 0, true],
  [[1, 1], 2, 1, true],
  [[1, 1], 1, 1, false],
  [[1, 1], 1, 2, true],
  [[1, 2], 9, 1, false],
  [[1, 2], 3, 2, true],
])('a log of terms %j votes for one that ends at %i of term %i: %s', (held, lastIndex, lastTerm, isUpToDate) => {
  expect(logOf(held).isUpToDate(lastIndex, lastTerm)).toBe(isUpToDate)
})

describe('cutting and compacting', () => {
  test('a cut takes what is durable back', () => {
    const log = logOf([1, 1, 1, 1])
    log.truncate(3)
    expect([log.last, log.durable, log.lastTerm]).toEqual([2, 2, 1])
    log.append({ index: 3, term: 2, data: '', bytes: 1 })
    expect([log.last, log.durable, log.lastTerm]).toEqual([3, 2, 2])
  })

  test('a compacted log knows its last lost term and no earlier one', () => {
    const log = logOf([1, 1, 2, 2, 3])
    log.compact(3, snapshotAt(4, 2))
    expect([1, 2, 3, 4, 5, 6].map((index) => log.termAt(index))).toEqual([-1, -1, 2, 2, 3, -1])
    expect(log.snapshot?.index).toBe(4)
    expect(() => log.truncate(3)).toThrow('never cut')
    expect(() => log.slice(3, 5, 100)).toThrow('compacted')
  })

  test('compacting backwards only takes the newer snapshot', () => {
    const log = logOf([1, 1, 2, 2, 3])
    log.compact(3, snapshotAt(3, 2))
    log.compact(1, snapshotAt(5, 3))
    expect([log.compacted, log.snapshot?.index]).toEqual([3, 5])
  })

  test('a snapshot from the leader replaces everything', () => {
    const log = logOf([1, 1, 2])
    log.restore(snapshotAt(10, 4))
    expect([log.last, log.lastTerm, log.durable, log.termAt(10), log.termAt(3)]).toEqual([10, 4, 10, 4, -1])
  })

  test('what does not fit is refused', () => {
    expect(() => new RaftLog(undefined, entriesOf([1], 2))).toThrow('no gaps')
    expect(() => logOf([2]).append({ index: 2, term: 1, data: '', bytes: 1 })).toThrow('never go down')
    expect(() => logOf([2]).append({ index: 3, term: 2, data: '', bytes: 1 })).toThrow('follows the last')
  })
})

test('a slice is bounded by bytes but never empty, and the same one is shared', () => {
  const log = logOf([1, 1, 1, 1])
  expect(log.slice(1, 4, 25)).toHaveLength(2)
  expect(log.slice(1, 4, 1)).toHaveLength(1)
  expect(log.slice(5, 9, 100)).toHaveLength(0)
  expect(log.slice(2, 4, 100)).toBe(log.slice(2, 9, 100))
  const before = log.slice(3, 4, 100)
  log.truncate(4)
  log.append({ index: 4, term: 2, data: 'new', bytes: 10 })
  expect(log.slice(3, 4, 100)).not.toBe(before)
})

test('a clone shares entries and nothing else', () => {
  const log = logOf([1, 1])
  const copy = log.clone()
  log.append({ index: 3, term: 2, data: '', bytes: 1 })
  expect([log.last, copy.last]).toEqual([3, 2])
  expect(copy.entryAt(1)).toBe(log.entryAt(1))
})
