/** Copies with changes: equal to a spread, and of one hidden class for objects that are alike. */
import { setFlagsFromString } from 'node:v8'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { copyWith } from './copy.ts'

const anyObject = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', '0', '__proto__'),
  fc.option(fc.nat(), { nil: undefined }),
)

// First: a place in the program that has seen objects of many kinds makes no hidden classes of its own any more.
test('copies of objects that are alike share their hidden class, also once they are frozen', () => {
  setFlagsFromString('--allow-natives-syntax')
  const alike = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: object, b: object) => boolean
  const copies = Array.from({ length: 200 }, (_, index) => {
    const made: { readonly kind: string; readonly spec: object; readonly status?: object } = {
      kind: 'Pod',
      spec: { index },
    }
    return Object.freeze(copyWith(copyWith(made, { spec: {} }), { status: {} }))
  })
  const last = copies[copies.length - 1] as object
  expect(copies.slice(100).every((copy) => alike(copy, last))).toBe(true)
})

test('a copy with changes equals a spread, members in the same order, whether the object is frozen or not', () => {
  fc.assert(
    fc.property(anyObject, anyObject, fc.boolean(), (object, changes, freezes) => {
      const before = JSON.stringify(object)
      const given = freezes ? Object.freeze(object) : object
      const copy = copyWith(given, changes)
      const spread = { ...given, ...changes }
      expect(copy).toEqual(spread)
      expect(Object.keys(copy)).toEqual(Object.keys(spread))
      expect(copy).not.toBe(given)
      expect(JSON.stringify(given)).toBe(before)
    }),
    { seed: 5, numRuns: 500 },
  )
})
