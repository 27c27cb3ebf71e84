/**
 * From a failing scenario to the smallest that fails in the same way, by fast-check's own walk over our shrinker: the first
 * candidate that keeps the signature is taken, and the walk goes on from there. The path of indices is what replay needs.
 */
import { type Arbitrary, Value } from 'fast-check'
import type { TrialResult } from './result.ts'
import type { Scenario } from './scenario.ts'
import { failsAs } from './signature.ts'

export interface ShrinkProgress {
  readonly executions: number
  /** Shrinks accepted so far. */
  readonly accepted: number
  readonly best: Scenario
}

export interface ShrinkOptions {
  /** Trials that may be run. Default: 2,000. */
  readonly maximumExecutions?: number
  /** Asked before each trial; true ends the search with the best so far. */
  readonly isInterrupted?: () => boolean
  readonly onProgress?: (progress: ShrinkProgress) => void
}

export interface ShrinkOutcome {
  readonly scenario: Scenario
  readonly result: TrialResult
  /** The given path with the indices of the accepted candidates. */
  readonly path: string
  readonly executions: number
  readonly accepted: number
  /** False: the cap or an interruption ended the search. */
  readonly complete: boolean
}

export const MAXIMUM_SHRINK_EXECUTIONS = 2_000

/**
 * Shrinks `value`, whose trial gave `result` with a signature.
 * @param run - executes a scenario; deterministic
 */
export function shrinkFailure(
  arbitrary: Arbitrary<Scenario>,
  value: Value<Scenario>,
  path: string,
  result: TrialResult,
  run: (scenario: Scenario) => TrialResult,
  options: ShrinkOptions = {},
): ShrinkOutcome {
  const { signature } = result
  const cap = options.maximumExecutions ?? MAXIMUM_SHRINK_EXECUTIONS
  let best = { value, path, result }
  let executions = 0
  let accepted = 0
  const outcome = (complete: boolean): ShrinkOutcome => ({
    scenario: best.value.value,
    result: best.result,
    path: best.path,
    executions,
    accepted,
    complete,
  })
  if (signature === undefined) return outcome(false)
  for (;;) {
    let improved = false
    let index = 0
    for (const candidate of arbitrary.shrink(best.value.value, best.value.context)) {
      if (executions >= cap || options.isInterrupted?.() === true) return outcome(false)
      executions++
      const found = run(candidate.value)
      if (failsAs(found, signature)) {
        best = { value: candidate, path: `${best.path}:${index}`, result: found }
        accepted++
        improved = true
      }
      options.onProgress?.({ executions, accepted, best: best.value.value })
      if (improved) break
      index++
    }
    if (!improved) return outcome(true)
  }
}

/** A scenario without a drawn context, such as one from a file, as a value that can be shrunk. */
export function asValue(scenario: Scenario): Value<Scenario> {
  return new Value(scenario, undefined)
}
