/**
 * What a campaign finds is on disk the moment it is found: the first failing trial of each signature, as it was drawn. The
 * shrunk form takes its place later; until that is on disk too, the drawn one stays.
 */
import { basename, join, relative } from 'node:path'
import {
  aboutOf,
  fileStemOf,
  parseTrialId,
  printScenario,
  SCENARIO_FILE_ENDING,
  scenarioOfTrial,
  type TrialRecord,
  type TrialResult,
} from '../trial/index.ts'
import { UserError } from '../trial/user-error.ts'
import { corpusFolder, sweepTemporaries } from './files.ts'
import type { Session } from './session.ts'

/** What groups failures in a campaign: the signature, or the verdict of a trial that has none. Undefined: it is no failure. */
export function failureOf({ verdict, signature }: TrialResult): string | undefined {
  return verdict === 'passed' || verdict === 'vacuous' ? undefined : (signature ?? verdict)
}

export class Keeper {
  readonly #session: Session
  /** Signature -> file of the corpus. */
  readonly #drawn = new Map<string, string>()
  /** Signatures whose file could not be written. */
  readonly #unkept = new Set<string>()

  constructor(session: Session, known: ReadonlyMap<string, string> = new Map()) {
    this.#session = session
    for (const [signature, file] of known) this.#drawn.set(signature, file)
    sweepTemporaries(join(session.dir, 'corpus'))
  }

  /** Keeps a failing trial unless one like it was kept. @returns the file, if it was kept now */
  keep({ trialId, result, scenario: known }: TrialRecord): string | undefined {
    const signature = failureOf(result)
    const id = parseTrialId(trialId)
    if (signature === undefined || id === undefined || this.#drawn.has(signature)) return undefined
    const scenario = known ?? scenarioOfTrial(this.#session.registry, id)
    const name = `${fileStemOf(scenario, signature)}${SCENARIO_FILE_ENDING}`
    // Once: a folder that cannot be written now is not asked again for every trial that fails alike.
    this.#drawn.set(signature, name)
    const about = aboutOf(result, { trial: trialId, shrunk: false })
    try {
      this.#folder().write(name, printScenario(scenario, about))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      this.#unkept.add(signature)
      this.#session.io.err(`not kept: ${signature} of ${trialId}: ${error.message}\n`)
      return undefined
    }
    return this.fileOf(signature)
  }

  /** Where the failure is kept, from the current folder; undefined if it is not. */
  fileOf(signature: string): string | undefined {
    const name = this.#unkept.has(signature) ? undefined : this.#drawn.get(signature)
    return name === undefined ? undefined : relative(this.#session.io.folder, join(this.#session.dir, 'corpus', name))
  }

  /** A failure of this kind is in the corpus already, as it was drawn. */
  knows(signature: string, name: string): void {
    this.#drawn.set(signature, name)
  }

  /** A better form of the failure is on disk as `file`: what was drawn is not needed any more. */
  replaced(signature: string, file: string): void {
    const name = this.#drawn.get(signature)
    if (name === undefined || name === basename(file)) return
    this.#folder().remove(name)
    this.#drawn.set(signature, basename(file))
  }

  #folder() {
    return corpusFolder(join(this.#session.dir, 'corpus'))
  }
}
