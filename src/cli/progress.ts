/** Progress on standard error: a bar on a terminal, a plain line every few seconds elsewhere, nothing when asked to be quiet. */
import { percent } from '../report/index.ts'
import type { CoverageSummary } from '../trial/index.ts'
import type { Io } from './io.ts'

export interface Progress {
  /**
   * `done` and `total` in the same unit, `total` undefined where nobody can know; `note` says it in words, `view` is shown
   * below on a terminal.
   */
  update(done: number, total: number | undefined, note: string, view?: readonly string[]): void
  /** Prints a line that stays. */
  say(text: string): void
  /** Ends the bar, so that what follows starts on a line of its own. */
  end(): void
}

const PLAIN_EVERY_MILLIS = 5_000
/** Where nobody looks on, a sign of life now and then. */
const CI_EVERY_MILLIS = 60_000
const DRAWN_EVERY_MILLIS = 50
const VIEW_MAXIMUM = 8
const BAR_MAXIMUM = 40

export function startProgress(io: Io, title: string): Progress {
  return io.foot === undefined ? plainProgress(io, title) : barProgress(io, io.foot, title)
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
    ...(checked === 0 ? [] : [`  ${reached} of ${checked} properties reached${waiting}`]),
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

function barProgress(io: Io, foot: NonNullable<Io['foot']>, title: string): Progress {
  let last = 0
  return {
    update(done, total, note, view = []) {
      if (performance.now() - last < DRAWN_EVERY_MILLIS) return
      last = performance.now()
      const share = total === undefined ? undefined : Math.min(1, done / Math.max(1, total))
      const head = share === undefined ? `${title}…` : barOf(title, share, foot.columns)
      foot.show([head, `  ${note}`, ...view.slice(0, VIEW_MAXIMUM)])
    },
    say(text) {
      io.err(`${text}\n`)
    },
    end() {
      foot.show([])
    },
  }
}

/** As long as the terminal has room, up to forty characters. */
function barOf(title: string, share: number, columns: number): string {
  const length = Math.max(0, Math.min(BAR_MAXIMUM, columns - title.length - ' 100 %  '.length))
  const done = Math.round(share * length)
  return `${title} ${'█'.repeat(done)}${'░'.repeat(length - done)} ${Math.floor(share * 100)} %`
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
