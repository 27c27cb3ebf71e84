/**
 * A search in one thread: trials of an arbitrary under a seed, in order, until one fails or the number is used up; the
 * failure is shrunk. What Vitest files, hunts and workers are made of.
 */
import type { Arbitrary } from 'fast-check'
import { Value } from 'fast-check'
import { irrelevantItems } from './explain/irrelevant.ts'
import type { Registry } from './registry.ts'
import type { TrialResult } from './result.ts'
import { runScenario } from './run.ts'
import type { Scenario } from './scenario.ts'
import { ScenarioArbitrary } from './scenario-arbitrary.ts'
import { type ShrinkOptions, type ShrinkOutcome, shrinkFailure } from './shrink.ts'
import { scenariosFrom } from './trial-id.ts'

export interface SearchOptions extends ShrinkOptions {
  /** A 32-bit integer. */
  readonly seed: number
  /** How many trials to try. */
  readonly trials: number
  /** The first trial's number. Default: 0. */
  readonly from?: number
  /** What counts as found. Default: a property failed. */
  readonly isFailure?: (result: TrialResult) => boolean
  readonly onTrial?: (number: number, scenario: Scenario, result: TrialResult) => void
  /** Default: true. */
  readonly shrink?: boolean
  readonly run?: (scenario: Scenario, registry: Registry) => TrialResult
}

export interface Found {
  /** The failing trial's number. */
  readonly number: number
  readonly original: Scenario
  readonly originalResult: TrialResult
  /** The smallest scenario that fails in the same way; its `path` replays it. */
  readonly shrunk: ShrinkOutcome
}

export interface SearchOutcome {
  readonly trials: number
  readonly found?: Found
}

const BLOCK = 64

/** Tries `options.trials` scenarios and shrinks the first that fails. */
export function search(source: Arbitrary<Scenario>, registry: Registry, options: SearchOptions): SearchOutcome {
  const arbitrary = source instanceof ScenarioArbitrary ? source : new ScenarioArbitrary(source, registry)
  const run = options.run ?? runScenario
  const isFailure = options.isFailure ?? ((result) => result.verdict === 'failed')
  const from = options.from ?? 0
  const end = from + options.trials
  for (let start = from; start < end; start += BLOCK) {
    const scenarios = scenariosFrom(arbitrary, options.seed, start, Math.min(BLOCK, end - start))
    for (const [offset, scenario] of scenarios.entries()) {
      if (options.isInterrupted?.() === true) return { trials: start + offset - from }
      const number = start + offset
      const result = run(scenario, registry)
      options.onTrial?.(number, scenario, result)
      if (!isFailure(result)) continue
      const shrinkOptions = options.shrink === false ? { ...options, maximumExecutions: 0 } : options
      const shrunk = shrinkFailure(
        arbitrary,
        new Value(scenario, undefined),
        String(number),
        result,
        (candidate) => run(candidate, registry),
        options.run === undefined
          ? { irrelevant: (same) => irrelevantItems(same, registry), ...shrinkOptions }
          : shrinkOptions,
      )
      return { trials: number - from + 1, found: { number, original: scenario, originalResult: result, shrunk } }
    }
  }
  return { trials: options.trials }
}
