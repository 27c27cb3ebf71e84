/** Where a command writes, and what it may know of its surroundings. Tests put a recording one in its place. */
import { paint } from './paint.ts'

export interface Io {
  /** Results. */
  out(text: string): void
  /** Progress and complaints. */
  err(text: string): void
  readonly isTerminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The folder that relative paths start from. */
  readonly folder: string
  /** Called when the user interrupts (Ctrl-C) for the first time; the answer takes the listener away again. */
  onInterrupt(listener: () => void): () => void
}

/** The real one: standard output and error of this process. */
export function processIo(): Io {
  return {
    out: (text) => void process.stdout.write(paint(text, process.stdout.isTTY === true, process.env)),
    err: (text) => void process.stderr.write(paint(text, process.stderr.isTTY === true, process.env)),
    isTerminal: process.stderr.isTTY === true && process.env.CI === undefined,
    environment: process.env,
    folder: process.cwd(),
    onInterrupt(listener) {
      let isSecond = false
      const heard = () => {
        // Who asks twice does not want to wait.
        if (isSecond) process.exit(130)
        isSecond = true
        listener()
      }
      process.on('SIGINT', heard)
      process.on('SIGTERM', heard)
      return () => {
        process.off('SIGINT', heard)
        process.off('SIGTERM', heard)
      }
    },
  }
}
