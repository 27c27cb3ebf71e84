/** The file system for commands: every refusal becomes a sentence, and a file is written whole or not at all. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { CorpusFolder } from '../trial/corpus.ts'
import { UserError } from '../trial/user-error.ts'

const REASONS: Readonly<Record<string, readonly [what: string, mend: string]>> = {
  ENOENT: ['there is no such file or folder', 'check the spelling and the folder that you are in'],
  EACCES: ['permission was refused', 'check who owns it, or choose another place'],
  EPERM: ['permission was refused', 'check who owns it, or choose another place'],
  EROFS: ['the file system can only be read', 'choose another folder with --dir'],
  ENOSPC: ['the disk is full', 'make room and try again'],
  EDQUOT: ['there is no room left for this user', 'make room and try again'],
  EFBIG: ['the file may not become any larger', 'raise the limit (ulimit -f), or choose another place'],
  EISDIR: ['this is a folder, a file was expected', 'name a file in it'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'choose another folder with --dir'],
  EEXIST: ['a file of this name is in the way', 'choose another folder with --dir'],
}

export function refused(error: unknown, path: string): UserError {
  const code = (error as { readonly code?: string }).code ?? ''
  const [what, mend] = REASONS[code] ?? [(error as Error).message, 'see the message']
  return new UserError({ what, where: path, mend })
}

/** `shown` stands for the file in a message. @throws UserError */
export function readText(path: string, shown = path): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw refused(error, shown)
  }
}

/**
 * Writes to a temporary file in the same folder, syncs, renames, syncs the folder: after a crash the old file or the new
 * one is there, and once this has returned it is the new one. @throws UserError
 */
export function writeTextAtomically(path: string, text: string): void {
  const folder = dirname(path)
  const temporary = join(folder, `.${process.pid}-${Date.now().toString(36)}-${counter++}.tmp`)
  try {
    makeFolder(folder)
    const file = openSync(temporary, 'wx')
    try {
      // Not writeSync, which may write a part only.
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    syncFolder(folder)
  } catch (error) {
    discard(temporary)
    throw refused(error, path)
  }
}

/** Without this the new name of a file may be gone after a loss of power. Systems that cannot do it are left alone. */
function syncFolder(path: string): void {
  let folder: number | undefined
  try {
    folder = openSync(path, 'r')
    fsyncSync(folder)
  } catch {
    // Windows opens no folders.
  } finally {
    if (folder !== undefined) closeSync(folder)
  }
}

const TEMPORARY = /^\.(\d+)-[0-9a-z]+-\d+\.tmp$/

/** Takes away what processes that were killed in the middle of a write have left behind. Never throws. */
export function sweepTemporaries(folder: string): void {
  let names: string[] = []
  try {
    names = readdirSync(folder)
  } catch {
    // No folder, nothing to sweep.
  }
  for (const name of names) {
    const pid = TEMPORARY.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) discard(join(folder, name))
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process is alive too.
    return (error as { readonly code?: string }).code === 'EPERM'
  }
}

/** Makes a folder and those above it, one by one: where the system lies about them (/proc), Node's own way never ends. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent)
  try {
    mkdirSync(path)
  } catch (error) {
    // Another process was quicker.
    if (!existsSync(path)) throw error
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Nothing was made that could be taken away: the reason for the first error stands in the way of this one too.
  }
}
let counter = 0

/** Before much work is done whose result goes there. `shown` stands for the folder in the message. @throws UserError */
export function assertWritable(folder: string, shown = folder): void {
  const probe = join(folder, '.seatrial-probe')
  try {
    writeTextAtomically(probe, '')
    rmSync(probe, { force: true })
  } catch (error) {
    const { what } = error instanceof UserError ? error : refused(error, folder)
    throw new UserError({
      what: `nothing can be written there: ${what}`,
      where: shown,
      mend: 'choose a place where you may write',
    })
  }
}

/** A folder of the corpus on disk; it need not exist. `shown` stands for it in messages. */
export function corpusFolder(path: string, shown = path): CorpusFolder {
  return {
    path: shown,
    list() {
      try {
        return readdirSync(path)
      } catch (error) {
        if ((error as { readonly code?: string }).code === 'ENOENT') return []
        throw refused(error, shown)
      }
    },
    read: (name) => readText(join(path, name), join(shown, name)),
    write: (name, text) => writeTextAtomically(join(path, name), text),
    remove: (name) => removeFile(join(path, name)),
  }
}

/** @throws UserError unless it is gone, now or before */
function removeFile(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch (error) {
    throw refused(error, path)
  }
}

export interface ManifestFile {
  /** As the user would name it. */
  readonly path: string
  /** The user named it, rather than a folder that it is in. */
  readonly isNamed: boolean
}

/** The YAML and JSON files among `paths`; folders are searched, hidden files and node_modules are passed over. @throws UserError */
export function manifestFiles(paths: readonly string[], folder: string): ManifestFile[] {
  const files: ManifestFile[] = []
  const visit = (path: string, named: boolean) => {
    const full = resolve(folder, path)
    let isFolder: boolean
    try {
      isFolder = statSync(full).isDirectory()
    } catch (error) {
      throw refused(error, path)
    }
    if (!isFolder) {
      if (named || /\.(ya?ml|json)$/.test(path)) files.push({ path, isNamed: named })
      return
    }
    for (const name of readdirSync(full).toSorted()) {
      if (!name.startsWith('.') && name !== 'node_modules') visit(join(path, name), false)
    }
  }
  for (const path of paths) visit(path, true)
  return files
}
