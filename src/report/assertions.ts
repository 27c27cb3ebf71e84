/**
 * For test files: run trials, and throw an error that carries the story and the way to see it again. No test runner is
 * named here; anything that reports a thrown error will do.
 */
import type { Arbitrary } from 'fast-check'
import {
  assertRunnable,
  type Found,
  parseScenario,
  printScenario,
  printTrialId,
  type Registry,
  runScenario,
  type Scenario,
  search,
  suiteArbitrary,
  type TrialResult,
  UserError,
} from '../trial/index.ts'
import { printStory } from './story.ts'
import { tell } from './tell.ts'

export interface SurvivalOptions {
  readonly registry: Registry
  /** A suite's id, or scenarios of your own. Default: the first registered suite. */
  readonly scenarios?: string | Arbitrary<Scenario>
  /** Default: 50. */
  readonly trials?: number
  /** A 32-bit integer. Default: 1. */
  readonly seed?: number
  /** Only these properties. Default: what the scenarios name. */
  readonly properties?: readonly string[]
  /** Historical bugs to switch on. */
  readonly defects?: readonly string[]
  /** Trials that shrinking may take. Default: 2,000. */
  readonly maximumShrinkExecutions?: number
}

/** A trial did not end as it should. The message is the story. */
export class TrialFailure extends Error {
  readonly scenario: Scenario
  readonly result: TrialResult

  constructor(message: string, scenario: Scenario, result: TrialResult) {
    super(message)
    this.name = 'TrialFailure'
    this.scenario = scenario
    this.result = result
  }
}

/** Looks for a trial that fails and shrinks it; undefined when all of them pass. */
export function searchFor(options: SurvivalOptions): Found | undefined {
  return look(options, () => {})
}

/** Runs trials; all must pass, and at least one must have looked at something. @throws TrialFailure */
export function assertSurvives(options: SurvivalOptions): void {
  let meant = 0
  const found = look(options, ({ verdict }) => {
    if (verdict !== 'vacuous') meant++
  })
  if (found !== undefined) throw failure(found.shrunk.scenario, options.registry, idOf(options, found))
  if (meant > 0) return
  throw new UserError({
    what: 'all trials were vacuous: no fault took effect or nothing to check was reached',
    mend: 'check the trigger of the properties, or draw other scenarios',
  })
}

function look(options: SurvivalOptions, onResult: (result: TrialResult) => void): Found | undefined {
  const { registry, seed = 1, trials = 50, maximumShrinkExecutions } = options
  return search(arbitraryOf(options), registry, {
    seed,
    trials,
    isFailure: ({ verdict }) => verdict !== 'passed' && verdict !== 'vacuous',
    onTrial: (_number, _scenario, result) => onResult(result),
    ...(maximumShrinkExecutions === undefined ? {} : { maximumExecutions: maximumShrinkExecutions }),
  }).found
}

/** The id that `seatrial replay` understands: only for a built-in suite as it is. */
function idOf({ scenarios, properties, defects = [], seed = 1 }: SurvivalOptions, found: Found): string | undefined {
  if (typeof scenarios !== 'string' || properties !== undefined) return undefined
  return printTrialId({ suite: scenarios, defects, seed, path: found.shrunk.path })
}

/** Runs one scenario (as a value or as JSON text); it must pass. @throws TrialFailure, UserError */
export function assertScenario(scenario: unknown, registry: Registry): TrialResult {
  const parsed = parseScenario(
    typeof scenario === 'string' ? scenario : printScenario(scenario as Scenario),
    'scenario',
  )
  assertRunnable(parsed, registry)
  const result = runScenario(parsed, registry)
  if (result.verdict === 'passed' || result.verdict === 'vacuous') return result
  throw failure(parsed, registry, undefined)
}

function arbitraryOf({ registry, scenarios, properties, defects }: SurvivalOptions): Arbitrary<Scenario> {
  const named = scenarios === undefined || typeof scenarios === 'string'
  const source = named
    ? suiteArbitrary(registry, scenarios ?? [...registry.suites.keys()][0] ?? '', defects)
    : scenarios
  if (properties === undefined && (named || defects === undefined)) return source
  return source.map((scenario) => ({
    ...scenario,
    properties: properties ?? scenario.properties,
    defects: defects ?? scenario.defects,
  }))
}

function failure(scenario: Scenario, registry: Registry, trialId: string | undefined): TrialFailure {
  const { result, story: lines } = tell(scenario, registry, (same, options) => runScenario(same, registry, options))
  const story = printStory(lines, trialId === undefined ? undefined : `npx seatrial replay ${trialId}`)
  return new TrialFailure(
    `${result.verdict}: ${result.violation?.message ?? result.error?.message ?? ''}\n\n${story}\n`,
    scenario,
    result,
  )
}
