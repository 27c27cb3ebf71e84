/** The queue of deltas: what it merges, what it keeps, and what a replace says of objects that went unseen. */
import { expect, test } from 'vitest'
import { CLIENT_DECISIONS } from './decisions.ts'
import { DeltaFifo, type Popped } from './deltafifo.ts'

const queueOver = (stored: Record<string, string>, decisions = CLIENT_DECISIONS) =>
  new DeltaFifo<string>(new Map(Object.entries(stored)), decisions)

const drained = (fifo: DeltaFifo<string>) => {
  const all: string[] = []
  for (let popped: Popped<string> | undefined = fifo.pop(); popped !== undefined; popped = fifo.pop()) {
    const deltas = popped.deltas.map(({ type, object }) => {
      const wrapped = object as unknown as { tombstone?: true; object: string }
      return wrapped.tombstone ? `${type}(${wrapped.object}?)` : `${type}(${object})`
    })
    all.push(`${popped.key}: ${deltas.join(' ')}${popped.isInitial ? ' initial' : ''}`)
  }
  return all
}

test('changes of one key wait together, keys in the order of their first change', () => {
  const fifo = queueOver({})
  fifo.add('a', '1')
  fifo.add('b', '2')
  fifo.update('a', '3')
  fifo.delete('a', '4')
  expect(fifo.length).toBe(2)
  expect(drained(fifo)).toEqual(['a: Added(1) Updated(3) Deleted(4)', 'b: Added(2)'])
  expect(fifo.length).toBe(0)
})

test('a delete of what nobody knows is dropped', () => {
  const fifo = queueOver({ known: '1' })
  fifo.delete('ghost', '1')
  fifo.delete('known', '2')
  expect(drained(fifo)).toEqual(['known: Deleted(2)'])
})

test('two deletes in a row become one, the one that knows more', () => {
  const fifo = queueOver({ a: '1', b: '1' })
  fifo.delete('a', '2')
  fifo.replace(new Map())
  fifo.delete('b', '3')
  expect(drained(fifo)).toEqual(['a: Deleted(2)', 'b: Deleted(3)'])
})

test('a list replaces what it holds and deletes what it does not, by tombstones with the last known copy', () => {
  const fifo = queueOver({ stays: '1', goes: '1' })
  fifo.add('queued', '2')
  fifo.update('queued', '3')
  fifo.replace(new Map([['stays', '5']]))
  expect(drained(fifo)).toEqual(['queued: Added(2) Updated(3) Deleted(3?)', 'stays: Replaced(5)', 'goes: Deleted(1?)'])
})

test('seam informer-relist-drops-queued-delete: looking at the store only, the queued add survives the list', () => {
  const buggy = {
    ...CLIENT_DECISIONS,
    keysDeletedByReplace: (listed: { has(key: string): boolean }, _queued: unknown, stored: Iterable<string>) =>
      [...stored].filter((key) => !listed.has(key)),
  }
  for (const [decisions, expected] of [
    [CLIENT_DECISIONS, ['o: Added(1) Deleted(1?)']],
    [buggy, ['o: Added(1)']],
  ] as const) {
    const fifo = queueOver({}, decisions)
    fifo.add('o', '1')
    fifo.replace(new Map())
    expect(drained(fifo)).toEqual(expected)
  }
})

test('synced once the keys of the first list have been popped', () => {
  const fifo = queueOver({})
  expect(fifo.hasSynced).toBe(false)
  fifo.replace(
    new Map([
      ['a', '1'],
      ['b', '1'],
    ]),
  )
  fifo.add('c', '1')
  expect(fifo.hasSynced).toBe(false)
  expect(fifo.pop()?.isInitial).toBe(true)
  expect(fifo.hasSynced).toBe(false)
  expect(fifo.pop()?.isInitial).toBe(true)
  expect(fifo.hasSynced).toBe(true)
  expect(fifo.pop()?.isInitial).toBe(false)
})

test('a resync queues what is stored and not queued already', () => {
  const fifo = queueOver({ a: '1', b: '1' })
  fifo.update('b', '2')
  fifo.resync()
  expect(drained(fifo)).toEqual(['b: Updated(2)', 'a: Sync(1)'])
})
