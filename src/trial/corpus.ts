/**
 * The corpus: scenarios worth keeping, one file each, replayed before anything new is tried. This file decides names and
 * what a file means; reading and writing is passed in by the command line.
 */
import { parseScenario, printScenario, scenarioIdOf } from './parse.ts'
import type { Scenario } from './scenario.ts'
import { UserError } from './user-error.ts'

/** A folder of files, as the corpus needs it. `write` is atomic: after a crash the old file or the new one is there, whole. */
export interface CorpusFolder {
  readonly path: string
  /** Names of the files in it; empty if there is no such folder. */
  list(): readonly string[]
  read(name: string): string
  write(name: string, text: string): void
}

export interface CorpusEntry {
  readonly file: string
  /** The file's name without its ending. */
  readonly id: string
  readonly scenario: Scenario
}

export interface CorpusContents {
  readonly entries: readonly CorpusEntry[]
  /** Files that could not be used. They are left as they are. */
  readonly damaged: readonly UserError[]
}

export const SCENARIO_FILE_ENDING = '.scenario.json'

/** Reads every scenario of the folders in name order. A damaged file is reported and does not hide the others. */
export function readCorpus(folders: readonly CorpusFolder[]): CorpusContents {
  const entries: CorpusEntry[] = []
  const damaged: UserError[] = []
  for (const folder of folders) {
    for (const name of folder.list().toSorted()) {
      if (!name.endsWith(SCENARIO_FILE_ENDING)) continue
      const file = `${folder.path}/${name}`
      try {
        entries.push({
          file,
          id: name.slice(0, -SCENARIO_FILE_ENDING.length),
          scenario: parseScenario(folder.read(name), file),
        })
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        damaged.push(error)
      }
    }
  }
  return { entries, damaged }
}

/** Keeps a scenario under a name made of what failed and the scenario's id. @returns the file's path. */
export function keepScenario(folder: CorpusFolder, scenario: Scenario, signature: string): string {
  const name = `${fileStemOf(scenario, signature)}${SCENARIO_FILE_ENDING}`
  folder.write(name, printScenario(scenario))
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
