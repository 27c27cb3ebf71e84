/** The end of a campaign in words: verdicts, faults that bit, properties that looked at something, failures by cause. */
import type { Micros } from '../kernel/index.ts'
import type { CampaignSummary, Verdict } from '../trial/index.ts'
import { counted, listed } from './names.ts'
import { textTable } from './text-table.ts'
import { duration } from './time.ts'

const VERDICTS: readonly Verdict[] = ['passed', 'failed', 'vacuous', 'diverged', 'exhausted', 'error']

/** The summary as lines of text. `wallMicros` is the campaign's real time. */
export function printSummary(summary: CampaignSummary, wallMicros: Micros): string {
  const verdicts = VERDICTS.filter((verdict) => summary.verdicts[verdict] > 0 || verdict === 'passed')
  const seconds = wallMicros / 1_000_000
  const rate = seconds > 0 ? `, ${Math.round(summary.trials / seconds)} trials/s` : ''
  const parts = [
    `${counted(summary.trials, 'trial')} in ${duration(wallMicros)}${rate} (${duration(summary.virtualMicros)} of virtual time, ${summary.steps} events)`,
    `verdicts: ${verdicts.map((verdict) => `${summary.verdicts[verdict]} ${verdict}`).join(', ')}`,
  ]
  if (summary.faults.length > 0) {
    const rows = summary.faults.map(({ kind, injected, bit }) => [
      kind,
      `${injected}`,
      `${bit}`,
      injected === 0 ? '' : `${Math.round((100 * bit) / injected)} %`,
    ])
    parts.push('', textTable(['FAULT', 'INJECTED', 'BIT', ''], rows))
  }
  if (summary.reached.length > 0) {
    parts.push(
      '',
      textTable(
        ['PROPERTY', 'REACHED IN'],
        summary.reached.map(({ property, trials }) => [property, counted(trials, 'trial')]),
      ),
    )
  }
  parts.push('')
  if (summary.neverReached.length > 0)
    parts.push(`never reached (they proved nothing): ${listed(summary.neverReached)}`)
  if (summary.sometimesSeen.length > 0) parts.push(`seen at least once, as hoped: ${listed(summary.sometimesSeen)}`)
  if (summary.sometimesNeverSeen.length > 0)
    parts.push(`hoped for and never seen: ${listed(summary.sometimesNeverSeen)}`)
  for (const { signature, first, count } of summary.failures) {
    const message = first.result.violation?.message ?? first.result.error?.message ?? first.result.verdict
    parts.push(`${counted(count, 'trial')} ended as ${signature}; the first is ${first.trialId}: ${message}`)
  }
  return parts.join('\n').replace(/\n+$/, '')
}
