/** What a campaign leaves for continuous integration, besides its text: JUnit, SARIF, a page in Markdown, annotations. */
import { appendFileSync, statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import {
  githubAnnotations,
  junitXml,
  markdownSummary,
  printStory,
  type ReportedCampaign,
  type ReportedFailure,
  STORY_LINES_MAXIMUM,
  sarifJson,
} from '../report/index.ts'
import { type CampaignSummary, type FailureGroup, UserError } from '../trial/index.ts'
import { assertWritable, refused, writeTextAtomically } from './files.ts'
import type { Finding } from './findings.ts'
import type { Io } from './io.ts'
import type { Keeper } from './keeper.ts'
import type { Session } from './session.ts'
import { packageVersion } from './version.ts'

export interface OutputFlags {
  readonly junit?: string
  readonly sarif?: string
  readonly summary?: string
  /** commander's `--no-github`; true as well when it was asked for. */
  readonly github?: boolean
}

export interface Outcome {
  /** What was run, such as `seatrial fuzz`. */
  readonly name: string
  readonly summary: CampaignSummary
  readonly wallMicros: number
  /** What was looked into. */
  readonly findings: readonly Finding[]
  /** Knows where the others are kept, as they were drawn. */
  readonly keeper: Keeper
}

/** Before a campaign that would have nowhere to leave its outcome. @throws UserError */
export function assertOutputs({ folder }: Io, { junit, sarif, summary }: OutputFlags): void {
  for (const [flag, name] of Object.entries({ junit, sarif, summary })) {
    if (name === undefined) continue
    const path = resolve(folder, name)
    const where = `--${flag} ${name}`
    assertWritable(dirname(path), where)
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
      throw new UserError({ what: 'this is a folder, a file was expected', where, mend: 'name a file in it' })
  }
}

/** Writes what was asked for, and in GitHub Actions what it shows, unless it was asked not to. @throws UserError */
export function writeOutputs(session: Session, flags: OutputFlags, outcome: Outcome): void {
  const { environment, folder } = session.io
  const isAction = environment.GITHUB_ACTIONS === 'true'
  const forGithub = flags.github ?? isAction
  if (flags.junit === undefined && flags.sarif === undefined && flags.summary === undefined && !forGithub) return
  const { name, summary, wallMicros, findings, keeper } = outcome
  const told = new Map(findings.map((finding) => [finding.signature, finding]))
  const campaign: ReportedCampaign = {
    name,
    release: packageVersion(),
    summary,
    wallMicros,
    failures: summary.failures.map((group) => reported(session, group, told.get(group.signature), keeper)),
    properties: [...session.registry.properties.values()],
  }
  if (flags.junit !== undefined) writeTextAtomically(resolve(folder, flags.junit), junitXml(campaign))
  if (flags.sarif !== undefined) writeTextAtomically(resolve(folder, flags.sarif), sarifJson(campaign))
  if (flags.summary !== undefined) writeTextAtomically(resolve(folder, flags.summary), markdownSummary(campaign))
  if (!forGithub) return
  // Commands of a workflow are heard on both streams; the JSON on the other one stays whole.
  for (const line of githubAnnotations(campaign)) session.io.err(`${line}\n`)
  const page = environment.GITHUB_STEP_SUMMARY
  if (page === undefined || page === '') return
  try {
    appendFileSync(page, `${markdownSummary(campaign)}\n`)
  } catch (error) {
    throw refused(error, page)
  }
}

function reported(
  session: Session,
  group: FailureGroup,
  finding: Finding | undefined,
  keeper: Keeper,
): ReportedFailure {
  const { signature, count, first } = group
  const result = finding?.result ?? first.result
  const property = result.violation?.property ?? result.error?.property
  const file =
    finding === undefined || finding.unsaved !== undefined
      ? keeper.fileOf(signature)
      : relative(session.io.folder, finding.scenarioFile)
  const entry = first.trialId.startsWith('corpus/') ? first.trialId.slice('corpus/'.length) : first.trialId
  return {
    signature,
    verdict: result.verdict,
    ...(property === undefined ? {} : { property }),
    count,
    message: result.violation?.message ?? result.error?.message ?? result.verdict,
    ...(file === undefined ? {} : { file: file.replaceAll('\\', '/') }),
    trial: first.trialId,
    replay: finding?.replayCommand ?? `npx seatrial replay ${entry}`,
    story: finding === undefined ? [] : printStory(finding.story.slice(-STORY_LINES_MAXIMUM)).split('\n'),
  }
}
