// Features are hashes: the same everywhere for ever, different for what is different, small sets of them quick.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FeatureSet } from './feature-set.ts'
import { bucketOf, hashText, mix, Words } from './hash.ts'

test('hashes of texts and tuples stay what they are from release to release: kept coverage goes by them', () => {
  expect([hashText(''), hashText('fact'), hashText('kubelet')].map((hash) => hash >>> 0)).toMatchInlineSnapshot(`
    [
      2872998923,
      3602529329,
      845122775,
    ]
  `)
  expect(mix(mix(hashText('fact'), 7), -1) >>> 0).toMatchInlineSnapshot(`3028078856`)
})

test('the order of a tuple counts', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), fc.integer(), (start, a, b) => {
      fc.pre(a !== b)
      expect(mix(mix(start, a), b)).not.toBe(mix(mix(start, b), a))
    }),
    { seed: 1, numRuns: 2_000 },
  )
})

test('a hundred thousand short tuples have hardly a hash in common', () => {
  const seen = new Set<number>()
  for (let a = 0; a < 100; a++)
    for (let b = 0; b < 1_000; b++) seen.add(mix(mix(hashText(`type-${a}`), b), hashText('etcd')))
  // Of 100,000 random numbers of 32 bits 1.2 pairs are equal on average.
  expect(seen.size).toBeGreaterThan(99_990)
})

test('words are hashed once and rightly', () => {
  const words = new Words()
  expect(words.hash('raft-role')).toBe(hashText('raft-role'))
  expect(words.hash('raft-role')).toBe(hashText('raft-role'))
})

test.each([
  [0, 0],
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 3],
  [5, 4],
  [8, 4],
  [9, 5],
  [16, 5],
  [17, 6],
  [32, 6],
  [33, 7],
  [1_000_000, 7],
])('%i of something is bucket %i', (count, bucket) => {
  expect(bucketOf(count)).toBe(bucket)
})

test('a set of features holds what a plain set holds, whatever is added, and gives it rising', () => {
  const features = fc.oneof(fc.integer(), fc.integer({ min: -3, max: 3 }), fc.integer({ min: 0, max: 4_000 }))
  fc.assert(
    fc.property(fc.array(features, { maxLength: 3_000 }), (added) => {
      const set = new FeatureSet()
      const plain = new Set<number>()
      for (const feature of added) {
        const value = feature === 0 ? 1 : feature >>> 0
        expect(set.add(feature)).toBe(!plain.has(value))
        plain.add(value)
      }
      expect(set.size).toBe(plain.size)
      expect([...set.sorted()]).toEqual([...plain].sort((a, b) => a - b))
    }),
    { seed: 1, numRuns: 100 },
  )
})
