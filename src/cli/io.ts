/** Where a command writes, and what it may know of its surroundings. Tests put a recording one in its place. */
import { Foot, folded } from './foot.ts'
import { paint } from './paint.ts'

export interface Io {
  /** Results. */
  out(text: string): void
  /** Progress and complaints. */
  err(text: string): void
  /** Width of the terminal that results go to; undefined where they go into a file. */
  readonly columns?: number | undefined
  /** Lines that change while a command works, below all that it writes; left out where nobody looks on. */
  readonly foot?: Pick<Foot, 'show' | 'columns'>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The folder that relative paths start from. */
  readonly folder: string
  /** Called when the user interrupts (Ctrl-C) for the first time; the answer takes the listener away again. */
  onInterrupt(listener: () => void): () => void
}

/** The real one: standard output and error of this process. */
export function processIo(): Io {
  const { stdout, stderr, env } = process
  const isWatched = stderr.isTTY && env.CI === undefined && env.TERM !== 'dumb'
  const foot = isWatched ? new Foot(stderr) : undefined
  if (foot !== undefined) stderr.on('resize', () => foot.redraw())
  const writer = (stream: NodeJS.WriteStream) => (text: string) => {
    const shown = paint(stream.isTTY ? folded(text, stream.columns) : text, stream.isTTY, env)
    if (foot === undefined || !stream.isTTY) stream.write(shown)
    else foot.above(() => stream.write(shown))
  }
  return {
    out: writer(stdout),
    err: writer(stderr),
    columns: stdout.columns,
    ...(foot === undefined ? {} : { foot }),
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
