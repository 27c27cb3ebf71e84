/** The table of the ablation: medians over seeds, and each strategy against plain random search on the same seeds. */

/** One search: a defect, a strategy, a seed. */
export interface Cell {
  readonly defect: string
  readonly suite: string
  readonly strategy: string
  readonly seed: number
  readonly cap: number
  /** The failing trial's place, from 1; left out: none failed within the cap. */
  readonly found?: number
  /** How it failed. */
  readonly signature?: string
  /** Trials that failed without the defect as well: they do not count. */
  readonly alarms: number
  readonly cpuMicros: number
  readonly trials: number
}

const PLAIN = 'random'

/** A search that found nothing lies above every one that did. */
function placeOf({ found }: Cell): number {
  return found ?? Number.POSITIVE_INFINITY
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.POSITIVE_INFINITY
}

interface Paired {
  readonly earlier: number
  readonly later: number
}

/** On how many seeds a strategy was earlier or later than plain random. */
export function paired(cells: readonly Cell[], plain: readonly Cell[]): Paired {
  let [earlier, later] = [0, 0]
  for (const cell of cells) {
    const other = plain.find(({ seed }) => seed === cell.seed)
    if (other === undefined) continue
    if (placeOf(cell) < placeOf(other)) earlier++
    if (placeOf(cell) > placeOf(other)) later++
  }
  return { earlier, later }
}

/** Chance of a split at least so uneven if both were as good: the two-sided sign test. */
export function signTest({ earlier, later }: Paired): number {
  const count = earlier + later
  const most = Math.max(earlier, later)
  let tail = 0
  let ways = 1
  for (let picked = 0; picked <= count; picked++) {
    if (picked >= most) tail += ways
    ways = (ways * (count - picked)) / (picked + 1)
  }
  return Math.min(1, (2 * tail) / 2 ** count)
}

function figure(cells: readonly Cell[], plain: readonly Cell[], strategy: string, cap: number): string {
  if (cells.length === 0) return '-'
  const middle = median(cells.map(placeOf))
  const found = cells.filter((cell) => cell.found !== undefined).length
  const trials = middle === Number.POSITIVE_INFINITY ? `> ${cap}` : `${middle}`
  const against = paired(cells, plain)
  const split = strategy === PLAIN ? '' : `, ${against.earlier}:${against.later}`
  return `${trials} (${found}/${cells.length}${split})`
}

/** Markdown: a row a defect, a column a strategy, a row of sums. */
export function ablationTable(cells: readonly Cell[], strategies: readonly string[]): string {
  const defects = [...new Set(cells.map(({ defect }) => defect))]
  const of = (strategy: string, defect?: string) =>
    cells.filter((cell) => cell.strategy === strategy && (defect === undefined || cell.defect === defect))
  const rows = defects.map((defect) => {
    const cap = Math.max(...cells.filter((cell) => cell.defect === defect).map((cell) => cell.cap))
    const suite = cells.find((cell) => cell.defect === defect)?.suite ?? ''
    const figures = strategies.map((strategy) => figure(of(strategy, defect), of(PLAIN, defect), strategy, cap))
    return `| ${defect} | ${suite} | ${figures.join(' | ')} |`
  })
  const sums = strategies.map((strategy) => {
    const own = of(strategy)
    const found = own.filter((cell) => cell.found !== undefined).length
    const seconds = own.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0) / 1_000_000
    const trials = own.reduce((sum, cell) => sum + cell.trials, 0)
    const perTrial = trials === 0 ? 0 : (seconds * 1_000) / trials
    return `${found} of ${own.length} found, ${trials} trials, ${Math.round(seconds)} s, ${perTrial.toFixed(0)} ms a trial`
  })
  const chance = (p: number) => (p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`)
  const splits = strategies.map((strategy) => {
    if (strategy === PLAIN) return ''
    const all = defects.map((defect) => paired(of(strategy, defect), of(PLAIN, defect)))
    const split = {
      earlier: all.reduce((sum, { earlier }) => sum + earlier, 0),
      later: all.reduce((sum, { later }) => sum + later, 0),
    }
    return `${split.earlier} earlier, ${split.later} later, ${chance(signTest(split))}`
  })
  return [
    `| defect | suite | ${strategies.join(' | ')} |`,
    `| --- | --- |${' --- |'.repeat(strategies.length)}`,
    ...rows,
    `| all | | ${sums.join(' | ')} |`,
    `| against random, by seed | | ${splits.join(' | ')} |`,
  ].join('\n')
}
