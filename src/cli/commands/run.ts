/** `seatrial run`: a fixed number of trials of each suite under a seed. The result is the same on every machine. */
import { counted, printSummary, summaryLine, trialLine } from '../../report/index.ts'

import {
  type Block,
  Campaign,
  type CampaignSummary,
  exitStatusOf,
  omissionsOf,
  suggest,
  UserError,
} from '../../trial/index.ts'
import { driveBlocks } from '../drive.ts'
import { type Finding, findingLine, investigateInSight, printFinding } from '../findings.ts'

import type { Io } from '../io.ts'
import { Keeper } from '../keeper.ts'
import { assertOutputs, type OutputFlags, writeOutputs } from '../outputs.ts'
import { parseCount, parseSeed } from '../parse-flags.ts'
import { startProgress } from '../progress.ts'
import { openSession, type Session, type SessionFlags } from '../session.ts'

export interface RunFlags extends SessionFlags, OutputFlags {
  readonly seed?: string
  readonly trials?: string
  readonly defects?: readonly string[]
  /** commander's `--no-shrink`. */
  readonly shrink?: boolean
  readonly strict?: boolean
  /** The whole matrix of faults in the summary. */
  readonly coverage?: boolean
}

const DEFAULT_SEED = 1
const DEFAULT_TRIALS = 100
const BLOCK_TRIALS = 16
/** Where real time is short, every suite has its turn soon. */
const HASTY_BLOCK_TRIALS = 4
const SAMPLE_EVERY = 50
const FINDINGS_MAXIMUM = 5

export async function runCommand(io: Io, suites: readonly string[], flags: RunFlags): Promise<number> {
  const seed = flags.seed === undefined ? DEFAULT_SEED : parseSeed(flags.seed)
  const trials = flags.trials === undefined ? DEFAULT_TRIALS : parseCount(flags.trials, '--trials')
  assertOutputs(io, flags)
  const session = await openSession(io, flags)
  try {
    const chosen = suites.length > 0 ? suites : [...session.registry.suites.keys()]
    assertKnown(session, chosen, flags.defects ?? [])
    const { summary, wallMicros, interrupted, keeper } = await runSuites(session, chosen, {
      seed,
      trials,
      defects: flags.defects ?? [],
      footprint: true,
    })
    if (session.json) io.out(`${summaryLine(summary, wallMicros)}\n`)
    else io.out(`${printSummary(summary, wallMicros, { full: flags.coverage, columns: io.columns })}\n`)
    if (interrupted) sayInterrupted(session, summary, chosen.length * trials)
    await reportFindings(session, summary, {
      shrink: flags.shrink !== false && !interrupted,
      keeper,
      onEnd: (findings) =>
        writeOutputs(session, flags, { name: 'seatrial run', summary, wallMicros, findings, keeper }),
    })
    const status = exitStatusOf(summary.verdicts)
    if (interrupted && status === 0) return session.settle(INTERRUPTED_STATUS)
    return session.settle(status === 0 && flags.strict === true && omissionsOf(summary) > 0 ? 1 : status)
  } finally {
    await session.close()
  }
}

/** @throws UserError for the first name that is not registered. */
export function assertKnown(session: Session, suites: readonly string[], defects: readonly string[]): void {
  for (const suite of suites) {
    if (!session.registry.suites.has(suite))
      throw new UserError({
        what: `there is no suite "${suite}"`,
        mend: suggest(suite, session.registry.suites.keys()),
      })
  }
  for (const defect of defects) {
    if (!session.registry.defects.has(defect))
      throw new UserError({
        what: `there is no defect "${defect}"`,
        mend: suggest(defect, session.registry.defects.keys()),
      })
  }
}

/** What a shell gives to a program that Ctrl-C ended: a run that did not come to its end has not passed. */
export const INTERRUPTED_STATUS = 130

export function sayInterrupted(session: Session, { trials }: CampaignSummary, total: number): void {
  session.io.err(`\ninterrupted after ${trials} of ${total} trials; what was found so far is above and kept\n`)
}

export interface SuiteRun {
  readonly seed: number
  /** Trials of each suite. */
  readonly trials: number
  readonly defects: readonly string[]
  readonly title?: string
  /** Real time after which no further block is begun. Default: none. */
  readonly untilMillis?: number
  /** The first failure ends it. */
  readonly stopAtFailure?: boolean
  /** Collect what each trial saw, for the summary's coverage. Default: false. */
  readonly footprint?: boolean
  /** No line for each trial, and nothing kept: somebody else tells the outcome. */
  readonly silent?: boolean
  /** Goes on keeping for a run before this one. Default: a new one. */
  readonly keeper?: Keeper
  /** A book of several runs, in which these trials are entered too. */
  readonly also?: Campaign
}

