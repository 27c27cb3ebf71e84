/** `seatrial replay`: one scenario again, from a file, a trial id or the name of an entry of the corpus. */
import { resolve } from 'node:path'
import {
  duration,
  EXPORT_FORMATS,
  type ExportFormat,
  printDrawing,
  printLedger,
  printStory,
  storyOf,
  trialLine,
} from '../../report/index.ts'
import {
  type About,
  assertRunnable,
  exitStatusOf,
  parseTrialId,
  type Scenario,
  suggest,
  type TrialResult,
  UserError,
} from '../../trial/index.ts'
import { runGuarded } from '../drive.ts'
import { writeTextAtomically } from '../files.ts'
import { findScenario, readScenarioFile } from '../find-scenario.ts'
import { findabilityWords, quietTrialsFor } from '../findability.ts'
import type { Io } from '../io.ts'
import { parseDuration } from '../parse-flags.ts'
import { WorkerLost } from '../pool.ts'
import { secondOpinion } from '../second-opinion.ts'
import { openSession, type Session, type SessionFlags } from '../session.ts'

export interface ReplayFlags extends SessionFlags {
  readonly trace?: boolean
  readonly at?: string
  readonly twice?: boolean
  /** The format, and the file if it is not to go to standard output. */
  readonly export?: readonly string[]
  readonly svg?: string
}

interface ExportWish {
  readonly format: ExportFormat
  /** Unset: standard output. */
  readonly file?: string
}

export async function replayCommand(io: Io, named: string | undefined, flags: ReplayFlags): Promise<number> {
  const { what, wish } = readWish(named, flags)
  const stopAtMicros = flags.at === undefined ? undefined : parseDuration(flags.at, '--at')
  if (flags.twice === true && stopAtMicros !== undefined)
    throw new UserError({
      what: 'a run that is stopped on its way is not compared',
      where: '--twice',
      mend: 'leave out --at',
    })
  // A file is read before anything heavy is loaded, so that its mistakes are told at once.
  const early = readScenarioFile(io, what)
  const session = await openSession(io, { ...flags, workers: '1' })
  try {
    const { scenario, about } = early ?? findScenario(session, what)
    assertRunnable(scenario, session.registry, what)
    const answer = await session.pool
      .run({
        kind: 'scenario',
        scenario,
        story: true,
        objects: flags.at !== undefined,
        trace: flags.trace === true,
        ...(stopAtMicros === undefined ? {} : { stopAtMicros }),
        ...(wish === undefined ? {} : { export: wish.format }),
      })
      .catch((error: unknown) => {
        if (!(error instanceof WorkerLost)) throw error
        return runGuarded(session.pool, scenario, error)
      })
    const { wallMicros } = answer
    const result = flags.twice === true ? await again(session, scenario, answer.result) : answer.result
    if (flags.svg !== undefined) keepDrawing(io, flags.svg, result)
    const exported = 'exported' in answer ? answer.exported : undefined
    if (wish !== undefined && exported === undefined)
      throw new UserError({
        what: 'the run did not come to its end, so there is no trace of it to export',
        where: '--export',
        mend: 'see what it says without --export',
      })
    const toOut = wish !== undefined && wish.file === undefined
    if (toOut) io.out(exported ?? '')
    else if (wish?.file !== undefined) writeTextAtomically(resolve(io.folder, wish.file), exported ?? '')
    if (toOut) io.err(`${result.verdict}; scenario ${result.scenarioId}, trace hash ${result.traceHash}\n`)
    else if (session.json) {
      if ('trace' in answer)
        for (const event of answer.trace ?? []) io.out(`${JSON.stringify({ type: 'event', event })}\n`)
      if ('objects' in answer)
        for (const object of answer.objects ?? []) io.out(`${JSON.stringify({ type: 'object', object })}\n`)
      io.out(`${trialLine({ trialId: what, result, wallMicros })}\n`)
    } else {
      if ('trace' in answer && answer.trace !== undefined) io.out(`${answer.trace.join('\n')}\n\n`)
      if ('tables' in answer && answer.tables !== undefined) io.out(`${answer.tables}\n\n`)
      if (flags.at === undefined) {
        const told = result.verdict === 'failed' && 'story' in answer ? answer.story : undefined
        io.out(`${printStory(told ?? storyOf(scenario, result, session.registry))}\n\n`)
        if (result.violation?.drawing !== undefined) io.out(`${printDrawing(result)}\n`)
      }
      const ended = stopAtMicros !== undefined && result.virtualMicros < stopAtMicros
      const when =
        flags.at === undefined
          ? ''
          : ended
            ? `, which ended at ${duration(result.virtualMicros)}`
            : ` up to ${flags.at}`
      io.out(
        `${result.verdict}${when}; scenario ${result.scenarioId}, trace hash ${result.traceHash}, ${result.steps} events\n${wish?.file === undefined ? '' : `${wish.format}: ${wish.file}\n`}`,
      )
      const ledger = printLedger(result)
      if (ledger !== '') io.out(`${ledger}\n`)
      if (flags.at === undefined) io.out(comparedWords(about, result))
    }
    return session.settle(
      exitStatusOf({ passed: 0, failed: 0, vacuous: 0, diverged: 0, exhausted: 0, error: 0, [result.verdict]: 1 }),
    )
  } finally {
    await session.close()
  }
}

