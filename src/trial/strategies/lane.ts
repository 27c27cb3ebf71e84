/** A lane gone through: the attempts of a learning strategy, numbered like the trials of any other campaign. */
import { type Arbitrary, sample } from 'fast-check'
import type { TrialOptions } from '../execute.ts'
import type { Registry } from '../registry.ts'
import type { TrialResult } from '../result.ts'
import type { Scenario } from '../scenario.ts'
import type { LearningStrategy } from './strategy.ts'

/** Where lanes are taken from: a suite under a seed, with defects switched on if there are any. */
export interface LaneSource {
  readonly registry: Registry
  readonly suite: string
  readonly seed: number
  /** The suite's scenarios as plain random search tries them. */
  readonly arbitrary: Arbitrary<Scenario>
}

export interface LaneTrial {
  /** The trial's number among all of the strategy, suite and seed. */
  readonly number: number
  readonly scenario: Scenario
  readonly options: TrialOptions
}

/** The lane of the strategy that the trial of that number is in. */
export function laneOf({ laneTrials: length }: LearningStrategy, number: number): number {
  return Math.floor(number / length)
}

/** The trials of a lane in order. The answer to each is its result. */
export function* laneTrials(
  strategy: LearningStrategy,
  lane: number,
  { registry, suite, seed, arbitrary }: LaneSource,
): Generator<LaneTrial, void, TrialResult> {
  const length = strategy.laneTrials
  const first = lane * length
  let drawn: Scenario[] = []
  let used = 0
  const course = strategy.course({
    registry,
    suite,
    seed,
    number: lane,
    fresh: () => {
      if (drawn.length === 0) drawn = sample(arbitrary, { seed, path: String(first), numRuns: length })
      return drawn[used++ % length] as Scenario
    },
    sample: (count) => sample(arbitrary, { seed, numRuns: count }),
  })
  let next = course.next()
  for (let number = first; number < first + length && next.done !== true; number++) {
    const { scenario, options = {} } = next.value
    next = course.next(yield { number, scenario, options })
  }
}
