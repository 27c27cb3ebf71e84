/** Which trials a campaign runs: shards share nothing and leave nothing out, and what is done is not run again. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Block, type BlockPlan, blocksOf, DoneTrials, seedsOf } from './plan.ts'

const SETTINGS = { seed: 8, numRuns: 200 }

function taken<T>(source: Iterator<T>, count: number): T[] {
  const items: T[] = []
  for (let next = source.next(); next.done !== true && items.length < count; next = source.next())
    items.push(next.value)
  return items
}

const trialsOf = (blocks: readonly Block[]) =>
  blocks.flatMap(({ suite, seed, from, count }) =>
    Array.from({ length: count }, (_, offset) => `${suite}:${seed}:${from + offset}`),
  )

const plans = fc.record({
  suites: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
  defects: fc.constant([]),
  seed: fc.integer(),
  shard: fc.constant({ index: 1, count: 1 }),
  blockTrials: fc.integer({ min: 1, max: 7 }),
  seedTrials: fc.integer({ min: 1, max: 20 }),
  most: fc.integer({ min: 1, max: 200 }),
}) satisfies fc.Arbitrary<BlockPlan>

test('the shards deal the seeds of a campaign among themselves: each to one shard, none to two', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 40 }), (seed, count, each) => {
      const shards = Array.from({ length: count }, (_, index) =>
        taken(seedsOf(seed, { index: index + 1, count }), each),
      ).flat()
      expect(new Set(shards).size).toBe(count * each)
      expect(new Set(shards)).toEqual(new Set(taken(seedsOf(seed, { index: 1, count: 1 }), count * each)))
    }),
    SETTINGS,
  )
})

test('no trial of one shard is a trial of another', () => {
  fc.assert(
    fc.property(plans, fc.integer({ min: 2, max: 6 }), (plan, count) => {
      const all = Array.from({ length: count }, (_, index) =>
        trialsOf([...blocksOf({ ...plan, shard: { index: index + 1, count } })]),
      ).flat()
      expect(new Set(all).size).toBe(all.length)
      expect(all).toHaveLength(count * plan.most)
    }),
    SETTINGS,
  )
})

test('broken off anywhere, a campaign runs the rest, and nothing twice', () => {
  fc.assert(
    fc.property(plans, fc.func(fc.boolean()), (plan, isDone) => {
      const whole = trialsOf([...blocksOf(plan)])
      const done = new DoneTrials()
      for (const trial of whole) {
        const [suite, seed, number] = trial.split(':') as [string, string, string]
        if (isDone(trial)) done.add(suite, Number(seed), Number(number))
      }
      const rest = trialsOf([...blocksOf(plan, done)])
      expect(rest).toEqual(whole.filter((trial) => !isDone(trial)))
      expect(rest.length + done.size).toBe(plan.most)
    }),
    SETTINGS,
  )
})

test('blocks take the suites in turn, and the next seed when one is used up', () => {
  const plan = {
    suites: ['a', 'b'],
    defects: [],
    seed: 5,
    shard: { index: 2, count: 3 },
    blockTrials: 2,
    seedTrials: 3,
  }
  expect(taken(blocksOf(plan), 6)).toEqual([
    { suite: 'a', defects: [], seed: 6, from: 0, count: 2 },
    { suite: 'b', defects: [], seed: 6, from: 0, count: 2 },
    { suite: 'a', defects: [], seed: 6, from: 2, count: 1 },
    { suite: 'b', defects: [], seed: 6, from: 2, count: 1 },
    { suite: 'a', defects: [], seed: 9, from: 0, count: 2 },
    { suite: 'b', defects: [], seed: 9, from: 0, count: 2 },
  ])
})
