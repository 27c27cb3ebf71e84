/** The store of an informer: its indexes equal a scan after any changes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Indexer } from './indexer.ts'

test('indexes always equal a scan, after any changes', () => {
  const change = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    values: fc.option(fc.uniqueArray(fc.constantFrom('x', 'y', 'z'))),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.nat(60), (changes, indexedAt) => {
      const indexer = new Indexer<readonly string[]>()
      const naive = new Map<string, readonly string[]>()
      changes.forEach(({ key, values }, step) => {
        if (step === indexedAt) indexer.addIndex('values', (object) => object)
        expect(values === null ? indexer.delete(key) : indexer.set(key, values)).toBe(naive.get(key))
        if (values === null) naive.delete(key)
        else naive.set(key, values)
        if (step < indexedAt) return
        for (const value of ['x', 'y', 'z']) {
          const expected = [...naive.values()].filter((object) => object.includes(value))
          expect([...indexer.byIndex('values', value)].sort()).toEqual(expected.sort())
        }
      })
      expect(indexer.size).toBe(naive.size)
    }),
    { seed: 11, numRuns: 300 },
  )
})

test('a tally always equals a count of what is under the value, after any changes', () => {
  class Sum {
    objects = 0
    sum = 0
    add(object: readonly [string, number]) {
      this.objects++
      this.sum += object[1]
    }
    remove(object: readonly [string, number]) {
      this.objects--
      this.sum -= object[1]
    }
  }
  const change = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    object: fc.option(fc.tuple(fc.constantFrom('x', 'y'), fc.nat(9))),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const indexer = new Indexer<readonly [string, number]>()
      indexer.addIndex('value', ([value]) => [value])
      const tallyOf = indexer.addTally('value', () => new Sum())
      for (const { key, object } of changes) {
        if (object === null) indexer.delete(key)
        else indexer.set(key, object)
        for (const value of ['x', 'y']) {
          const under = [...indexer.values()].filter((stored) => stored[0] === value)
          const sum = under.reduce((total, stored) => total + stored[1], 0)
          expect(tallyOf(value)?.objects ?? 0).toBe(under.length)
          expect(tallyOf(value)?.sum ?? 0).toBe(sum)
        }
      }
    }),
    { seed: 12, numRuns: 300 },
  )
})

test('asking for an index that was never declared breaks an invariant', () => {
  expect(() => new Indexer().byIndex('nodeName', 'n')).toThrow('an index is declared before it is asked')
})
