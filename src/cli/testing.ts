/** For tests of commands: a place that records what is printed, and temporary folders. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
    isTerminal: false,
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
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
