/** What a worker is asked to do and what it says. Plain data: it crosses threads and processes. */
import type { KubeObject } from '../objects/index.ts'
import type { Explanation, ExportFormat, StoryLine } from '../report/index.ts'
import type { Scenario, TrialId, TrialResult } from '../trial/index.ts'

/** How a worker builds its registry. */
export interface WorkerSetup {
  /** A user's own properties: path of a module. */
  readonly propertiesFile?: string
  /** Manifests of a user: makes the suite `check`. */
  readonly objects?: readonly KubeObject[]
}

export interface TrialsJob {
  readonly kind: 'trials'
  readonly suite: string
  readonly defects: readonly string[]
  /** Left out: plain random. One that learns goes through its whole lane and tells of the trials that are asked for. */
  readonly strategy?: string
  readonly seed: number
  /** Number of the first trial. */
  readonly from: number
  readonly count: number
  /** Collect what each trial saw. */
  readonly footprint?: boolean
}

export interface ScenarioJob {
  readonly kind: 'scenario'
  readonly scenario: Scenario
  /** Keep the facts that a story needs, and tell it. */
  readonly story?: boolean
  /** Say in a sentence what it needs, if that is cheap to know. */
  readonly why?: boolean
  /** Answer with the objects at the end, as they are and as tables. */
  readonly objects?: boolean
  readonly stopAtMicros?: number
  /** Collect what the trial saw. */
  readonly footprint?: boolean
  /** Answer with every event, a line each. */
  readonly trace?: boolean
  /** Among the events of `trace`, the facts: a line each, under the event that published it. */
  readonly facts?: boolean
  /** Answer with the whole trace in this format. */
  readonly export?: ExportFormat
}

export interface ShrinkJob {
  readonly kind: 'shrink'
  /** Where the failure came from: the place of the trial, or a scenario on its own. */
  readonly from: (TrialId & { readonly scenario?: Scenario }) | { readonly scenario: Scenario }
  readonly maximumExecutions: number
}

/** Nothing to do: answered as soon as the worker has loaded everything. */
export interface HelloJob {
  readonly kind: 'hello'
}

export interface ExplainJob {
  readonly kind: 'explain'
  readonly scenario: Scenario
  /** Branches from each point along the run; 0 leaves out the question when it was certain. */
  readonly branches: number
}

export type Job = HelloJob | TrialsJob | ScenarioJob | ShrinkJob | ExplainJob

export interface TrialNews {
  readonly kind: 'trial'
  readonly number: number
  readonly result: TrialResult
  /** The ids that the scenario names; empty means all. */
  readonly properties: readonly string[]
  readonly wallMicros: number
  /** Of a strategy that learns: what its name alone leads to only by running the lane again. */
  readonly scenario?: Scenario
}
/** A trial of a strategy that learns begins: should it hang, nobody else knows what it was. */
export interface BeginNews {
  readonly kind: 'begins'
  readonly number: number
  readonly scenario: Scenario
}
export interface ShrinkNews {
  readonly kind: 'shrinking'
  readonly executions: number
  readonly accepted: number
  readonly faults: number
  readonly steps: number
}
export interface ExplainNews {
  readonly kind: 'explaining'
  readonly executions: number
}
export type News = TrialNews | BeginNews | ShrinkNews | ExplainNews

export interface ScenarioAnswer {
  readonly result: TrialResult
  readonly wallMicros: number
  readonly tables?: string
  readonly objects?: readonly KubeObject[]
  readonly trace?: readonly string[]
  readonly exported?: string
  /** Of a failure, when it was asked for. */
  readonly story?: readonly StoryLine[]
  readonly why?: string
}
export interface ShrinkAnswer {
  readonly scenario: Scenario
  readonly result: TrialResult
  readonly path: string
  readonly executions: number
  readonly complete: boolean
}

export interface ExplainAnswer {
  readonly result: TrialResult
  /** Undefined when the scenario does not fail. */
  readonly explanation: Explanation | undefined
}

export interface Answers {
  readonly hello: { readonly ready: true }
  readonly trials: { readonly done: number }
  readonly scenario: ScenarioAnswer
  readonly shrink: ShrinkAnswer
  readonly explain: ExplainAnswer
}

/** From the parent to a worker. `labelled`: every call into a property or fault announces itself, so that one that hangs can be named. */
export interface Order {
  readonly id: number
  readonly job: Job
  readonly labelled: boolean
}

/** From a worker to the parent. */
export type Report =
  /** Code of a user is loaded from now on. */
  | { readonly kind: 'loading' }
  /** `speakers`: the properties by id, and `fault <kind>` for each kind; the shared memory has their numbers. */
  | { readonly kind: 'ready'; readonly speakers: readonly string[] }
  | { readonly kind: 'news'; readonly id: number; readonly news: News }
  | { readonly kind: 'done'; readonly id: number; readonly answer: Answers[keyof Answers] }
  | { readonly kind: 'refused'; readonly id: number; readonly error: RefusedError }
  /** An error that came when no trial was running, such as a promise of a user's property that was rejected. */
  | { readonly kind: 'stray'; readonly message: string }
export interface RefusedError {
  readonly isUserError: boolean
  readonly what: string
  readonly where?: string
  readonly mend?: string
  readonly stack?: string
}

/** Cells of the memory that a worker shares with its parent: trials begun, who is speaking (number + 1), stop wanted. */
export const CELL_TRIALS = 0
export const CELL_SPEAKER = 1
export const CELL_STOP = 2
export const CELLS = 4
