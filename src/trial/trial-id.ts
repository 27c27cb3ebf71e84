/**
 * The short name of a trial: `suite:seed:path`, or `suite+defect:seed:path` with historical bugs switched on. Seed and path
 * are fast-check's: the path's first number is the trial's place in the campaign, each further one a step of shrinking.
 * A trial of another strategy than plain random search has its name too: `suite~swarm:seed:path`. Where the strategy learns, the
 * name stands for what came of all trials of its lane before this one: they are run again to get there.
 */
import fc, { type Arbitrary, sample } from 'fast-check'
import type { Registry } from './registry.ts'
import { runScenario } from './run.ts'
import type { Scenario } from './scenario.ts'
import { ScenarioArbitrary } from './scenario-arbitrary.ts'
import { laneOf, laneTrials, STRATEGIES, type Strategy, strategyNamed } from './strategies/index.ts'
import { suggest, UserError } from './user-error.ts'

export interface TrialId {
  readonly suite: string
  readonly defects: readonly string[]
  /** How it was searched for. Left out: plain random. */
  readonly strategy?: string
  /** A 32-bit integer. */
  readonly seed: number
  /** Colon-separated, such as `17:0:3`. */
  readonly path: string
}

/** A trial's place in its campaign is at most this. */
const NUMBER_MAXIMUM = 10_000_000

const PATTERN = /^([A-Za-z0-9._/-]+)((?:\+[A-Za-z0-9._/-]+)*)(?:~([a-z-]+))?:(-?\d+):(\d+(?::\d+)*)$/

export function printTrialId({ suite, defects, strategy, seed, path }: TrialId): string {
  const how = strategy === undefined ? '' : `~${strategy}`
  return `${[suite, ...defects].join('+')}${how}:${seed}:${path}`
}

/** The parts of a trial id, or undefined if the text is not one. */
export function parseTrialId(text: string): TrialId | undefined {
  const match = PATTERN.exec(text)
  if (match === null) return undefined
  const [, suite = '', defects = '', strategy, seed = '', path = ''] = match
  return {
    suite,
    defects: defects.split('+').filter((name) => name !== ''),
    ...(strategy === undefined ? {} : { strategy }),
    seed: Number(seed) | 0,
    path,
  }
}

/** The trial was drawn by chance alone: it is no entry of a corpus, and its strategy does not go by what other trials showed. */
export function isDrawn(trialId: string): boolean {
  const id = parseTrialId(trialId)
  return id !== undefined && strategyNamed(id.strategy ?? 'random')?.kind === 'drawn'
}

/** The strategy of a trial; plain random search where none is named. @throws UserError if there is none of that name */
export function strategyOf(id: string = 'random'): Strategy {
  const strategy = strategyNamed(id)
  if (strategy !== undefined) return strategy
  const ids = STRATEGIES.map((known) => known.id)
  throw new UserError({ what: `there is no strategy "${id}"`, mend: suggest(id, ids) })
}

/**
 * The suite's scenarios with the house's shrinker; with a strategy that draws, those that it makes of them.
 * @throws UserError for a name that is not registered
 */
export function suiteArbitrary(
  registry: Registry,
  suite: string,
  defects: readonly string[] = [],
  strategy?: string,
): Arbitrary<Scenario> {
  const found = registry.suites.get(suite)
  if (found === undefined) {
    throw new UserError({ what: `there is no suite "${suite}"`, mend: suggest(suite, registry.suites.keys()) })
  }
  for (const defect of defects) {
    if (registry.defects.has(defect)) continue
    throw new UserError({ what: `there is no defect "${defect}"`, mend: suggest(defect, registry.defects.keys()) })
  }
  const own = found.arbitrary({})
  const how = strategyOf(strategy)
  const source = how.kind === 'drawn' ? how.arbitrary(own, registry) : own
  return new ScenarioArbitrary(source, registry, { defects, keepsCluster: found.keepsCluster ?? false })
}

/** The very scenario that a trial id names. @throws UserError if the path leads nowhere. */
export function scenarioOfTrial(registry: Registry, id: TrialId): Scenario {
  const arbitrary = suiteArbitrary(registry, id.suite, id.defects, id.strategy)
  // fast-check draws every trial before it, one after another.
  if (Number(id.path.split(':', 1)[0]) > NUMBER_MAXIMUM)
    throw new UserError({
      what: `trial ${printTrialId(id)} is further than any campaign goes`,
      mend: `the number after the seed is at most ${NUMBER_MAXIMUM}`,
    })
  let scenario: Scenario | undefined
  try {
    scenario =
      strategyOf(id.strategy).kind === 'drawn'
        ? sample(arbitrary, { seed: id.seed, path: id.path, numRuns: 1 })[0]
        : learnedScenario(registry, id, arbitrary)
  } catch (error) {
    // A suite that cannot draw says so itself.
    if (error instanceof UserError) throw error
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

/** The scenario that a learning strategy comes to, and what shrinking made of it. */
function learnedScenario(registry: Registry, id: TrialId, arbitrary: Arbitrary<Scenario>): Scenario | undefined {
  const drawn = learnedTrial(registry, id, arbitrary)
  const [, ...shrinks] = id.path.split(':')
  if (drawn === undefined || shrinks.length === 0) return drawn
  return sample(shrinkable(registry, id.suite, drawn), { seed: 0, path: ['0', ...shrinks].join(':'), numRuns: 1 })[0]
}

function learnedTrial(registry: Registry, id: TrialId, arbitrary: Arbitrary<Scenario>): Scenario | undefined {
  const strategy = strategyOf(id.strategy)
  const [first = ''] = id.path.split(':', 1)
  const number = Number(first)
  if (strategy.kind !== 'learning') return undefined
  const trials = laneTrials(strategy, laneOf(strategy, number), { registry, suite: id.suite, seed: id.seed, arbitrary })
  let next = trials.next()
  while (next.done !== true) {
    const { scenario, options } = next.value
    if (next.value.number === number) return scenario
    next = trials.next(runScenario(scenario, registry, options))
  }
  return undefined
}

/** One scenario of a suite as a value that shrinks as the suite's do. */
export function shrinkable(registry: Registry, suite: string, scenario: Scenario): Arbitrary<Scenario> {
  const keepsCluster = registry.suites.get(suite)?.keepsCluster ?? false
  return new ScenarioArbitrary(fc.constant(scenario), registry, { keepsCluster })
}

/** Scenarios number `from` to `from + count - 1` of a suite under a seed, exactly those that trial ids of these places name. */
export function scenariosFrom(arbitrary: Arbitrary<Scenario>, seed: number, from: number, count: number): Scenario[] {
  return sample(arbitrary, { seed, path: String(from), numRuns: count })
}
