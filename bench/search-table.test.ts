/** The arithmetic of the ablation: medians with searches that found nothing, pairs by seed, the sign test. */
import { expect, test } from 'vitest'
import { ablationTable, type Cell, median, paired, signTest } from './search-table.ts'

function cell(strategy: string, seed: number, found?: number): Cell {
  const more = { cap: 128, alarms: 0, cpuMicros: 2_000_000, trials: found ?? 128 }
  return { defect: 'bug', suite: 'small', strategy, seed, ...more, ...(found === undefined ? {} : { found }) }
}

test('the median of an even number is the lower of the two; nothing found lies above everything', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([1, 5, 9, Number.POSITIVE_INFINITY])).toBe(5)
})

test('pairs count who was earlier, and not where both found nothing', () => {
  const plain = [cell('random', 1, 50), cell('random', 2), cell('random', 3), cell('random', 4, 7)]
  const other = [cell('swarm', 1, 20), cell('swarm', 2, 90), cell('swarm', 3), cell('swarm', 4, 8)]
  expect(paired(other, plain)).toEqual({ earlier: 2, later: 1 })
})

test.each([
  [{ earlier: 0, later: 0 }, 1],
  [{ earlier: 5, later: 5 }, 1],
  [{ earlier: 5, later: 0 }, 0.0625],
  [{ earlier: 8, later: 2 }, 0.109375],
])('a split of %o has the chance %d', (split, chance) => expect(signTest(split)).toBeCloseTo(chance, 10))

test('the table has a row a defect, a column a strategy, and says how many found it', () => {
  const table = ablationTable(
    [cell('random', 1, 50), cell('random', 2), cell('swarm', 1, 20), cell('swarm', 2, 90)],
    ['random', 'swarm'],
  )
  expect(table).toContain('| bug | small | 50 (1/2) | 20 (2/2, 2:0) |')
  expect(table).toContain('| against random, by seed | |  | 2 earlier, 0 later, p = 0.500 |')
})