export interface SuitesRun {
  readonly summary: CampaignSummary
  readonly wallMicros: number
  /** The user ended it before it was done. */
  readonly interrupted: boolean
  /** Holds what failed, as it was drawn. */
  readonly keeper: Keeper
}

export async function runSuites(session: Session, suites: readonly string[], suiteRun: SuiteRun): Promise<SuitesRun> {
  const { seed, trials, defects, title, untilMillis, stopAtFailure, silent, also, footprint = false } = suiteRun
  const { keeper = new Keeper(session) } = suiteRun
  const campaign = new Campaign(session.registry)
  const begun = performance.now()
  const progress = startProgress(session.io, title ?? 'trials')
  let interrupted = false
  const release = session.io.onInterrupt(() => {
    interrupted = true
    session.pool.stopSoon()
  })
  const total = suites.length * trials
  const isLate = () => untilMillis !== undefined && performance.now() - begun > untilMillis
  const hasFailed = () => stopAtFailure === true && exitStatusOf(campaign.verdicts) !== 0
  try {
    await driveBlocks(
      {
        registry: session.registry,
        pool: session.pool,
        elsewhere: session.elsewhere(),
        sampleEvery: SAMPLE_EVERY,
        footprint,
        isStopped: () => interrupted || isLate() || hasFailed(),
        onVerdict: ({ record }) => {
          if (silent !== true) keeper.keep(record)
        },
        onTrial: ({ record, properties }) => {
          campaign.add(record, properties)
          also?.add(record, properties)
          if (session.json && silent !== true) session.io.out(`${trialLine(record)}\n`)
          if (untilMillis === undefined) progress.update(campaign.trials, total, noteOf(campaign, total))
          else progress.update(performance.now() - begun, untilMillis, noteOf(campaign, undefined))
        },
      },
      blocksOf(suites, seed, trials, defects, untilMillis === undefined ? BLOCK_TRIALS : HASTY_BLOCK_TRIALS),
    )
  } finally {
    release()
    progress.end()
  }
  return {
    summary: campaign.summary(),
    wallMicros: Math.round((performance.now() - begun) * 1_000),
    interrupted,
    keeper,
  }
}

function noteOf(campaign: Campaign, total: number | undefined): string {
  const { failed, error, diverged, vacuous } = campaign.verdicts
  const bad = [
    failed > 0 ? `${failed} failed` : '',
    error > 0 ? `${error} error` : '',
    diverged > 0 ? `${diverged} diverged` : '',
    vacuous > 0 ? `${vacuous} vacuous` : '',
  ]
  const done = total === undefined ? counted(campaign.trials, 'trial') : `${campaign.trials} of ${total} trials`
  return [done, ...bad.filter((text) => text !== '')].join(', ')
}

/** Blocks of all suites in turn, so that an interrupted run has seen something of each. */
function* blocksOf(
  suites: readonly string[],
  seed: number,
  trials: number,
  defects: readonly string[],
  blockTrials: number,
): Generator<Block> {
  for (let from = 0; from < trials; from += blockTrials) {
    for (const suite of suites) yield { suite, defects, seed, from, count: Math.min(blockTrials, trials - from) }
  }
}

export interface FindingsReport {
  readonly shrink: boolean
  readonly keeper: Keeper
  /** Called for each failure that was told and is on disk. */
  readonly onTold?: (finding: Finding) => void
  /** Called when all were told, before what could not be written down is complained of. */
  readonly onEnd?: (findings: readonly Finding[]) => void
}

/** Shrinks and prints the first failures, one for each signature. @throws UserError at the end, if they could not be written down */
export async function reportFindings(
  session: Session,
  summary: Pick<CampaignSummary, 'failures' | 'trials'>,
  { shrink, keeper, onTold, onEnd }: FindingsReport,
): Promise<void> {
  let unsaved: UserError | undefined
  const findings: Finding[] = []
  const groups = summary.failures.slice(0, FINDINGS_MAXIMUM)
  for (const [index, group] of groups.entries()) {
    const title = groups.length === 1 ? 'shrinking' : `shrinking ${index + 1} of ${groups.length}`
    const finding = await investigateInSight(session, title, group, {
      keeper,
      of: summary.trials,
      ...(shrink ? {} : { maximumExecutions: 0 }),
    })
    findings.push(finding)
    if (finding.unsaved === undefined) onTold?.(finding)
    if (session.json) session.io.out(`${findingLine(session, finding)}\n`)
    else session.io.out(`\n${printFinding(session, finding)}\n`)
    unsaved ??= finding.unsaved
  }
  onEnd?.(findings)
  if (unsaved !== undefined) throw unsaved
  const others = summary.failures.length - FINDINGS_MAXIMUM
  if (others > 0) session.say(`\n${others} more kinds of failure are in the summary; replay them by their trial ids`)
}
