/**
 * Search by feedback (AFL; Zalewski, 2013): a scenario that showed something new is kept, and mutated later. The archive is the
 * lane's own. Which of those kept is taken goes by how much it showed and how often it was taken already.
 */
import type { Scenario } from '../scenario.ts'
import { Dice } from './dice.ts'
import { featuresOf } from './features.ts'
import { mutated } from './mutate.ts'
import type { Course, Lane, LearningStrategy } from './strategy.ts'

/** Before so many trials nothing is mutated. */
const WARM_UP = 8
/** Out of so many trials one is a fresh scenario. */
const FRESH_ONE_IN = 3
const ARCHIVE_MAXIMUM = 64

interface Kept {
  readonly scenario: Scenario
  /** Features that it was the first to show. */
  readonly fresh: number
  taken: number
}

/** Adds the features to those seen. @returns how many of them are new */
export function addFeatures(seen: Set<number>, features: Iterable<number>): number {
  const before = seen.size
  for (const feature of features) seen.add(feature)
  return seen.size - before
}

function* course(lane: Lane): Course {
  const dice = new Dice(lane.seed, `feedback/${lane.suite}/${lane.number}`)
  const seen = new Set<number>()
  const archive: Kept[] = []
  for (let trial = 0; ; trial++) {
    const scenario =
      trial < WARM_UP || archive.length === 0 || dice.chance(1, FRESH_ONE_IN)
        ? lane.fresh()
        : offspring(archive, lane, dice)
    const result = yield { scenario, options: { footprint: true } }
    const fresh = addFeatures(seen, featuresOf(result))
    if (fresh > 0) archive.push({ scenario, fresh, taken: 0 })
    if (archive.length > ARCHIVE_MAXIMUM) archive.shift()
  }
}

function offspring(archive: readonly Kept[], lane: Lane, dice: Dice): Scenario {
  const [one, other] = [dice.pick(archive), dice.pick(archive)]
  const parent = one.fresh * (other.taken + 1) >= other.fresh * (one.taken + 1) ? one : other
  parent.taken++
  const donor = dice.chance(1, 2) ? lane.fresh() : dice.pick(archive).scenario
  return mutated(parent.scenario, donor, lane.registry, dice)?.scenario ?? lane.fresh()
}

export const feedback: LearningStrategy = {
  kind: 'learning',
  id: 'feedback',
  // What was kept is lost at the end of a lane: it must be worth the warming up.
  laneTrials: 256,
  title: 'keeps scenarios that showed something new, and mutates them',
  source: 'Zalewski, American Fuzzy Lop, 2013',
  course,
}
