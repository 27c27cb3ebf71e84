/**
 * A strategy is a way to get the next scenario of a suite. A drawn one is an arbitrary: each trial stands for itself. One that
 * learns goes along a lane: so many trials of one suite under one seed, in order, in one thread, with a memory of its own. What
 * a lane does depends on nothing outside it, so a campaign tries the same whatever the number of workers.
 */
import type { Arbitrary } from 'fast-check'
import type { TrialOptions } from '../execute.ts'
import type { Registry } from '../registry.ts'
import type { TrialResult } from '../result.ts'
import type { Scenario } from '../scenario.ts'

export const STRATEGY_IDS = ['random', 'swarm', 'pct', 'targeted', 'feedback', 'exhaustive'] as const
export type StrategyId = (typeof STRATEGY_IDS)[number]

/** A scenario to try, and what the strategy wants to see of the run. */
export interface Attempt {
  readonly scenario: Scenario
  readonly options?: TrialOptions
}

/** Goes from attempt to attempt; each answer is what the one before came to. It may end early: there is nothing more to try. */
export type Course = Generator<Attempt, void, TrialResult>

/** Where a course begins. */
export interface Lane {
  readonly registry: Registry
  readonly suite: string
  /** A 32-bit integer. */
  readonly seed: number
  /** Place of the lane among those of suite and seed, from 0. */
  readonly number: number
  /** The next scenario that plain random search would try. */
  fresh(): Scenario
  /** Scenarios of the suite that are the same for all lanes of the seed, to see what it is made of. */
  sample(count: number): readonly Scenario[]
}

interface Titled {
  readonly id: StrategyId
  /** One line: what it does. */
  readonly title: string
  /** Who described it. */
  readonly source: string
}

export interface DrawnStrategy extends Titled {
  readonly kind: 'drawn'
  /** Scenarios made of the suite's. */
  arbitrary(suite: Arbitrary<Scenario>, registry: Registry): Arbitrary<Scenario>
}

export interface LearningStrategy extends Titled {
  readonly kind: 'learning'
  /** Trials of a lane. Long enough to learn something, short enough to be given to one worker; a divisor of 4,096. */
  readonly laneTrials: number
  course(lane: Lane): Course
}

export type Strategy = DrawnStrategy | LearningStrategy

/** Of one that is drawn, where several strategies take turns: short, so that each suite soon has had one. */
const DRAWN_LANE_TRIALS = 16

/** How many trials are given out at once where strategies take turns. */
export function laneTrialsOf(strategy: Strategy): number {
  return strategy.kind === 'learning' ? strategy.laneTrials : DRAWN_LANE_TRIALS
}
