/**
 * Lines at the foot of a terminal that are drawn again and again, below everything that is written to stay. Each drawing is
 * a single write over the one before, so nothing flickers; the cursor is never hidden, so nothing can lose it.
 */

export interface Screen {
  write(text: string): unknown
  /** Width and height in characters; undefined where the terminal does not say. */
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

const COLUMNS = 80
const ROWS = 24
const ERASE_LINE = '\u001b[K'
const ERASE_BELOW = '\u001b[J'

export class Foot {
  readonly #screen: Screen
  #lines: readonly string[] = []
  /** Lengths of the lines as they were drawn last. The cursor stands at the beginning of the line below them. */
  #drawn: readonly number[] = []
  /** The width for which they were drawn. */
  #columns = 0

  constructor(screen: Screen) {
    this.#screen = screen
  }

  get columns(): number {
    return this.#screen.columns ?? COLUMNS
  }

  /** These lines from now on; none take the foot away. */
  show(lines: readonly string[]): void {
    this.#lines = lines
    this.redraw()
  }

  /** Once more, for a terminal that has another size now. */
  redraw(): void {
    // A line that is full to the last column, or a foot that is as high as the terminal, would make it scroll.
    const lines = this.#lines.slice(0, (this.#screen.rows ?? ROWS) - 2).map((line) => shortened(line, this.columns - 1))
    if (lines.length === 0 && this.#drawn.length === 0) return
    // Where lines were folded, the terminal remembers that until they are erased.
    const erase = this.columns === this.#columns ? '' : ERASE_BELOW
    const text = lines.map((line) => `${line}${ERASE_LINE}\n`).join('')
    this.#screen.write(`${this.#home()}${erase}${text}${ERASE_BELOW}`)
    this.#drawn = lines.map((line) => line.length)
    this.#columns = this.columns
  }

  /** Writes what stays, in whole lines, above the foot. */
  above(write: () => void): void {
    if (this.#drawn.length > 0) this.#screen.write(`${this.#home()}${ERASE_BELOW}`)
    this.#drawn = []
    write()
    this.redraw()
  }

  /** To the first line of what was drawn: a terminal that became narrower since has folded its lines. */
  #home(): string {
    const rows = this.#drawn.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / this.columns)), 0)
    return rows === 0 ? '\r' : `\u001b[${rows}A\r`
  }
}

/** As much of a line as fits. */
export function shortened(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`
}

/**
 * Prose that is wider than the terminal, broken between words. Left as it is: what somebody may want to copy (commands,
 * lines of JSON), and rows of tables.
 */
export function folded(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => (line.length <= columns || mayNotFold(line) ? line : foldedLine(line, columns)))
    .join('\n')
}

function mayNotFold(line: string): boolean {
  return line.startsWith('{') || line.includes('npx ') || /\S {3,}\S/.test(line)
}

function foldedLine(line: string, columns: number): string {
  const indent = ' '.repeat(indentOf(line))
  const lines: string[] = []
  let rest = line
  while (rest.length > columns) {
    const at = rest.lastIndexOf(' ', columns)
    const [word = ''] = rest.slice(at + 1).split(' ', 1)
    // A word that needs more than a line (a path, a name of a trial) is broken by the terminal wherever it begins.
    if (at <= indent.length || indent.length + word.length > columns) break
    lines.push(rest.slice(0, at))
    rest = `${indent}${rest.slice(at + 1)}`
  }
  return [...lines, rest].join('\n')
}

/** Where the line goes on: below its text, after the number and time of a story's line. */
function indentOf(line: string): number {
  const [spaces = '', numbering = ''] = /^ *(\d+\. [\d:.]+ +)?/.exec(line) ?? []
  return numbering === '' ? spaces.length + 4 : spaces.length
}
