/** `seatrial corpus`: what is kept, listed; what others kept, taken over; what no longer earns its place, taken out. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { counted, sizeInWords, textTable } from '../../report/index.ts'
import {
  type About,
  type CorpusEntry,
  type CorpusFolder,
  judgeCorpus,
  keepScenario,
  mistakesOf,
  nearest,
  openCorpus,
  planMerge,
  printScenario,
  type Rerun,
  readCorpus,
  readEntry,
  SCENARIO_FILE_ENDING,
  scenarioIdOf,
  UserError,
} from '../../trial/index.ts'
import { runGuarded } from '../drive.ts'
import { corpusFolder, readText, sweepTemporaries } from '../files.ts'
import type { Io } from '../io.ts'
import { WorkerLost } from '../pool.ts'
import { openSession, type SessionFlags } from '../session.ts'

export interface CorpusFlags extends SessionFlags {
  /** The folder of scenarios itself. */
  readonly into?: string
  readonly dryRun?: boolean
  readonly name?: string
}

function folderAt(io: Io, path: string): CorpusFolder {
  const full = resolve(io.folder, path)
  return corpusFolder(full, relative(io.folder, full) || '.')
}

/** The corpora that a command looks into when none is named: findings first, then what the project keeps. */
function usualFolders(io: Io, flags: CorpusFlags): CorpusFolder[] {
  return [join(flags.dir ?? '.seatrial', 'corpus'), 'fixtures/corpus'].map((path) => folderAt(io, path))
}

export function corpusListCommand(io: Io, paths: readonly string[], flags: CorpusFlags): number {
  for (const path of paths) assertFolder(io, path)
  const folders = paths.length === 0 ? usualFolders(io, flags) : paths.map((path) => folderAt(io, path))
  const { entries, damaged } = readCorpus(folders)
  const tales = new Map(folders.map((folder) => [folder, talesOf(io, folder)]))
  const rows = entries.map(({ id, file, folder, scenario, about }) => {
    const tells = about?.tells ?? tales.get(folder)?.get(id)
    if (flags.json === true)
      io.out(
        `${JSON.stringify({ type: 'entry', id, file, scenario: scenarioIdOf(scenario), faults: scenario.faults.length, steps: scenario.workload.length, ...about, tells })}\n`,
      )
    return [
      id,
      about?.signature ?? about?.verdict ?? '-',
      sizeInWords(scenario),
      shortened(tells ?? about?.message ?? ''),
    ]
  })
  if (flags.json !== true)
    io.out(
      rows.length === 0
        ? `nothing is kept in ${folders.map(({ path }) => path).join(' and ')}\n`
        : `${textTable(['ENTRY', 'FAILED AS', 'SIZE', 'TELLS'], rows)}\n\n${counted(rows.length, 'entry', 'entries')}\n`,
    )
  for (const error of damaged) io.err(`damaged: ${error.message}\n`)
  return 0
}

const TALE_MAXIMUM = 90

function shortened(text: string): string {
  return text.length > TALE_MAXIMUM ? `${text.slice(0, TALE_MAXIMUM - 1).trimEnd()}…` : text
}

/** Explanations in a README.md beside the entries: a table whose first column names them. */
function talesOf(io: Io, folder: CorpusFolder): ReadonlyMap<string, string> {
  const readme = resolve(io.folder, folder.path, 'README.md')
  if (!existsSync(readme)) return new Map()
  const rows = readText(readme).matchAll(/^\|\s*([A-Za-z0-9._-]+)\s*\|\s*(.+?)\s*\|$/gm)
  return new Map(Array.from(rows, ([, id = '', tale = '']) => [id, tale]))
}

export function corpusMergeCommand(io: Io, sources: readonly string[], flags: CorpusFlags): number {
  const folder = folderAt(io, flags.into ?? join(flags.dir ?? '.seatrial', 'corpus'))
  sweepTemporaries(resolve(io.folder, folder.path))
  const files = sources.flatMap((source) => scenariosUnder(io, source))
  const incoming: CorpusEntry[] = []
  let damaged = 0
  for (const file of files) {
    try {
      const name = basename(file)
      const home = folderAt(io, dirname(file))
      const id = name.endsWith(SCENARIO_FILE_ENDING) ? name.slice(0, -SCENARIO_FILE_ENDING.length) : name
      incoming.push(readEntry({ folder: home, name, file, id }))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      damaged++
      io.err(`passed over: ${error.message}\n`)
    }
  }
  if (incoming.length === 0)
    throw new UserError({
      what: damaged === 0 ? 'there is no scenario here' : 'none of the scenarios here can be read',
      where: sources.join(' '),
      mend: 'name folders with .scenario.json files, such as the .seatrial of a CI run after "gh run download"',
    })
  const present = readCorpus([folder]).entries
  const taken = new Set(folder.list())
  const { added, known, larger } = planMerge(present, incoming)
  for (const entry of added) {
    const file = flags.dryRun === true ? entry.file : add(folder, taken, entry)
    if (flags.json === true) io.out(`${JSON.stringify({ type: 'merged', id: entry.id, file, from: entry.file })}\n`)
    else
      io.out(
        `new: ${entry.id}${entry.about?.signature === undefined ? '' : `, which fails as ${entry.about.signature}`}\n`,
      )
  }
  const words = [
    `${counted(incoming.length, 'scenario')} read`,
    `${added.length} new`,
    `${known.length} known`,
    `${larger.length} larger than what is kept of the same failure`,
    ...(damaged === 0 ? [] : [`${damaged} damaged`]),
  ]
  const counts = { read: incoming.length, new: added.length, known: known.length, larger: larger.length, damaged }
  io.out(
    flags.json === true
      ? `${JSON.stringify({ type: 'merge', into: folder.path, ...counts })}\n`
      : `${words.join(', ')}; the corpus is ${folder.path}${flags.dryRun === true ? ', and nothing was written' : ''}\n`,
  )
  return 0
}

