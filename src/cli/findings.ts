/** A failure looked into: shrunk, told, written down as a scenario and a Vitest file, with the command that replays it. */
import { join, relative } from 'node:path'
import {
  causalSignature,
  counted,
  printDrawing,
  printStory,
  STORY_LINES_MAXIMUM,
  type StoryLine,
  sizeInWords,
  storyOf,
  vitestFile,
} from '../report/index.ts'
import {
  aboutOf,
  type FailureGroup,
  fileStemOf,
  keepScenario,
  MAXIMUM_SHRINK_EXECUTIONS,
  parseTrialId,
  printTrialId,
  SCENARIO_FILE_ENDING,
  type Scenario,
  scenarioOfTrial,
  strategyOf,
  type TrialResult,
} from '../trial/index.ts'
import { UserError } from '../trial/user-error.ts'
import { corpusFolder, writeTextAtomically } from './files.ts'
import type { News } from './jobs.ts'
import { failureOf, type Keeper } from './keeper.ts'
import { startProgress } from './progress.ts'
import { REMEMBERED } from './second-opinion.ts'
import type { Session } from './session.ts'

export interface Finding {
  readonly signature: string
  /** Count of trials that failed like this. */
  readonly count: number
  /** Names the shrunk scenario, as long as suites do not change. */
  readonly trialId: string
  readonly original: Scenario
  readonly scenario: Scenario
  readonly result: TrialResult
  readonly executions: number
  readonly story: readonly StoryLine[]
  /** What it needs, in a sentence, where that was cheap to know. */
  readonly why: string | undefined
  readonly scenarioFile: string
  readonly testFile: string
  /** Why the two files are not there. */
  readonly unsaved: UserError | undefined
  readonly replayCommand: string
  /** It did not come again when it was run once more; in words. */
  readonly unstable: string | undefined
}

export interface InvestigateOptions {
  readonly maximumExecutions?: number
  /** Who kept the failure as it was drawn, and can let go of it once the shrunk form is on disk. */
  readonly keeper?: Keeper
  /** Trials of the campaign. */
  readonly of?: number
  readonly onNews?: (news: News) => void
}

/** Shrinks, tells and writes. A folder that cannot be written is no reason to lose the story: see `unsaved`. */
export async function investigate(
  session: Session,
  group: FailureGroup,
  options: InvestigateOptions = {},
): Promise<Finding> {
  const { first, signature, count } = group
  const id = parseTrialId(first.trialId)
  if (id === undefined) throw new Error(`${first.trialId} is not a trial id`)
  const original = first.scenario ?? scenarioOfTrial(session.registry, id)
  let scenario = original
  let result = first.result
  let path = id.path
  let executions = 0
  let shrunk = false
  let told: readonly StoryLine[] | undefined
  let why: string | undefined
  let unstable: string | undefined
  // What hangs, diverges or eats up its budget is kept as it is: each attempt to shrink it would cost as much again.
  const canShrink =
    result.verdict === 'failed' ||
    (result.verdict === 'error' && !signature.includes('/hung/') && !signature.includes('/crashed/'))
  if (canShrink) {
    const maximumExecutions = options.maximumExecutions ?? MAXIMUM_SHRINK_EXECUTIONS
    const least = await session.pool.run(
      { kind: 'shrink', from: { ...id, scenario: original }, maximumExecutions },
      options.onNews,
    )
    const answer = await session.pool.run({ kind: 'scenario', scenario: least.scenario, story: true, why: true })
    if (failureOf(answer.result) === signature) {
      ;({ scenario, path, executions } = least)
      result = answer.result
      shrunk = maximumExecutions > 0
      ;({ story: told, why } = answer)
    } else unstable = `run once more it did not fail like this (${answer.result.verdict}): ${REMEMBERED}`
  }
  const story = told ?? storyOf(scenario, result, session.registry)
  const stem = fileStemOf(scenario, signature)
  const folder = join(session.dir, 'corpus')
  const scenarioFile = join(folder, `${stem}${SCENARIO_FILE_ENDING}`)
  const testFile = join(session.dir, `${stem}.test.ts`)
  const own = session.propertiesFile === undefined ? {} : { propertiesModule: session.propertiesFile }
  let unsaved: UserError | undefined
  const about = aboutOf(result, {
    trial: first.trialId,
    shrunk,
    failed: count,
    ...(result.verdict === 'failed' && shrunk ? { cause: causalSignature(result) } : {}),
    ...(options.of === undefined ? {} : { of: options.of }),
  })
  try {
    keepScenario(corpusFolder(folder), scenario, signature, about)
    options.keeper?.replaced(signature, scenarioFile)
    writeTextAtomically(testFile, vitestFile(scenario, result, story, own))
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    unsaved = error
  }
  const trialId = printTrialId({ ...id, path })
  const properties =
    session.propertiesFile === undefined ? '' : ` --properties ${relative(session.io.folder, session.propertiesFile)}`
  return {
    signature,
    count,
    original,
    scenario,
    result,
    executions,
    story,
    why,
    scenarioFile,
    testFile,
    trialId,
    unsaved,
    unstable,
    replayCommand: `npx seatrial replay ${unsaved === undefined ? relative(session.io.folder, scenarioFile) : trialId}${properties}${result.verdict === 'diverged' || unstable !== undefined ? ' --twice' : ''}`,
  }
}

