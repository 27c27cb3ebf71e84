/** A campaign as continuous integration wants it: what was checked, what failed, and one example of each failure. */
import type { Micros } from '../kernel/index.ts'
import type { CampaignSummary, PropertyDefinition, Verdict } from '../trial/index.ts'

/** One failure, whatever its example looks like. */
export interface ReportedFailure {
  readonly signature: string
  readonly verdict: Verdict
  /** The property that broke or threw; left out where none is to blame. */
  readonly property?: string
  /** Trials that failed like this. */
  readonly count: number
  readonly message: string
  /** Path of the kept scenario from the folder of the run, with forward slashes; left out if none was kept. */
  readonly file?: string
  /** The trial, and the command that replays the example. */
  readonly trial: string
  readonly replay: string
  /** Lines of the story; empty if it was not told. */
  readonly story: readonly string[]
}

export interface ReportedCampaign {
  /** What was run, such as `seatrial fuzz`. */
  readonly name: string
  readonly release: string
  readonly summary: CampaignSummary
  readonly wallMicros: Micros
  readonly failures: readonly ReportedFailure[]
  /** All registered properties. */
  readonly properties: readonly PropertyDefinition[]
}

/** Whether the failure is that of a property; otherwise the harness, determinism or a budget is to blame. */
export function isViolation({ verdict }: ReportedFailure): boolean {
  return verdict === 'failed'
}
