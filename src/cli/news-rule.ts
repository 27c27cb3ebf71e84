/**
 * The rule of `fuzz --until-new-state-rate`: asked of trials in the order of the campaign, so it is
 * met after the same one however it is run; those that are under way then come to their end and count too.
 */
import { percent } from '../report/index.ts'
import type { Campaign } from '../trial/index.ts'
import { FUZZ_BLOCK_TRIALS, type FuzzPlan } from './fuzz-plan.ts'

/** It looks at all that is rare; once in so many trials is enough. */
const LOOK_EVERY_TRIALS = 16

export class NewsRule {
  readonly #campaign: Campaign
  readonly #rate: number | undefined
  readonly #least: number
  #metAfter: number | undefined

  constructor({ head, newStateRate }: Pick<FuzzPlan, 'head' | 'newStateRate'>, campaign: Campaign) {
    this.#campaign = campaign
    this.#rate = newStateRate
    // Suites have their turns one after another: before each had one, there is news that none of the trials could show.
    this.#least = head.suites.length * FUZZ_BLOCK_TRIALS
    this.#ask()
  }

  /** The campaign has nothing new to expect. */
  get isMet(): boolean {
    return this.#metAfter !== undefined
  }

  /** A trial was added. */
  look(): void {
    if (this.#campaign.drawnTrials % LOOK_EVERY_TRIALS === 0) this.#ask()
  }

  words(): string {
    return `it ended because after ${this.#metAfter} trials drawn by chance, with 95 % confidence, fewer than ${percent(this.#rate ?? 0)} of further trials would show something new`
  }

  #ask(): void {
    if (this.#rate === undefined || this.#campaign.drawnTrials < this.#least) return
    if (!this.isMet && this.#campaign.showsNothingNew(this.#rate)) this.#metAfter = this.#campaign.drawnTrials
  }
}
