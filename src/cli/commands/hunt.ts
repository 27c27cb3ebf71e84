/** `seatrial hunt`: how soon the suites find a historical bug that is switched on, and how small the failure becomes. */
import { textTable, trialLine } from '../../report/index.ts'
import {
  type Defect,
  exitStatusOf,
  type FailureGroup,
  MAXIMUM_SHRINK_EXECUTIONS,
  suggest,
  type TrialRecord,
  UserError,
} from '../../trial/index.ts'
import { driveBlocks } from '../drive.ts'
import { findabilityWords } from '../findability.ts'
import { investigate, printFinding } from '../findings.ts'
import type { Io } from '../io.ts'
import { parseCount, parseSeed } from '../parse-flags.ts'
import { WorkerLost } from '../pool.ts'
import { startProgress } from '../progress.ts'
import { openSession, type Session, type SessionFlags } from '../session.ts'
import { INTERRUPTED_STATUS } from './run.ts'

export interface HuntFlags extends SessionFlags {
  readonly seed?: string
  readonly seeds?: string
  readonly trials?: string
  readonly story?: boolean
}

interface Catch {
  readonly seed: number
  readonly trials: number
  readonly property: string
  /** Undefined when shrinking was given up. */
  readonly size: number | undefined
  readonly executions: number | undefined
}

const DEFAULT_TRIALS = 2_000
const BLOCK_TRIALS = 16

export async function huntCommand(io: Io, which: string, flags: HuntFlags): Promise<number> {
  const first = flags.seed === undefined ? 1 : parseSeed(flags.seed)
  const seeds = flags.seeds === undefined ? 1 : parseCount(flags.seeds, '--seeds')
  const trials = flags.trials === undefined ? DEFAULT_TRIALS : parseCount(flags.trials, '--trials')
  const session = await openSession(io, flags)
  let stopped = false
  const rows: string[][] = []
  const release = io.onInterrupt(() => {
    stopped = true
    session.pool.stopSoon()
  })
  try {
    const defects = chosen(session, which)
    let missed = 0
    /** Of a hunt for a single bug: catches, and trials until them. */
    let only: { readonly caught: number; readonly trials: number } | undefined
    for (const defect of defects) {
      const caught: Catch[] = []
      for (let index = 0; index < seeds && !stopped; index++) {
        const found = await huntOne(
          session,
          defect,
          first + index,
          trials,
          flags.story !== false && index === 0 && defects.length === 1,
        )
        if (found !== undefined) caught.push(found)
      }
      // A hunt that was broken off says nothing about its defect.
      if (stopped) break
      if (caught.length < seeds) missed++
      if (defects.length === 1 && caught.length > 0)
        only = {
          caught: caught.length,
          trials: caught.reduce((sum, one) => sum + one.trials, (seeds - caught.length) * trials),
        }
      rows.push(rowOf(defect, caught, seeds, trials))
      if (session.json) io.out(`${JSON.stringify({ type: 'hunt', defect: defect.id, seeds, caught })}\n`)
    }
    printRows(session, rows)
    if (!session.json && only !== undefined) io.out(`\n${findabilityWords(only.caught, only.trials)}\n`)
    if (stopped) io.err(`\ninterrupted after ${rows.length} of ${defects.length} defects\n`)
    return stopped ? INTERRUPTED_STATUS : missed === 0 ? 0 : 1
  } catch (error) {
    // What was found until then took its time.
    if (rows.length > 0) printRows(session, rows)
    throw error
  } finally {
    release()
    await session.close()
  }
}

const HEADINGS = ['DEFECT', 'CAUGHT', 'TRIALS (median)', 'SIZE (median)', 'EXECUTIONS (median)', 'BY']

function printRows(session: Session, rows: readonly string[][]): void {
  if (!session.json) session.io.out(`${textTable(HEADINGS, rows)}\n`)
}

function chosen(session: Session, which: string): readonly Defect[] {
  const { defects } = session.registry
  if (which === 'all') return [...defects.values()]
  const defect = defects.get(which)
  if (defect === undefined)
    throw new UserError({ what: `there is no defect "${which}"`, mend: suggest(which, ['all', ...defects.keys()]) })
  return [defect]
}

async function huntOne(
  session: Session,
  defect: Defect,
  seed: number,
  trials: number,
  tell: boolean,
): Promise<Catch | undefined> {
  const found = await findFirst(session, defect, seed, trials)
  if (found === undefined) return undefined
  const { trialId, result } = found.record
  const property = result.violation?.property ?? result.verdict
  if (!tell) {
    const from = { suite: defect.suite, defects: [defect.id], seed, path: String(found.number) }
    const caught = { seed, trials: found.number + 1, property }
    try {
      const answer = await session.pool.run({ kind: 'shrink', from, maximumExecutions: MAXIMUM_SHRINK_EXECUTIONS })
      const { faults, workload } = answer.scenario
      return { ...caught, size: faults.length + workload.length, executions: answer.executions }
    } catch (error) {
      // It was caught all the same, and the other bugs wait for their turn.
      if (!(error instanceof WorkerLost)) throw error
      session.io.err(`${defect.id} was not shrunk: ${error.message}\n`)
      return { ...caught, size: undefined, executions: undefined }
    }
  }
  const group: FailureGroup = { signature: result.signature ?? result.verdict, first: { trialId, result }, count: 1 }
  const finding = await investigate(session, group)
  session.say(`${printFinding(session, finding)}\n`)
  return {
    seed,
    trials: found.number + 1,
    property,
    size: finding.scenario.faults.length + finding.scenario.workload.length,
    executions: finding.executions,
  }
}

/** The first failing trial of the defect's suite, by number, or undefined. */
export async function findFirst(
  session: Session,
  defect: Defect,
  seed: number,
  trials: number,
): Promise<{ readonly number: number; readonly record: TrialRecord } | undefined> {
  let found: { readonly number: number; readonly record: TrialRecord } | undefined
  let done = 0
  const progress = startProgress(session.io, `hunting ${defect.id}`)
  const blocks = (function* () {
    for (let from = 0; from < trials; from += BLOCK_TRIALS)
      yield { suite: defect.suite, defects: [defect.id], seed, from, count: Math.min(BLOCK_TRIALS, trials - from) }
  })()
  await driveBlocks(
    {
      registry: session.registry,
      pool: session.pool,
      sampleEvery: Number.POSITIVE_INFINITY,
      isStopped: () => found !== undefined,
      onTrial: ({ record }) => {
        if (found !== undefined) return
        if (session.json) session.io.out(`${trialLine(record)}\n`)
        const number = done++
        progress.update(done, trials, `trial ${done}`)
        if (
          exitStatusOf({
            passed: 0,
            failed: 0,
            vacuous: 0,
            diverged: 0,
            exhausted: 0,
            error: 0,
            [record.result.verdict]: 1,
          }) !== 0
        )
          found = { number, record }
      },
    },
    blocks,
  )
  progress.end()
  return found
}

function rowOf(defect: Defect, caught: readonly Catch[], seeds: number, trials: number): string[] {
  if (caught.length === 0) return [defect.id, `0 of ${seeds}`, `> ${trials}`, '-', '-', '-']
  const properties = [...new Set(caught.map(({ property }) => property))]
  return [
    defect.id,
    `${caught.length} of ${seeds}`,
    `${median(caught.map((entry) => entry.trials))}`,
    `${median(caught.map((entry) => entry.size))}`,
    `${median(caught.map((entry) => entry.executions))}`,
    properties.join(', '),
  ]
}

function median(values: readonly (number | undefined)[]): number | string {
  const sorted = values.filter((value) => value !== undefined).toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? '-'
}
