/** All trials of a strategy on one suite under one seed, in order and without end: what an ablation goes through. */

import type { Registry } from './registry.ts'
import type { TrialResult } from './result.ts'
import { type LaneTrial, laneTrials, laneTrialsOf } from './strategies/index.ts'
import { scenariosFrom, strategyOf, suiteArbitrary, type TrialId } from './trial-id.ts'

/** The answer to each trial is its result. It ends only where there is nothing more to try. */
export function* trialsOf(
  registry: Registry,
  { suite, defects, strategy, seed }: Omit<TrialId, 'path'>,
): Generator<LaneTrial, void, TrialResult> {
  const arbitrary = suiteArbitrary(registry, suite, defects, strategy)
  const how = strategyOf(strategy)
  for (let lane = 0; ; lane++) {
    const length = laneTrialsOf(how)
    const first = lane * length
    if (how.kind === 'learning') {
      let done = 0
      const trials = laneTrials(how, lane, { registry, suite, seed, arbitrary })
      for (let next = trials.next(); next.done !== true; done++) next = trials.next(yield next.value)
      if (done === 0) return
    } else
      for (const [index, scenario] of scenariosFrom(arbitrary, seed, first, length).entries())
        yield { number: first + index, scenario, options: {} }
  }
}
