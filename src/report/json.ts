/** One line of JSON for each trial and one for the whole campaign: what `--json` prints. Members are only ever added. */
import type { Micros } from '../kernel/index.ts'
import type { CampaignSummary, TrialRecord } from '../trial/index.ts'

/** A trial as one line. Virtual and wall time are in microseconds. */
export function trialLine({ trialId, result, wallMicros }: TrialRecord): string {
  return JSON.stringify({
    type: 'trial',
    trial: trialId,
    scenario: result.scenarioId,
    verdict: result.verdict,
    traceHash: result.traceHash,
    virtualMicros: result.virtualMicros,
    wallMicros,
    steps: result.steps,
    signature: result.signature,
    violation: result.violation,
    error: result.error === undefined ? undefined : { message: result.error.message, property: result.error.property },
    faults: result.ledger.map(({ fault, kind, injected, bit, evidence }) => ({ fault, kind, injected, bit, evidence })),
  })
}

/** The campaign as one line, the last. */
export function summaryLine(summary: CampaignSummary, wallMicros: Micros): string {
  const failures = summary.failures.map(({ signature, first, count }) => ({
    signature,
    count,
    trial: first.trialId,
    scenario: first.result.scenarioId,
    message: first.result.violation?.message ?? first.result.error?.message,
  }))
  return JSON.stringify({ type: 'summary', ...summary, failures, wallMicros })
}