function keepDrawing(io: Io, file: string, result: TrialResult): void {
  const svg = result.violation?.drawing?.svg
  if (svg === undefined) io.err(`no picture was made for ${file}: no history of clients was found to be wrong\n`)
  else {
    writeTextAtomically(resolve(io.folder, file), svg)
    io.err(`picture: ${file}\n`)
  }
}

/** What was recorded of the scenario, where it ends differently now: this one is quiet, but when is its cause gone? */
function comparedWords(about: About | undefined, result: TrialResult): string {
  if (about?.signature === undefined || about.signature === result.signature) return ''
  const suite = parseTrialId(about.trial ?? '')?.suite
  const rate =
    result.signature !== undefined || about.failed === undefined || about.of === undefined
      ? ''
      : `\n    ${findabilityWords(about.failed, about.of)}${suite === undefined ? '' : `: npx seatrial run ${suite} --trials ${quietTrialsFor(about.failed, about.of)}`}`
  return `it was kept because it failed as ${about.signature}${rate}\n`
}

/** `--export` takes the words after it, so what is to be replayed may be the last of them. @throws UserError */
function readWish(
  named: string | undefined,
  flags: ReplayFlags,
): { readonly what: string; readonly wish: ExportWish | undefined } {
  const [format, ...words] = flags.export ?? []
  const what = named ?? words.pop()
  if (what === undefined)
    throw new UserError({
      what: 'there is nothing to replay',
      mend: 'name a scenario file, a trial id (suite:seed:path) or an entry of the corpus',
    })
  if (format === undefined) return { what, wish: undefined }
  const known = EXPORT_FORMATS.find((name) => name === format)
  if (known === undefined)
    throw new UserError({
      what: `there is no format "${format}"`,
      where: '--export',
      mend: suggest(format, EXPORT_FORMATS),
    })
  if (words.length > 1)
    throw new UserError({
      what: `one file is written, not ${words.length}: ${words.join(', ')}`,
      where: '--export',
      mend: 'seatrial replay <what> --export <format> <file>',
    })
  if (flags.twice === true || flags.trace === true)
    throw new UserError({
      what: 'a trace is exported from one run',
      where: '--export',
      mend: 'leave out --twice and --trace',
    })
  return { what, wish: { format: known, ...(words[0] === undefined ? {} : { file: words[0] }) } }
}

/** The verdict after a second run in a process of its own: `diverged` if it differs. */
async function again(session: Session, scenario: Scenario, first: TrialResult): Promise<TrialResult> {
  return (await secondOpinion(scenario, first, session.pool, session.elsewhere())) ?? first
}