/** The name stays, unless another scenario has it. */
function add(folder: CorpusFolder, taken: Set<string>, entry: CorpusEntry): string {
  const name = entry.name.endsWith(SCENARIO_FILE_ENDING) ? entry.name : `${entry.id}${SCENARIO_FILE_ENDING}`
  if (taken.has(name)) return keepScenario(folder, entry.scenario, entry.about?.signature ?? entry.id, entry.about)
  taken.add(name)
  folder.write(name, printScenario(entry.scenario, entry.about))
  return `${folder.path}/${name}`
}

/** The scenario files in a folder and below, hidden folders such as `.seatrial` included; or the file itself. */
function scenariosUnder(io: Io, source: string): string[] {
  const full = resolve(io.folder, source)
  if (!existsSync(full))
    throw new UserError({ what: 'there is no such file or folder', where: source, mend: 'check the spelling' })
  if (/\.(zip|tgz|tar|gz)$/.test(source))
    throw new UserError({
      what: 'this is an archive',
      where: source,
      mend: 'unpack it first; "gh run download" and actions/download-artifact do so by themselves',
    })
  if (!statSync(full).isDirectory()) return [source]
  return readdirSync(full, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(SCENARIO_FILE_ENDING))
    .map((entry) => relative(io.folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split(/[\\/]/).includes('node_modules'))
    .sort()
}

export async function corpusPruneCommand(io: Io, path: string | undefined, flags: CorpusFlags): Promise<number> {
  const folder = folderAt(io, path ?? join(flags.dir ?? '.seatrial', 'corpus'))
  assertFolder(io, folder.path)
  const { entries, damaged } = readCorpus([folder])
  for (const error of damaged) io.err(`stays: ${error.message}\n`)
  const session = await openSession(io, flags)
  try {
    const runnable = entries.filter(({ file, scenario }) => {
      const [mistake] = mistakesOf(scenario, session.registry)
      if (mistake !== undefined) io.err(`stays: ${file} ${mistake.path}: ${mistake.what} (${mistake.mend})\n`)
      return mistake === undefined
    })
    const reruns = await Promise.all(
      runnable.map(async (entry): Promise<Rerun> => {
        const { scenario } = entry
        const { result } = await session.pool.run({ kind: 'scenario', scenario }).catch((error: unknown) => {
          if (!(error instanceof WorkerLost)) throw error
          return runGuarded(session.pool, scenario, error)
        })
        return { entry, result }
      }),
    )
    let removed = 0
    for (const { entry, because, but } of judgeCorpus(reruns)) {
      if (because !== undefined) {
        removed++
        if (flags.dryRun !== true) entry.folder.remove(entry.name)
      }
      const verb = because === undefined ? 'stays' : flags.dryRun === true ? 'would go' : 'gone'
      if (session.json)
        io.out(`${JSON.stringify({ type: 'prune', id: entry.id, file: entry.file, verb, because, but })}\n`)
      else if ((because ?? but) !== undefined) io.out(`${verb}: ${entry.id}: ${because ?? but}\n`)
    }
    session.say(
      `${counted(entries.length, 'entry', 'entries')}, ${removed} ${flags.dryRun === true ? 'would go' : 'gone'}, ${damaged.length + entries.length - runnable.length} not judged`,
    )
    return session.settle(0)
  } finally {
    await session.close()
  }
}

/** Gives an entry a meaning, and a name. */
export function corpusTellCommand(io: Io, id: string, words: readonly string[], flags: CorpusFlags): number {
  const folders = flags.into === undefined ? usualFolders(io, flags) : [folderAt(io, flags.into)]
  const names = openCorpus(folders)
  const found = names.find((name) => name.id === id)
  if (found === undefined) {
    const near = nearest(
      id,
      names.map((name) => name.id),
    )
    throw new UserError({
      what: `there is no entry "${id}"`,
      where: folders.map(({ path }) => path).join(', '),
      mend: near.length > 0 ? `did you mean ${near.join(' or ')}?` : '"seatrial corpus list" lists them',
    })
  }
  const newId = flags.name ?? id
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(newId))
    throw new UserError({
      what: `"${newId}" cannot be a name`,
      where: '--name',
      mend: 'use lower-case letters, digits and hyphens',
    })
  const newName = `${newId}${SCENARIO_FILE_ENDING}`
  if (newId !== id && names.some(({ folder, name }) => folder === found.folder && name === newName))
    throw new UserError({ what: `there is an entry "${newId}" already`, where: '--name', mend: 'choose another name' })
  const { scenario, about, folder } = readEntry(found)
  const told: About = { ...(about ?? { verdict: 'passed' }), tells: words.join(' ') }
  folder.write(newName, printScenario(scenario, told))
  if (newId !== id) folder.remove(found.name)
  io.out(
    flags.json === true
      ? `${JSON.stringify({ type: 'told', id: newId, file: `${folder.path}/${newName}`, tells: told.tells })}\n`
      : `${folder.path}/${newName}: ${told.tells}\n`,
  )
  return 0
}

function assertFolder(io: Io, path: string): void {
  const full = resolve(io.folder, path)
  if (existsSync(full) && statSync(full).isDirectory()) return
  throw new UserError({
    what: existsSync(full) ? 'this is a file, a folder was expected' : 'there is no such folder',
    where: path,
    mend: 'name the folder that holds the .scenario.json files; default: .seatrial/corpus',
  })
}
