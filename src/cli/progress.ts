/** Progress on standard error: a bar on a terminal, a plain line every few seconds elsewhere, nothing when asked to be quiet. */
import { percent } from '../report/index.ts'
import type { CoverageSummary } from '../trial/index.ts'
import type { Io } from './io.ts'

export interface Progress {
  /** `done` and `total` in the same unit; `note` is shown beside them, `view` below them on a terminal. */
  update(done: number, total: number, note: string, view?: readonly string[]): void
  /** Prints a line that stays. */
  say(text: string): void
  /** Ends the bar, so that what follows starts on a line of its own. */
  end(): void
}

const PLAIN_EVERY_MILLIS = 5_000
/** Where nobody looks on, a sign of life now and then. */
const CI_EVERY_MILLIS = 60_000
const VIEW_MAXIMUM = 8

export async function startProgress(io: Io, title: string): Promise<Progress> {
  return io.isTerminal ? barProgress(title) : plainProgress(io, title)
}

/** What is shown below the bar of a campaign: what was found, by group, and what was reached. Pure, for tests. */
export function viewOf(campaign: {
  readonly failures: readonly { readonly signature: string; readonly count: number }[]
  readonly reached: number
  readonly checked: number
  readonly unreached: readonly string[]
  readonly coverage?: CoverageSummary | undefined
}): string[] {
  const { failures, reached, checked, unreached, coverage } = campaign
  const most = failures.toSorted((a, b) => b.count - a.count)
  const shown = most
    .slice(0, VIEW_MAXIMUM - (coverage === undefined ? 2 : 3))
    .map(({ signature, count }) => `  ${String(count).padStart(6)} x ${signature}`)
  const others = most.length - shown.length
  const waiting =
    unreached.length === 0 ? '' : `; not yet: ${unreached.slice(0, 3).join(', ')}${unreached.length > 3 ? ', …' : ''}`
  return [
    ...shown,
    ...(others > 0 ? [`         and ${others} more kinds of failure`] : []),
    `  ${reached} of ${checked} properties reached${waiting}`,
    ...(coverage === undefined ? [] : [newsOf(coverage)]),
  ]
}

function newsOf({ chanceOfNews, trials, matrix, holes, phases }: CoverageSummary): string {
  const news = trials === 0 ? '' : `the next trial shows a new state with ${percent(chanceOfNews.value)}; `
  const struck = new Set(matrix.map(({ kind, component }) => `${kind} ${component}`)).size * phases.length
  const open = holes.reduce((sum, hole) => sum + hole.phases.length, 0)
  return `  ${news}${struck - open} of ${struck} combinations of fault, component and phase felt`
}

/** How many states were seen, for the line of numbers. */
export function statesOf(coverage: CoverageSummary | undefined): string {
  return coverage === undefined ? '' : `, ${coverage.features} states`
}

async function barProgress(title: string): Promise<Progress> {
  const { default: cliProgress } = await import('cli-progress')
  const bars = new cliProgress.MultiBar(
    {
      format: `${title} {bar} {percentage}%  {note}`,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  )
  const bar = bars.create(1, 0, { note: '' })
  const lines: ReturnType<typeof bars.create>[] = []
  return {
    update(done, total, note, view = []) {
      bar.setTotal(Math.max(1, total))
      bar.update(Math.min(done, total), { note })
      for (const [index, text] of view.slice(0, VIEW_MAXIMUM).entries()) {
        lines[index] ??= bars.create(1, 0, { text }, { format: '{text}' })
        lines[index].update(0, { text })
      }
    },
    say(text) {
      bars.log(`${text}\n`)
    },
    end() {
      bars.stop()
    },
  }
}

function plainProgress(io: Io, title: string): Progress {
  let last = Date.now()
  const every = io.environment.CI === undefined ? PLAIN_EVERY_MILLIS : CI_EVERY_MILLIS
  return {
    update(_done, _total, note) {
      if (Date.now() - last < every) return
      last = Date.now()
      io.err(`${title}: ${note}\n`)
    },
    say(text) {
      io.err(`${text}\n`)
    },
    end() {},
  }
}
