/** For tests of commands: a place that records what is printed, and temporary folders. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Io } from './io.ts'
import { main } from './main.ts'

export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Runs a command in this process, with `folder` as the current folder. */
export async function runMain(argv: readonly string[], folder: string): Promise<Ran> {
  let out = ''
  let err = ''
  const io: Io = {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    environment: {},
    folder,
    onInterrupt: () => () => {},
  }
  const status = await main(argv, io)
  return { status, out, err }
}

/** A temporary folder with the given files; `remove` takes it away. */
export function temporaryFolder(files: Readonly<Record<string, string>> = {}): {
  readonly path: string
  readonly remove: () => void
} {
  const path = mkdtempSync(join(tmpdir(), 'seatrial-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/**
 * Builds the command line from the sources as they are now, for the test file that asks. Types are somebody else's business.
 * @returns the file to start, and what takes it away again
 */
export function buildCommandLine(): { readonly file: string; readonly remove: () => void } {
  const cache = resolve('node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const outDir = mkdtempSync(join(cache, 'seatrial-command-line-'))
  try {
    execFileSync(
      process.execPath,
      [
        resolve('node_modules/typescript/bin/tsc'),
        '-p',
        'tsconfig.build.json',
        '--outDir',
        outDir,
        '--declaration',
        'false',
        '--sourceMap',
        'false',
      ],
      { stdio: 'ignore' },
    )
  } catch {
    // It emits all the same.
  }
  return {
    file: join(outDir, 'src/cli/start.js'),
    remove: () => rmSync(outDir, { recursive: true, force: true }),
  }
}

/** Builds the command line before the tests of a file, and takes it away after them; `before` is Vitest's `beforeAll`. */
export function builtBefore(before: (hook: () => () => void) => void): { readonly file: string } {
  const command = { file: '' }
  before(() => {
    const built = buildCommandLine()
    command.file = built.file
    return built.remove
  })
  return command
}

/** Starts the built command line in a process of its own. `onText` sees everything as it comes. */
export function startProcess(
  file: string,
  argv: readonly string[],
  folder: string,
  onText: (text: string, child: ChildProcess) => void = () => {},
  options: { readonly detached?: boolean; readonly isWatched?: boolean } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [file, ...argv], {
    cwd: folder,
    env: { ...process.env, CI: options.isWatched === true ? undefined : '1', GITHUB_ACTIONS: 'false' },
    detached: options.detached ?? false,
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString()
    onText(data.toString(), child)
  })
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString()
    onText(data.toString(), child)
  })
  return new Promise((settle) => child.on('close', (status) => settle({ status: status ?? -1, out, err })))
}
