/** The strategies by name. */
import { exhaustive } from './exhaustive.ts'
import { feedback } from './feedback.ts'
import { pct } from './pct.ts'
import { random } from './random.ts'
import type { Strategy } from './strategy.ts'
import { swarm } from './swarm.ts'
import { targeted } from './targeted.ts'

export { featuresOf } from './features.ts'
export { type LaneTrial, laneOf, laneTrials } from './lane.ts'
export { pctBounds } from './pct.ts'
export { type Gain, PORTFOLIO, planRound } from './portfolio.ts'
export { type LearningStrategy, laneTrialsOf, type Strategy } from './strategy.ts'

export const STRATEGIES: readonly Strategy[] = [random, swarm, pct, targeted, feedback, exhaustive]

/** The strategy of that name, or undefined. */
export function strategyNamed(id: string): Strategy | undefined {
  return STRATEGIES.find((strategy) => strategy.id === id)
}
