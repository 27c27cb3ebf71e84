/** From the failing order of events towards the default one: no priorities at all, fewer change points, shorter delays, rounder places. */
import type { Scenario, Schedule } from './scenario.ts'
import type { Candidate } from './shrink-candidate.ts'

/** Two measures: change points with the schedule itself, and how far it goes. */
export function sizeOfSchedule({ schedule }: Scenario): readonly [number, number] {
  if (schedule === undefined) return [0, 0]
  const { changes, delayMicros } = schedule
  return [1 + changes.length, delayMicros + changes.reduce((sum, { events }) => sum + events, 0)]
}

/** What is nearer to the default order, the nearest first. */
export function* simplerSchedules(scenario: Scenario): Generator<Candidate> {
  const { schedule, ...plain } = scenario
  if (schedule === undefined) return
  yield { key: 0, scenario: plain }
  let key = 1
  for (const simpler of simplerOf(schedule)) yield { key: key++, scenario: { ...scenario, schedule: simpler } }
}

function* simplerOf(schedule: Schedule): Generator<Schedule> {
  const { changes, delayMicros } = schedule
  if (changes.length > 1) yield { ...schedule, changes: [] }
  for (const index of changes.keys()) yield { ...schedule, changes: changes.toSpliced(index, 1) }
  for (const shorter of [0, Math.floor(delayMicros / 10), Math.floor(delayMicros / 2)])
    if (shorter < delayMicros) yield { ...schedule, delayMicros: shorter }
  for (const [index, change] of changes.entries())
    for (const events of [0, Math.floor(change.events / 2)])
      if (events < change.events) yield { ...schedule, changes: changes.with(index, { ...change, events }) }
}
