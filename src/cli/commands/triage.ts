/** `seatrial triage`: the failures that are kept in a folder, grouped by cause, the best example of each, and how often it came. */
import { existsSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { counted, sizeInWords } from '../../report/index.ts'
import {
  type About,
  type CorpusEntry,
  compareKept,
  groupOf,
  parseTrialId,
  readCorpus,
  UserError,
} from '../../trial/index.ts'
import { corpusFolder } from '../files.ts'
import { quietTrialsFor } from '../findability.ts'
import { journalsIn } from '../fuzz-plan.ts'
import type { Io } from '../io.ts'
import { type Past, readJournal } from '../journal.ts'
import { failureOf } from '../keeper.ts'

export interface TriageFlags {
  readonly json?: boolean
}

interface Group {
  readonly group: string
  readonly signature: string
  readonly best: CorpusEntry & { readonly about: About }
  /** Entries of the corpus. */
  readonly examples: number
  readonly failed: number
  /** Trials of the suites in which it failed; left out where no campaign remembers it. */
  readonly of?: number
  /** The first trial that failed so. */
  readonly first?: string
}

export function triageCommand(io: Io, path: string | undefined, flags: TriageFlags): number {
  const folder = path ?? '.seatrial'
  const full = resolve(io.folder, folder)
  if (!existsSync(full) || !statSync(full).isDirectory())
    throw new UserError({
      what: existsSync(full) ? 'this is a file, a folder was expected' : 'there is no such folder',
      where: folder,
      mend: 'name a folder of findings, such as .seatrial, or a corpus',
    })
  const inner = join(full, 'corpus')
  const corpus = existsSync(inner) ? inner : full
  const { entries, damaged } = readCorpus([corpusFolder(corpus, relative(io.folder, corpus) || '.')])
  const pasts: Past[] = []
  for (const name of journalsIn(join(full, 'campaigns'))) {
    try {
      pasts.push(readJournal(join(full, 'campaigns', name), join(folder, 'campaigns', name)))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      io.err(`passed over: ${error.message}\n`)
    }
  }
  const groups = groupsOf(entries, memoryOf(pasts))
  for (const group of groups) io.out(flags.json === true ? `${lineOf(group)}\n` : `${wordsOf(group)}\n\n`)
  for (const error of damaged) io.err(`damaged: ${error.message}\n`)
  if (flags.json !== true)
    io.out(
      groups.length === 0
        ? `no failure is kept in ${relative(io.folder, corpus) || '.'}\n`
        : `${counted(groups.length, 'group')} of ${counted(entries.length, 'entry', 'entries')}\n`,
    )
  return 0
}

interface Memory {
  readonly failed: number
  readonly of: number
  readonly first: string
}

/** What the journals know of each signature. */
function memoryOf(pasts: readonly Past[]): ReadonlyMap<string, Memory> {
  const trials = new Map<string, number>()
  const seen = new Map<string, { failed: number; first: string; readonly suites: Set<string> }>()
  for (const { trials: lines } of pasts) {
    for (const { record } of lines) {
      const suite = parseTrialId(record.trialId)?.suite
      if (suite === undefined) continue
      trials.set(suite, (trials.get(suite) ?? 0) + 1)
      const signature = failureOf(record.result)
      if (signature === undefined) continue
      const known = seen.get(signature) ?? { failed: 0, first: record.trialId, suites: new Set<string>() }
      known.failed++
      known.suites.add(suite)
      seen.set(signature, known)
    }
  }
  return new Map(
    [...seen].map(([signature, { failed, first, suites }]) => [
      signature,
      { failed, first, of: [...suites].reduce((sum, suite) => sum + (trials.get(suite) ?? 0), 0) },
    ]),
  )
}

function groupsOf(entries: readonly CorpusEntry[], memory: ReadonlyMap<string, Memory>): Group[] {
  const groups = new Map<string, (CorpusEntry & { readonly about: About })[]>()
  for (const entry of entries) {
    const { about } = entry
    if (about === undefined || about.verdict === 'passed' || about.verdict === 'vacuous') continue
    const key = groupOf(entry.scenario, about)
    groups.set(key, [...(groups.get(key) ?? []), { ...entry, about }])
  }
  const alone = new Map<string, number>()
  for (const [best] of groups.values()) alone.set(nameOf(best!.about), (alone.get(nameOf(best!.about)) ?? 0) + 1)
  return [...groups]
    .map(([group, members]): Group => {
      const [best] = members.toSorted(compareKept)
      const signature = nameOf(best!.about)
      const remembered = memory.get(signature)
      // Where one signature has several causes the journal cannot tell whose trial it was.
      if (remembered !== undefined && alone.get(signature) === 1)
        return { group, signature, best: best!, examples: members.length, ...remembered }
      const failed = members.reduce((sum, { about }) => sum + (about.failed ?? 1), 0)
      const { of, trial } = best!.about
      return {
        group,
        signature,
        best: best!,
        examples: members.length,
        failed,
        ...(of === undefined ? {} : { of: Math.max(of, failed) }),
        ...(trial === undefined ? {} : { first: trial }),
      }
    })
    .sort((a, b) => b.failed - a.failed || (a.group < b.group ? -1 : 1))
}

function nameOf(about: About): string {
  return about.signature ?? about.verdict
}

function wordsOf({ group, best, examples, failed, of, first }: Group): string {
  const rate =
    of === undefined
      ? counted(failed, 'trial')
      : `${failed} of ${counted(of, 'trial')}; fixed at 95 % after ${counted(quietTrialsFor(failed, of), 'quiet trial')}`
  const more = examples === 1 ? '' : ` (best of ${examples})`
  return [
    group,
    `    ${rate}${first === undefined ? '' : `; first in ${first}`}`,
    `    ${best.about.message ?? best.about.verdict}`,
    `    example: ${sizeInWords(best.scenario)}${best.about.shrunk === true ? '' : ', not shrunk'}${more}: npx seatrial replay ${best.file}`,
    ...(best.about.tells === undefined ? [] : [`    ${best.about.tells}`]),
  ].join('\n')
}

function lineOf({ group, signature, best, examples, failed, of, first }: Group): string {
  return JSON.stringify({
    type: 'group',
    group,
    signature,
    cause: best.about.cause,
    failed,
    of,
    quietTrials: of === undefined ? undefined : quietTrialsFor(failed, of),
    first,
    examples,
    best: best.file,
    shrunk: best.about.shrunk === true,
    faults: best.scenario.faults.length,
    steps: best.scenario.workload.length,
    message: best.about.message,
    tells: best.about.tells,
  })
}
