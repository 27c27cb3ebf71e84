/**
 * The corpus: scenarios worth keeping, one file each, replayed before anything new is tried. This file decides names and
 * what a file means; reading and writing is passed in by the command line.
 */
import { type About, compareExamples, groupOf } from './about.ts'
import { byCodeUnit } from './canonical.ts'
import { parseKept, printScenario, scenarioIdOf } from './parse.ts'
import type { Scenario } from './scenario.ts'
import { UserError } from './user-error.ts'

/** A folder of files, as the corpus needs it. `write` is atomic: after a crash the old file or the new one is there, whole. */
export interface CorpusFolder {
  readonly path: string
  /** Names of the files in it; empty if there is no such folder. */
  list(): readonly string[]
  read(name: string): string
  write(name: string, text: string): void
  /** No error if it is gone already. */
  remove(name: string): void
}

/** A file of the corpus by its name. Nothing of it has been read. */
export interface CorpusName {
  readonly folder: CorpusFolder
  readonly name: string
  /** The path, for people. */
  readonly file: string
  /** The file's name without its ending. */
  readonly id: string
}

export interface CorpusEntry extends CorpusName {
  readonly scenario: Scenario
  readonly about: About | undefined
}

export interface CorpusContents {
  readonly entries: readonly CorpusEntry[]
  /** Files that could not be used. They are left as they are. */
  readonly damaged: readonly UserError[]
}

export const SCENARIO_FILE_ENDING = '.scenario.json'

/** The names of all scenarios of the folders, in name order. Reads no file: ten thousand are opened as fast as ten. */
export function openCorpus(folders: readonly CorpusFolder[]): readonly CorpusName[] {
  return folders.flatMap((folder) =>
    folder
      .list()
      .filter((name) => name.endsWith(SCENARIO_FILE_ENDING))
      .toSorted(byCodeUnit)
      .map((name) => ({
        folder,
        name,
        file: `${folder.path}/${name}`,
        id: name.slice(0, -SCENARIO_FILE_ENDING.length),
      })),
  )
}

/** Reads one entry. @throws UserError if the file is damaged, or no scenario */
export function readEntry(entry: CorpusName): CorpusEntry {
  return { ...entry, ...parseKept(entry.folder.read(entry.name), entry.file) }
}

/** Reads every scenario of the folders in name order. A damaged file is reported and does not hide the others. */
export function readCorpus(folders: readonly CorpusFolder[]): CorpusContents {
  const entries: CorpusEntry[] = []
  const damaged: UserError[] = []
  for (const name of openCorpus(folders)) {
    try {
      entries.push(readEntry(name))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      damaged.push(error)
    }
  }
  return { entries, damaged }
}

/** Keeps a scenario under a name made of what failed and the scenario's id. @returns the file's path. */
export function keepScenario(folder: CorpusFolder, scenario: Scenario, signature: string, about?: About): string {
  const name = `${fileStemOf(scenario, signature)}${SCENARIO_FILE_ENDING}`
  folder.write(name, printScenario(scenario, about))
  return `${folder.path}/${name}`
}

/** `rs-convergence-too-many-pods-3f2a9c01`: fit for a file name on every system. */
export function fileStemOf(scenario: Scenario, signature: string): string {
  const words = signature
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
  return `${words === '' ? 'scenario' : words}-${scenarioIdOf(scenario).slice(0, 8)}`
}

export interface MergePlan {
  /** Entries to add. */
  readonly added: readonly CorpusEntry[]
  /** The very same scenario is there already. */
  readonly known: readonly CorpusEntry[]
  /** A smaller example of the same group is there, or comes with the others. */
  readonly larger: readonly CorpusEntry[]
}

/** What of `incoming` is worth adding to `present`: new scenarios, of each group of failures the best example only. */
export function planMerge(present: readonly CorpusEntry[], incoming: readonly CorpusEntry[]): MergePlan {
  const ids = new Set(present.map(({ scenario }) => scenarioIdOf(scenario)))
  const best = new Map<string, CorpusEntry>()
  const known: CorpusEntry[] = []
  const single: CorpusEntry[] = []
  const larger: CorpusEntry[] = []
  for (const entry of incoming) {
    const id = scenarioIdOf(entry.scenario)
    if (ids.has(id)) known.push(entry)
    else if (!isExample(entry)) single.push(entry)
    else {
      const rival = best.get(groupOf(entry.scenario, entry.about))
      if (rival === undefined || compareKept(entry, rival) < 0) {
        best.set(groupOf(entry.scenario, entry.about), entry)
        if (rival !== undefined) larger.push(rival)
      } else larger.push(entry)
    }
    ids.add(id)
  }
  for (const entry of present) {
    if (!isExample(entry)) continue
    const group = groupOf(entry.scenario, entry.about)
    const rival = best.get(group)
    if (rival === undefined || compareKept(rival, entry) < 0) continue
    best.delete(group)
    larger.push(rival)
  }
  return { added: [...single, ...best.values()], known, larger }
}

type Example = CorpusEntry & { readonly about: About }

/** It was kept because it failed, and nobody gave it a meaning of its own. Others are never weighed against each other. */
export function isExample(entry: CorpusEntry): entry is Example {
  return entry.about?.signature !== undefined && entry.about.tells === undefined
}

/** Below 0 if `a` is the better example. Equals go by their names. */
export function compareKept(a: CorpusEntry, b: CorpusEntry): number {
  if (a.about === undefined || b.about === undefined) return byCodeUnit(a.id, b.id)
  return (
    compareExamples({ scenario: a.scenario, about: a.about }, { scenario: b.scenario, about: b.about }) ||
    byCodeUnit(a.id, b.id)
  )
}
