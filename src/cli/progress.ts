/** Progress on standard error: a bar on a terminal, a plain line every few seconds elsewhere, nothing when asked to be quiet. */
import type { Io } from './io.ts'

export interface Progress {
  /** `done` and `total` in the same unit; `note` is shown beside them. */
  update(done: number, total: number, note: string): void
  /** Ends the bar, so that what follows starts on a line of its own. */
  end(): void
}

const PLAIN_EVERY_MILLIS = 5_000

export async function startProgress(io: Io, title: string): Promise<Progress> {
  return io.isTerminal ? barProgress(title) : plainProgress(io, title)
}

async function barProgress(title: string): Promise<Progress> {
  const { default: cliProgress } = await import('cli-progress')
  const bar = new cliProgress.SingleBar(
    {
      format: `${title} {bar} {percentage}%  {note}`,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  )
  bar.start(1, 0, { note: '' })
  return {
    update(done, total, note) {
      bar.setTotal(Math.max(1, total))
      bar.update(Math.min(done, total), { note })
    },
    end() {
      bar.stop()
    },
  }
}

function plainProgress(io: Io, title: string): Progress {
  let last = Date.now()
  return {
    update(_done, _total, note) {
      if (Date.now() - last < PLAIN_EVERY_MILLIS) return
      last = Date.now()
      io.err(`${title}: ${note}\n`)
    },
    end() {},
  }
}
