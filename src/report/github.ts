/** What GitHub Actions shows of a campaign: an annotation for each failure, and a page in Markdown for the job's summary. */
import { printDiscovery } from './coverage.ts'
import { counted, listed } from './names.ts'
import type { ReportedCampaign, ReportedFailure } from './reported.ts'
import { duration } from './time.ts'

/** Actions shows ten errors of a step. */
const ANNOTATIONS_MAXIMUM = 10
/** Actions takes 1 MiB for the summaries of a step. */
const SUMMARY_MAXIMUM = 1_000_000

/** Workflow commands, a line each. */
export function githubAnnotations({ failures }: ReportedCampaign): readonly string[] {
  return failures.slice(0, ANNOTATIONS_MAXIMUM).map(({ signature, message, count, replay, file }) => {
    const where = file === undefined ? '' : `file=${inProperty(file)},line=1,`
    return `::error ${where}title=${inProperty(`${signature} (${count}x)`)}::${inMessage(`${message}\nreplay: ${replay}`)}`
  })
}

function inMessage(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function inProperty(text: string): string {
  return inMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

/** The page for GITHUB_STEP_SUMMARY. */
export function markdownSummary({ name, summary, wallMicros, failures }: ReportedCampaign): string {
  const { verdicts, trials, virtualMicros, faults } = summary
  const bad = failures.length > 0
  const counts = Object.entries(verdicts).filter(([verdict, count]) => count > 0 || verdict === 'passed')
  const parts = [
    `## ${bad ? '❌' : '✅'} ${name}: ${bad ? `${counted(failures.length, 'kind')} of failure` : 'nothing failed'}`,
    '',
    `${trials} trials in ${duration(wallMicros)} (${duration(virtualMicros)} of virtual time): ${counts.map(([verdict, count]) => `${count} ${verdict}`).join(', ')}.`,
    '',
    ...failures.flatMap(detailsOf),
    ...(faults.length === 0
      ? []
      : [
          '| fault | injected | bit |',
          '|---|--:|--:|',
          ...faults.map(({ kind, injected, bit }) => `| ${kind} | ${injected} | ${bit} |`),
          '',
        ]),
    ...(summary.coverage === undefined ? [] : ['```text', printDiscovery(summary.coverage, summary.trials), '```', '']),
    ...(summary.neverReached.length === 0
      ? []
      : [`Never reached, so they proved nothing: ${listed(summary.neverReached.map((id) => `\`${id}\``))}.`, '']),
  ]
  const text = parts.join('\n')
  return text.length <= SUMMARY_MAXIMUM ? text : `${text.slice(0, SUMMARY_MAXIMUM)}\n\n(cut off)\n`
}

function detailsOf({ signature, count, message, story, replay, trial }: ReportedFailure): string[] {
  return [
    `### \`${signature}\``,
    '',
    `${markdown(message)} (${counted(count, 'trial')}; the first is \`${trial}\`)`,
    '',
    ...(story.length === 0 ? [] : ['```text', ...story.map((line) => line.replaceAll('```', "'''")), '```', '']),
    '```sh',
    replay,
    '```',
    '',
  ]
}

/** Text that must not become markup. */
function markdown(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`).replaceAll('\n', ' ')
}