/** Investigates, and shows meanwhile how far that has come. */
export async function investigateInSight(
  session: Session,
  title: string,
  group: FailureGroup,
  options: Omit<InvestigateOptions, 'onNews'>,
): Promise<Finding> {
  const progress = startProgress(session.io, title)
  const onNews = (news: News) => {
    if (news.kind !== 'shrinking') return
    const { executions, faults, steps } = news
    const left = `${counted(faults, 'fault')}, ${counted(steps, 'step')} left`
    progress.update(executions, undefined, `${left} after ${counted(executions, 'execution')}: ${group.signature}`)
  }
  try {
    return await investigate(session, group, { ...options, onNews })
  } finally {
    progress.end()
  }
}

/** The finding for people. */
export function printFinding(session: Session, finding: Finding): string {
  const near = (file: string) => relative(session.io.folder, file)
  const { original, scenario, executions, count } = finding
  const shrunk =
    executions === 0
      ? ''
      : `, shrunk in ${executions} executions from ${sizeInWords(original)} to ${sizeInWords(scenario)}`
  return [
    `${finding.signature} (${count} ${count === 1 ? 'trial' : 'trials'}${shrunk})`,
    printStory(finding.story.slice(-STORY_LINES_MAXIMUM), finding.replayCommand),
    ...(finding.why === undefined ? [] : [`    why: ${finding.why}`]),
    ...(finding.unstable === undefined ? [] : [`    but: ${finding.unstable}`]),
    ...(finding.result.violation?.drawing === undefined ? [] : [`\n${printDrawing(finding.result)}`]),
    ...nameInWords(finding.trialId),
    finding.unsaved === undefined
      ? `    scenario: ${near(finding.scenarioFile)}\n    test: ${near(finding.testFile)}\n    trace hash: ${finding.result.traceHash}`
      : `    not saved: ${finding.unsaved.message}\n    trace hash: ${finding.result.traceHash}`,
  ].join('\n')
}

/** Of a trial of another strategy than plain random search: its name, and what the name needs to lead to it. */
function nameInWords(trialId: string): string[] {
  const strategy = parseTrialId(trialId)?.strategy
  if (strategy === undefined) return []
  const how =
    strategyOf(strategy).kind === 'drawn'
      ? ''
      : ' (by this name it takes all trials of its lane before it, by its file it does not)'
  return [`    trial: ${trialId}${how}`]
}

/** The finding as one line of JSON. */
export function findingLine(session: Session, finding: Finding): string {
  const { signature, count, trialId, result, executions, story, why, unstable, replayCommand, scenario } = finding
  return JSON.stringify({
    type: 'finding',
    signature,
    count,
    trial: trialId,
    scenario: result.scenarioId,
    traceHash: result.traceHash,
    faults: scenario.faults.length,
    steps: scenario.workload.length,
    executions,
    violation: result.violation,
    story,
    why,
    unstable,
    file: relative(session.io.folder, finding.scenarioFile),
    test: relative(session.io.folder, finding.testFile),
    replay: replayCommand,
  })
}
