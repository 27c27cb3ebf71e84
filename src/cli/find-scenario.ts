/** Which scenario is meant: a file, a trial id (suite:seed:path) or the name of an entry of the corpus. */
import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import {
  type About,
  openCorpus,
  parseKept,
  parseTrialId,
  readEntry,
  type Scenario,
  scenarioOfTrial,
  suggest,
  UserError,
} from '../trial/index.ts'
import { corpusFolder, readText } from './files.ts'
import type { Io } from './io.ts'
import type { Session } from './session.ts'

export interface Kept {
  readonly scenario: Scenario
  readonly about: About | undefined
}

/** The scenario of a file; undefined when `what` is not meant as one. A file is read before anything heavy is loaded. */
export function readScenarioFile(io: Io, what: string): Kept | undefined {
  const path = resolve(io.folder, what)
  if (existsSync(path)) return parseKept(readText(path), what)
  if (parseTrialId(what) !== undefined) return undefined
  if (/[\\/]|\.json$/.test(what))
    throw new UserError({
      what: 'there is no such file',
      where: what,
      mend: 'check the spelling and the folder that you are in',
    })
  return undefined
}

/** The scenario of a trial id or of an entry of the corpus. @throws UserError */
export function findScenario(session: Session, what: string): Kept {
  const id = parseTrialId(what)
  if (id !== undefined) return { scenario: scenarioOfTrial(session.registry, id), about: undefined }
  const folders = [join(session.dir, 'corpus'), resolve(session.io.folder, 'fixtures/corpus')].map((path) =>
    corpusFolder(path, relative(session.io.folder, path)),
  )
  const names = openCorpus(folders)
  const name = names.find((candidate) => candidate.id === what)
  if (name !== undefined) return readEntry(name)
  throw new UserError({
    what: `"${what}" is neither a file, nor a trial id (suite:seed:path), nor an entry of the corpus`,
    mend:
      names.length === 0
        ? 'name a .scenario.json file'
        : suggest(
            what,
            names.map((candidate) => candidate.id),
          ),
  })
}
