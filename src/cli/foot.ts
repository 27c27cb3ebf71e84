/**
 * Lines at the foot of a terminal that are drawn again and again, below everything that is written to stay. The cursor is
 * never hidden, so nothing can lose it.
 */
import ansiEscapes from 'ansi-escapes'
import { createLogUpdate } from 'log-update'
import wrapAnsi from 'wrap-ansi'

type Screen = NodeJS.WriteStream

const COLUMNS = 80
const ROWS = 24

export class Foot {
  readonly #screen: Screen
  readonly #draw: ReturnType<typeof createLogUpdate>
  #lines: readonly string[] = []
  /** As they were drawn last. */
  #drawn: readonly string[] = []

  constructor(screen: Screen) {
    this.#screen = screen
    this.#draw = createLogUpdate(screen, { showCursor: true })
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
    this.#unfold()
    if (lines.length > 0) this.#draw(lines.join('\n'))
    else if (this.#drawn.length > 0) this.#draw.clear()
    this.#drawn = lines
  }

  /** Writes what stays, in whole lines, above the foot. */
  above(write: () => void): void {
    this.#unfold()
    if (this.#drawn.length > 0) this.#draw.clear()
    this.#drawn = []
    write()
    this.redraw()
  }

  /** A terminal that became narrower since has folded what was drawn: it is erased up to where it would end unfolded. */
  #unfold(): void {
    const rows = this.#drawn.reduce((sum, { length }) => sum + Math.max(1, Math.ceil(length / this.columns)), 0)
    const folds = rows - this.#drawn.length
    if (folds > 0) this.#screen.write(ansiEscapes.eraseLines(folds + 1))
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

/** It goes on below its text: after the number and time of a story's line, or further in than it began. */
function foldedLine(line: string, columns: number): string {
  const [head = '', numbering] = /^ *(\d+\. [\d:.]+ +)?/.exec(line) ?? []
  const indent = numbering === undefined ? head.length + 4 : head.length
  const room = columns - indent
  const text = line.slice(head.length)
  // A word that needs more than a line (a path, a name of a trial) would stand alone: the terminal breaks it as well.
  if (text.split(' ').some((word) => word.length > room)) return line
  return wrapAnsi(text, room, { hard: false, trim: true })
    .split('\n')
    .map((part, index) => `${index === 0 ? head : ' '.repeat(indent)}${part}`)
    .join('\n')
}
