/** Schedules on their way to the default order: what is tried, in which order, and that all of it is smaller. */
import { expect, test } from 'vitest'
import type { Schedule } from './scenario.ts'
import { compareSize } from './shrink-passes.ts'
import { simplerSchedules } from './shrink-schedule.ts'
import { fakeScenario } from './testing.ts'

const schedule: Schedule = {
  kind: 'pct',
  seed: '3',
  changes: [
    { atMicros: 1_000_000, events: 10 },
    { atMicros: 4_000_000, events: 0 },
  ],
  delayMicros: 2_000,
}

function tried(of: Schedule): unknown[] {
  const scenario = fakeScenario({ schedule: of })
  return Array.from(simplerSchedules(scenario), ({ scenario: simpler }) => {
    expect(compareSize(simpler, scenario)).toBeLessThan(0)
    const left = simpler.schedule
    return left === undefined ? 'none' : [left.delayMicros, ...left.changes.map(({ events }) => events)]
  })
}

test('first no schedule, then fewer change points, shorter delays, places nearer to their moment', () => {
  expect(tried(schedule)).toEqual([
    'none',
    [2_000],
    [2_000, 0],
    [2_000, 10],
    [0, 10, 0],
    [200, 10, 0],
    [1_000, 10, 0],
    [2_000, 0, 0],
    [2_000, 5, 0],
  ])
})

test('priorities alone have only the default order below them', () => {
  expect(tried({ ...schedule, changes: [], delayMicros: 0 })).toEqual(['none'])
})
