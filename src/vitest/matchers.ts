/** Matchers over scenarios: does it survive, does a property hold. Those who write a test in their own way use these. */
import { Arbitrary } from 'fast-check'
import type { TestContext } from 'vitest'
import { counted } from '../report/index.ts'
import { type PropertyDefinition, type Scenario, UserError, type UserErrorParts } from '../trial/index.ts'
import { annotate, gather } from './evidence.ts'
import { type Judgement, judge } from './judge.ts'
import { type JudgingOptions, type Plan, planOf, type TrialOptions } from './plan.ts'

export type SurviveOptions = JudgingOptions
export type HoldOptions = Omit<JudgingOptions, 'properties'>

/** What can be asked of a scenario, of scenarios to draw from, or of a suite by its id. */
export interface Matching<T> {
  /** No property breaks and nothing throws. */
  toSurvive(options?: SurviveOptions): T
  /** This property looked at something, and holds: an id, or one of your own. */
  toHold(property: string | PropertyDefinition, options?: HoldOptions): T
}

/** The part of Vitest's state that is needed here. */
interface State {
  readonly isNot: boolean
  readonly testPath?: string
  readonly currentTestName?: string
  readonly task?: { readonly name: string; readonly context: Pick<TestContext, 'annotate'> }
}

interface Answer {
  readonly pass: boolean
  readonly message: () => string
}

export function toSurvive(this: State, subject: unknown, options: SurviveOptions = {}): Answer {
  return answerOf(this, subject, options, 'to fail')
}

export function toHold(
  this: State,
  subject: unknown,
  property: string | PropertyDefinition,
  options: HoldOptions = {},
): Answer {
  const id = typeof property === 'string' ? property : property?.id
  return answerOf(this, subject, { ...options, properties: [property] }, `to break "${id}"`)
}

function answerOf(state: State, subject: unknown, options: JudgingOptions, otherwise: string): Answer {
  const title = state.task?.name ?? state.currentTestName ?? 'a scenario'
  // Nothing was ever kept for a line of a test.
  const plan = { ...planOf(title, { ...options, ...sourceOf(subject) }), name: undefined }
  const judgement = judge(plan)
  const { failure } = judgement
  // What looked at nothing shows neither that it holds nor that it does not.
  const vain = vainOf(plan, judgement)
  if (failure === undefined && vain !== undefined)
    return { pass: state.isNot, message: () => new UserError(vain).message }
  if (failure === undefined)
    return { pass: true, message: () => `expected the scenario ${otherwise}; of ${judgement.trials} trials none did` }
  if (state.isNot && failure.result.verdict === 'failed') return { pass: false, message: () => '' }
  const evidence = gather(plan, failure, { file: state.testPath ?? '', title })
  // Vitest waits for it at the end of the test.
  if (state.task !== undefined) void annotate(state.task.context, evidence)
  // An error is no proof of either.
  return { pass: state.isNot, message: () => evidence.message }
}

function sourceOf(subject: unknown): Pick<TrialOptions, 'suite' | 'scenario' | 'scenarios'> {
  if (typeof subject === 'string') return { suite: subject }
  if (subject instanceof Arbitrary) return { scenarios: subject as Arbitrary<Scenario> }
  return { scenario: subject as Scenario }
}

/** Why a run without a failure proves nothing, or undefined if it proves something. */
export function vainOf({ sources }: Plan, { meant, unreached, trials }: Judgement): UserErrorParts | undefined {
  if (unreached.length > 0)
    return {
      what: `nothing was tested: ${unreached.join(' and ')} never looked at anything in ${counted(trials, 'trial')}`,
      mend: 'check what it waits for, or draw other scenarios',
    }
  if (meant > 0 || sources.length === 0) return undefined
  return {
    what: `nothing was tested: no fault took effect or no property looked at anything, in ${counted(trials, 'trial')}`,
    mend: 'check the triggers of the properties, or draw other scenarios',
  }
}
