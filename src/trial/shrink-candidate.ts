/** What a shrinking pass offers: a smaller scenario and its place in the pass. */
import type { Scenario } from './scenario.ts'

/** One candidate. `key` grows within its pass and tells where to go on after it was accepted. */
export interface Candidate {
  readonly key: number
  readonly scenario: Scenario
}
