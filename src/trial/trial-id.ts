/**
 * The short name of a trial: `suite:seed:path`, or `suite+defect:seed:path` with historical bugs switched on. Seed and path
 * are fast-check's: the path's first number is the trial's place in the campaign, each further one a step of shrinking.
 */
import { type Arbitrary, sample } from 'fast-check'
import type { Registry } from './registry.ts'
import type { Scenario } from './scenario.ts'
import { ScenarioArbitrary } from './scenario-arbitrary.ts'
import { suggest, UserError } from './user-error.ts'

export interface TrialId {
  readonly suite: string
  readonly defects: readonly string[]
  /** A 32-bit integer. */
  readonly seed: number
  /** Colon-separated, such as `17:0:3`. */
  readonly path: string
}

/** A trial's place in its campaign is at most this. */
const NUMBER_MAXIMUM = 10_000_000

const PATTERN = /^([A-Za-z0-9._/-]+)((?:\+[A-Za-z0-9._/-]+)*):(-?\d+):(\d+(?::\d+)*)$/

export function printTrialId(id: TrialId): string {
  return `${[id.suite, ...id.defects].join('+')}:${id.seed}:${id.path}`
}

/** The parts of a trial id, or undefined if the text is not one. */
export function parseTrialId(text: string): TrialId | undefined {
  const match = PATTERN.exec(text)
  if (match === null) return undefined
  const [, suite = '', defects = '', seed = '', path = ''] = match
  return { suite, defects: defects.split('+').filter((name) => name !== ''), seed: Number(seed) | 0, path }
}

/** The suite's scenarios with the house's shrinker. @throws UserError for a suite or defect that is not registered. */
export function suiteArbitrary(
  registry: Registry,
  suite: string,
  defects: readonly string[] = [],
): Arbitrary<Scenario> {
  const found = registry.suites.get(suite)
  if (found === undefined) {
    throw new UserError({ what: `there is no suite "${suite}"`, mend: suggest(suite, registry.suites.keys()) })
  }
  for (const defect of defects) {
    if (registry.defects.has(defect)) continue
    throw new UserError({ what: `there is no defect "${defect}"`, mend: suggest(defect, registry.defects.keys()) })
  }
  return new ScenarioArbitrary(found.arbitrary({}), registry, { defects, keepsCluster: found.keepsCluster ?? false })
}

/** The very scenario that a trial id names. @throws UserError if the path leads nowhere. */
export function scenarioOfTrial(registry: Registry, id: TrialId): Scenario {
  const arbitrary = suiteArbitrary(registry, id.suite, id.defects)
  // fast-check draws every trial before it, one after another.
  if (Number(id.path.split(':', 1)[0]) > NUMBER_MAXIMUM)
    throw new UserError({
      what: `trial ${printTrialId(id)} is further than any campaign goes`,
      mend: `the number after the seed is at most ${NUMBER_MAXIMUM}`,
    })
  let scenario: Scenario | undefined
  try {
    ;[scenario] = sample(arbitrary, { seed: id.seed, path: id.path, numRuns: 1 })
  } catch {
    scenario = undefined
  }
  if (scenario === undefined) {
    throw new UserError({
      what: `the path of ${printTrialId(id)} leads to no scenario`,
      mend: 'a trial id holds for the release and the suite that printed it; replay the scenario file instead',
    })
  }
  return scenario
}

/** Scenarios number `from` to `from + count - 1` of a suite under a seed, exactly those that trial ids of these places name. */
export function scenariosFrom(arbitrary: Arbitrary<Scenario>, seed: number, from: number, count: number): Scenario[] {
  return sample(arbitrary, { seed, path: String(from), numRuns: count })
}
