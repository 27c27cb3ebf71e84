/** The end of a campaign in words: verdicts, faults that bit, properties that looked at something, failures by cause. */
import type { Micros } from '../kernel/index.ts'
import type { CampaignSummary, Verdict } from '../trial/index.ts'
import { printDiscovery, printFaults, printMatrix } from './coverage.ts'
import { counted, listed } from './names.ts'
import { textTable } from './text-table.ts'
import { duration } from './time.ts'

const VERDICTS: readonly Verdict[] = ['passed', 'failed', 'vacuous', 'diverged', 'exhausted', 'error']

const WIDTH = 120

/** Names after a heading, in lines of a readable length. */
function wrapped(heading: string, names: readonly string[], width: number): string[] {
  const lines: string[] = []
  let line = heading
  for (const word of listed(names).split(' ')) {
    if (line.length + word.length > width) {
      lines.push(line.trimEnd())
      line = '    '
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()]
}

interface SummaryLayout {
  /** With the whole matrix of faults. Default: false. */
  readonly full?: boolean | undefined
  /** Lists of names are broken at so many characters. Default: 120. */
  readonly columns?: number | undefined
}

/** The summary as lines of text. `wallMicros` is the campaign's real time. */
export function printSummary(summary: CampaignSummary, wallMicros: Micros, layout: SummaryLayout = {}): string {
  const { full = false, columns = WIDTH } = layout
  const names = (heading: string, list: readonly string[]) => wrapped(heading, list, Math.min(columns, WIDTH))
  const verdicts = VERDICTS.filter((verdict) => summary.verdicts[verdict] > 0 || verdict === 'passed')
  const seconds = wallMicros / 1_000_000
  const rate = seconds > 0 ? `, ${Math.round(summary.trials / seconds)} trials/s` : ''
  const parts = [
    `${counted(summary.trials, 'trial')} in ${duration(wallMicros)}${rate} (${duration(summary.virtualMicros)} of virtual time, ${summary.steps} events)`,
    `verdicts: ${verdicts.map((verdict) => `${summary.verdicts[verdict]} ${verdict}`).join(', ')}`,
  ]
  if (summary.faults.length > 0) {
    parts.push('', printFaults(summary.faults, summary.coverage))
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
  if (full && summary.coverage !== undefined) parts.push('', printMatrix(summary.coverage))
  parts.push('')
  if (summary.coverage !== undefined) parts.push(printDiscovery(summary.coverage, summary.trials))
  if (summary.neverReached.length > 0)
    parts.push(...names('never reached (they proved nothing): ', summary.neverReached))
  for (const { property, triggers } of summary.neverMet)
    parts.push(...names(`${property} waited in vain for `, triggers))
  for (const { suite, properties } of summary.vacuousSuites)
    parts.push(...names(`the suite ${suite} names and never reached `, properties))
  if (summary.sometimesSeen.length > 0) parts.push(...names('seen at least once, as hoped: ', summary.sometimesSeen))
  // What was never reached could not be seen either, and has been named.
  const unseen = summary.sometimesNeverSeen.filter((id) => !summary.neverReached.includes(id))
  if (unseen.length > 0) parts.push(...names('reached and never seen, although hoped for: ', unseen))
  for (const { signature, first, count } of summary.failures) {
    const message = first.result.violation?.message ?? first.result.error?.message ?? first.result.verdict
    parts.push(`${counted(count, 'trial')} ended as ${signature}; the first is ${first.trialId}: ${message}`)
  }
  return parts.join('\n').replace(/\n+$/, '')
}
