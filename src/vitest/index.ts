/**
 * For a user's Vitest files, `seatrial/vitest`: tests made of trials, and matchers for scenarios. What fails puts its story,
 * the command that replays it and its scenario into the error and into annotations. Needs vitest beside it.
 */
import { expect, type TestContext, test } from 'vitest'
import { UserError } from '../trial/index.ts'
import { annotate, errorAt, gather } from './evidence.ts'
import { judge, judgeAgain } from './judge.ts'
import { type Matching, toHold, toSurvive, vainOf } from './matchers.ts'
import { planOf, type TrialOptions } from './plan.ts'
import { type Site, siteOf } from './site.ts'

export type { HoldOptions, SurviveOptions } from './matchers.ts'
export type { JudgingOptions, Occasion, TrialOptions } from './plan.ts'

const TIMEOUT_MILLIS = 600_000

/**
 * A Vitest test made of trials. Scenarios of the corpus that bear its name come first; then as many trials as it asks for. The
 * first that fails is shrunk and kept. One trial is run twice, and both runs must be the same.
 */
export const trial: TrialTest = Object.assign(define(test), { only: define(test.only), skip: define(test.skip) })

export interface TrialTest {
  (title: string, options: TrialOptions): void
  /** The others in this file are passed over. */
  readonly only: (title: string, options: TrialOptions) => void
  /** It is passed over. */
  readonly skip: (title: string, options: TrialOptions) => void
}

function define(make: typeof test | typeof test.only | typeof test.skip) {
  return (title: string, options: TrialOptions): void => {
    const site = siteOf()
    make(title, { timeout: options?.timeout ?? TIMEOUT_MILLIS }, async (context) => {
      try {
        await sail(title, options ?? {}, context, site)
      } catch (error) {
        // Where in Seatrial it was noticed helps nobody who made a mistake in a test.
        throw error instanceof UserError ? errorAt(site.stack, error.name, error.message) : error
      }
    })
  }
}

/** Runs the trials of one test. @throws Error for a failure, UserError for a mistake */
async function sail(title: string, options: TrialOptions, context: TestContext, site: Site): Promise<void> {
  const plan = planOf(title, options)
  const judgement = judge(plan)
  const failure = (await judgeAgain(plan, judgement)) ?? judgement.failure
  for (const remark of judgement.remarks) await site.from(() => context.annotate(remark, 'warning'))
  if (failure !== undefined) {
    const evidence = gather(plan, failure, { file: context.task.file.filepath, title })
    await site.from(() => annotate(context, evidence))
    throw errorAt(site.stack, 'TrialFailure', evidence.message)
  }
  const vain = vainOf(plan, judgement)
  if (vain !== undefined) throw new UserError(vain)
}

expect.extend({ toSurvive, toHold })

declare module 'vitest' {
  interface Matchers<T> extends Matching<T> {}
}
