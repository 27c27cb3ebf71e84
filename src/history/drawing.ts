/**
 * A witness as a picture: time goes to the right, a lane for each process, from call to return. Numbers are the order that
 * was found for the prefix; what could not be placed is marked. As text for a terminal and as SVG for a page; both depend on
 * nothing but the witness.
 */
import type { Operation } from './history.ts'
import type { Model } from './model.ts'
import { type Bar, type Timeline, timelineOf } from './timeline.ts'
import type { Witness } from './witness.ts'

type Mark = 'placed' | 'unplaced' | 'later'

/** Lines such as `p1  [1 put a=1 ]    [x get a -> 1 ]`. An operation without a return ends in dots. */
export function drawText<State, Input, Output>(
  witness: Witness<Input, Output>,
  model: Model<State, Input, Output>,
): string {
  const { lanes, columns } = pictureOf(witness, model)
  const margin = Math.max(0, ...lanes.map(({ name }) => name.length)) + 2
  const lines = lanes.map(({ name, bars }, index) => {
    const cells = Array.from({ length: columns }, () => ' ')
    for (const bar of bars) {
      const width = bar.to - bar.from + 1
      const inner = `[ ${bar.label} `
      const text = bar.open ? inner.padEnd(width - 1, '.') : `${inner.padEnd(width - 1, '-')}]`
      for (let i = 0; i < text.length; i++) cells[bar.from + i] = text[i]!
    }
    const shown = lanes[index - 1]?.name === name ? '' : name
    return `${shown.padEnd(margin)}${cells.join('')}`.trimEnd()
  })
  return [...lines, '', ...witness.explanation].join('\n')
}

const COLUMN = 7.5
const LANE = 34
const BAR = 24
const MARGIN = 16
/** Text is at least so wide before it is broken, characters. */
const LEAST_LINE = 100
const LEGEND =
  'Time goes to the right, from call to answer. A number is a place in the order that was found, x fits nowhere, a dashed bar was never answered.'

/** A whole SVG document. Colours are chosen to be told apart in print and by those who see no red: the unplaced is also thick. */
export function drawSvg<State, Input, Output>(
  witness: Witness<Input, Output>,
  model: Model<State, Input, Output>,
): string {
  const { lanes, columns } = pictureOf(witness, model)
  const left = MARGIN + (Math.max(0, ...lanes.map(({ name }) => name.length)) + 2) * COLUMN
  const wide = Math.max(LEAST_LINE, columns)
  const words = [...witness.explanation.flatMap((line) => wrapped(line, wide)), ...wrapped(LEGEND, wide)]
  const legend = words.length - wrapped(LEGEND, wide).length
  const textWidth = Math.max(0, ...words.map((line) => line.length)) * COLUMN
  const width = Math.ceil(Math.max(left + columns * COLUMN, textWidth + MARGIN) + MARGIN)
  const top = MARGIN
  const below = top + lanes.length * LANE + MARGIN
  const height = below + words.length * 20 + MARGIN
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, monospace" font-size="12">`,
    `<title>${escaped(`Not linearizable: ${witness.part}`)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
  ]
  lanes.forEach(({ name, bars }, index) => {
    const y = top + index * LANE
    if (lanes[index - 1]?.name !== name)
      lines.push(`<text x="${MARGIN}" y="${y + 16}" fill="#24292f">${escaped(name)}</text>`)
    lines.push(
      `<line x1="${left}" y1="${y + BAR / 2}" x2="${left + columns * COLUMN}" y2="${y + BAR / 2}" stroke="#d0d7de"/>`,
    )
    for (const bar of bars) lines.push(...svgBar(bar, markOf(witness, bar.operation), left, y))
  })
  words.forEach((line, index) => {
    const fill = index < legend ? '#24292f' : '#6e7781'
    lines.push(`<text x="${MARGIN}" y="${below + 16 + index * 20}" fill="${fill}">${escaped(line)}</text>`)
  })
  return `${[...lines, '</svg>'].join('\n')}\n`
}

const FILL: Readonly<Record<Mark, string>> = { placed: '#ddf4ff', unplaced: '#ffebe9', later: '#f6f8fa' }
const STROKE: Readonly<Record<Mark, string>> = { placed: '#0969da', unplaced: '#cf222e', later: '#6e7781' }

function svgBar<Input, Output>(bar: Bar<Input, Output>, mark: Mark, left: number, y: number): string[] {
  const x = left + bar.from * COLUMN
  const width = (bar.to - bar.from + 1) * COLUMN
  const dashes = bar.open ? ' stroke-dasharray="5 3"' : ''
  const thick = mark === 'unplaced' ? 2.5 : 1
  return [
    `<rect x="${x}" y="${y}" width="${width}" height="${BAR}" rx="3" fill="${FILL[mark]}" stroke="${STROKE[mark]}" stroke-width="${thick}"${dashes}/>`,
    `<text x="${x + COLUMN}" y="${y + 16}" fill="#24292f">${escaped(bar.label)}</text>`,
  ]
}

function pictureOf<State, Input, Output>(
  witness: Witness<Input, Output>,
  model: Model<State, Input, Output>,
): Timeline<Input, Output> {
  return timelineOf(witness.operations, (operation) => {
    const place = witness.placed.indexOf(operation)
    const mark = place >= 0 ? `${place + 1} ` : markOf(witness, operation) === 'unplaced' ? 'x ' : ''
    return `${mark}${model.describe(operation.input, operation.output)}`
  })
}

function markOf<Input, Output>(witness: Witness<Input, Output>, operation: Operation<Input, Output>): Mark {
  if (witness.unplaced.includes(operation)) return 'unplaced'
  return witness.placed.includes(operation) ? 'placed' : 'later'
}

/** Lines of at most `most` characters, broken at blanks; a word that is longer has a line of its own. */
function wrapped(text: string, most: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
