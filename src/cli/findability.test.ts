/** The arithmetic of "it has not failed for a while": against the definition, and against drawn trials. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findabilityWords, quietTrialsFor, shareLeft } from './findability.ts'

test('so many quiet trials have a chance of at most 5 %, and one less has more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 20_000 }), (failed, passed) => {
      const needed = quietTrialsFor(failed, failed + passed)
      const share = failed / (failed + passed)
      expect((1 - share) ** needed).toBeLessThanOrEqual(0.05 + 1e-12)
      if (needed > 1) expect((1 - share) ** (needed - 1)).toBeGreaterThan(0.05 - 1e-12)
    }),
    { seed: 4, numRuns: 500 },
  )
})

test.each([
  [1, 1, 1],
  [1, 2, 5],
  [1, 100, 299],
  [3, 4_000, 3_993],
  [40, 4_000, 299],
])('%i of %i: %i quiet trials', (failed, of, needed) => {
  expect(quietTrialsFor(failed, of)).toBe(needed)
})

test('with the rule of three, quiet trials leave at most the share that would need so many', () => {
  for (const quiet of [10, 100, 1_000, 100_000]) {
    const needed = quietTrialsFor(shareLeft(quiet) * 1e9, 1e9)
    expect(needed / quiet).toBeGreaterThan(0.8)
    expect(needed / quiet).toBeLessThanOrEqual(1.01)
  }
})

test('in words', () => {
  expect(findabilityWords(1, 100)).toBe('it failed in 1 of 100 trials; "fixed" holds at 95 % after 299 quiet trials')
  expect(findabilityWords(1, 100, 298)).toMatch(/after 1 more quiet trial$/)
  expect(findabilityWords(1, 100, 299)).toBe('it failed in 1 of 100 trials; after 299 quiet ones "fixed" holds at 95 %')
})
