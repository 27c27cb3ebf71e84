/** `seatrial check`: a user's own manifests in a small cluster, through planned work and mishaps. */
import { relative, resolve } from 'node:path'
import { counted, printSummary, summaryLine, textTable } from '../../report/index.ts'
import { type CampaignSummary, exitStatusOf, UserError } from '../../trial/index.ts'
import { manifestFiles, readText } from '../files.ts'
import { findingLine, investigate, printFinding } from '../findings.ts'
import type { Io } from '../io.ts'
import { judgeManifests } from '../manifests/judge.ts'
import { type Complaint, loadManifests } from '../manifests/load.ts'
import { CHECK_GROUPS } from '../manifests/suite.ts'
import { parseCount, parseSeed } from '../parse-flags.ts'
import { openSession, type SessionFlags } from '../session.ts'
import { runSuites } from './run.ts'

export interface CheckFlags extends SessionFlags {
  readonly seed?: string
  readonly trials?: string
}

const DEFAULT_TRIALS = 25

export async function checkCommand(io: Io, paths: readonly string[], flags: CheckFlags): Promise<number> {
  const seed = flags.seed === undefined ? 1 : parseSeed(flags.seed)
  const trials = flags.trials === undefined ? DEFAULT_TRIALS : parseCount(flags.trials, '--trials')
  const { objects, complaints } = readManifests(io, paths)
  for (const complaint of complaints) {
    if (flags.json === true) io.out(`${JSON.stringify({ type: 'complaint', ...complaint })}\n`)
    else io.err(`${printComplaint(complaint)}\n`)
  }
  const errors = complaints.filter(({ severity }) => severity === 'error').length
  if (errors > 0) {
    throw new UserError({
      what: `${counted(errors, 'mistake')} in the manifests`,
      where: paths.join(' '),
      mend: 'mend what is named above and check again; nothing was run',
    })
  }
  if (!objects.some(({ kind }) => kind === 'Deployment' || kind === 'ReplicaSet' || kind === 'Pod')) {
    throw new UserError({
      what: 'there is nothing here that runs pods',
      where: paths.join(' '),
      mend: 'name files with a Deployment, a ReplicaSet or a Pod',
    })
  }
  const session = await openSession(io, flags, objects)
  try {
    session.say(
      `${counted(objects.length, 'object')}; ${trials} trials each of ${CHECK_GROUPS.map(({ title }) => title).join(', ')}`,
    )
    const results: { readonly title: string; readonly summary: CampaignSummary }[] = []
    for (const { id, title } of CHECK_GROUPS) {
      const { summary, wallMicros } = await runSuites(session, [id], { seed, trials, defects: [], title })
      results.push({ title, summary })
      if (session.json) io.out(`${summaryLine(summary, wallMicros)}\n`)
      else if (io.environment.SEATRIAL_DEBUG === '1') io.err(`${printSummary(summary, wallMicros)}\n`)
    }
    if (!session.json)
      io.out(
        `\n${textTable(
          ['WHEN', 'VERDICT', ''],
          results.map(({ title, summary }) => [title, ...verdictOf(summary)]),
        )}\n`,
      )
    await tellShortest(
      session,
      results.map(({ summary }) => summary),
    )
    const verdicts = results.map(({ summary }) => exitStatusOf(summary.verdicts))
    return Math.max(...verdicts)
  } finally {
    await session.close()
  }
}

function readManifests(io: Io, paths: readonly string[]) {
  const files = manifestFiles(paths, io.folder)
  if (files.length === 0)
    throw new UserError({
      what: 'there are no .yaml, .yml or .json files',
      where: paths.join(' '),
      mend: 'name a file or a folder that holds manifests',
    })
  const loaded = files.map((file) => loadManifests(relative('', file), readText(resolve(io.folder, file))))
  const judged = judgeManifests(loaded.flatMap(({ manifests }) => manifests))
  return {
    objects: judged.objects,
    complaints: [...loaded.flatMap(({ complaints }) => complaints), ...judged.complaints],
  }
}

export function printComplaint({ severity, file, line, column, what, mend }: Complaint): string {
  return `${file}:${line}:${column}: ${severity}: ${what}${mend === undefined ? '' : `\n    ${mend}`}`
}

function verdictOf(summary: CampaignSummary): [verdict: string, detail: string] {
  const { failed, error, diverged, exhausted, vacuous, passed } = summary.verdicts
  if (error + diverged + exhausted > 0)
    return ['error', `${counted(error + diverged + exhausted, 'trial')} could not be judged`]
  const why = summary.failures[0]?.first.result.violation
  if (failed > 0) return ['FAILED', `${failed} of ${counted(summary.trials, 'trial')}: ${why?.message ?? ''}`]
  if (passed === 0 && vacuous > 0) return ['vacuous', 'nothing that could be checked was reached']
  return ['passed', counted(summary.trials, 'trial')]
}

/** Of everything that failed, the failure with the shortest story, and the others by name. */
async function tellShortest(
  session: Awaited<ReturnType<typeof openSession>>,
  summaries: readonly CampaignSummary[],
): Promise<void> {
  const groups = new Map(
    summaries.flatMap(({ failures }) => failures.map((group) => [group.signature, group] as const)),
  )
  const findings = []
  for (const group of [...groups.values()].slice(0, 3))
    findings.push(await investigate(session, group, { maximumExecutions: 300 }))
  findings.sort(
    (a, b) =>
      a.scenario.faults.length + a.scenario.workload.length - b.scenario.faults.length - b.scenario.workload.length,
  )
  for (const [index, finding] of findings.entries()) {
    if (session.json) session.io.out(`${findingLine(session, finding)}\n`)
    else if (index === 0) session.io.out(`\n${printFinding(session, finding)}\n`)
    else
      session.io.out(
        `\nalso: ${finding.signature}: ${finding.result.violation?.message ?? finding.result.verdict}\n    replay: ${finding.replayCommand}\n`,
      )
  }
}
