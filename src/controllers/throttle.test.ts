/** The request rate of a controller: a burst at once, then one every so often, and never more however it asks. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MILLISECOND, SECOND } from '../kernel/index.ts'
import { Permits } from './throttle.ts'

test('a burst at once, then one each interval', () => {
  const permits = new Permits(20, 3)
  expect([1, 2, 3, 4, 5].map(() => permits.reserve(SECOND) / MILLISECOND)).toEqual([0, 0, 0, 50, 100])
})

test('a rest fills the bucket again, and no further', () => {
  const permits = new Permits(10, 2)
  for (let count = 0; count < 4; count++) permits.reserve(0)
  expect([1, 2, 3].map(() => permits.reserve(60 * SECOND) / MILLISECOND)).toEqual([0, 0, 100])
})

test('taking only what is there takes nothing that is not', () => {
  const permits = new Permits(10, 2)
  expect([1, 2, 3].map(() => permits.tryTake(0))).toEqual([true, true, false])
  expect(permits.reserve(0) / MILLISECOND).toBe(100)
})

test('in no window is more used than the burst and the rate allow', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 300 * MILLISECOND }), { minLength: 1, maxLength: 80 }),
      (perSecond, burst, gaps) => {
        const permits = new Permits(perSecond, burst)
        let now = 0
        const used = gaps.map((gap) => {
          now += gap
          return now + permits.reserve(now)
        })
        const interval = Math.floor(SECOND / perSecond)
        for (const [first, from] of used.entries()) {
          for (let last = first; last < used.length; last++) {
            const window = (used[last] as number) - from
            expect(last - first + 1).toBeLessThanOrEqual(burst + Math.floor(window / interval))
          }
        }
      },
    ),
    { seed: 7, numRuns: 200 },
  )
})
