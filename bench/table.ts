/** Benchmark figures as a table: for a terminal, and merged into BENCHMARKS.md with the figures that were there before. */
import type { Row } from './row.ts'

export interface Result {
  readonly name: string
  readonly rows: readonly Row[]
}

const BEGIN = '<!-- figures: written by npm run bench -- --write -->'
const END = '<!-- end of figures -->'
const COLUMNS = ['benchmark', 'figure', 'value', 'ratio', 'target', 'before'] as const

type Line = Readonly<Record<(typeof COLUMNS)[number], string>>

/** Three significant digits, with an SI letter for large figures: 12.3 M. */
export function short(value: number): string {
  if (value >= 1e6) return `${trimmed(value / 1e6)} M`
  if (value >= 1e4) return `${trimmed(value / 1e3)} k`
  return trimmed(value)
}

function trimmed(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(3)
}

function lineOf(name: string, row: Row, before: string): Line {
  const met =
    row.target === undefined ? undefined : row.atMost === true ? row.value <= row.target : row.value >= row.target
  const bound = row.atMost === true ? 'at most' : 'at least'
  return {
    benchmark: name,
    figure: row.figure,
    value: `${short(row.value)} ${row.unit}`,
    ratio: row.ratio === undefined ? '' : `${trimmed(row.ratio.value)} times ${row.ratio.to}`,
    target: row.target === undefined ? '' : `${bound} ${short(row.target)}${met === true ? '' : ' (missed)'}`,
    before,
  }
}

/** Aligned text for a terminal. */
export function rendered(results: readonly Result[]): string {
  const lines = results.flatMap(({ name, rows }) => rows.map((row) => lineOf(name, row, '')))
  const columns = COLUMNS.filter((column) => column !== 'before')
  const widths = columns.map((column) => Math.max(column.length, ...lines.map((line) => line[column].length)))
  const text = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [text(columns), ...lines.map((line) => text(columns.map((column) => line[column])))].join('\n')
}

/** The page with its table renewed: rows measured now get the value that stood there as `before`; the others stay. */
export function merged(page: string, results: readonly Result[], machine: string, date: string): string {
  const old = parsed(page)
  const lines = new Map(old.map((line) => [keyOf(line), line]))
  for (const { name, rows } of results)
    for (const row of rows) {
      const previous = lines.get(keyOf({ benchmark: name, figure: row.figure }))
      const line = lineOf(name, row, previous?.value ?? '')
      lines.set(keyOf(line), line)
    }
  const table = [
    `Last run: ${date}, ${machine}. Medians of 5; ratios are to what was measured in the same run.`,
    '',
    `| ${COLUMNS.join(' | ')} |`,
    `| ${COLUMNS.map(() => '---').join(' | ')} |`,
    ...[...lines.values()].map((line) => `| ${COLUMNS.map((column) => line[column]).join(' | ')} |`),
  ].join('\n')
  const block = `${BEGIN}\n${table}\n${END}`
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from >= 0 && to > from) return page.slice(0, from) + block + page.slice(to + END.length)
  const top = page === '' ? '# Benchmarks\n\nEvery figure comes from `npm run bench`.' : page.trimEnd()
  return `${top}\n\n${block}\n`
}

function parsed(page: string): Line[] {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) return []
  return page
    .slice(from, to)
    .split('\n')
    .filter((text) => text.startsWith('| ') && !text.startsWith('| ---') && !text.startsWith('| benchmark |'))
    .map((text) => {
      const cells = text.slice(2, -2).split(' | ')
      return Object.fromEntries(COLUMNS.map((column, i) => [column, (cells[i] ?? '').trim()])) as unknown as Line
    })
}

function keyOf(line: { readonly benchmark: string; readonly figure: string }): string {
  return `${line.benchmark}/${line.figure}`
}
