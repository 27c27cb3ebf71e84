/** The foot of a terminal, drawn on a small model of one: what is left on the screen after writing, drawing and resizing. */
import { expect, test } from 'vitest'
import { Foot, folded, type Screen } from './foot.ts'
import { startProgress } from './progress.ts'

const ESCAPE = '\u001b'
const ERASE_LINE = `${ESCAPE}[K`
const ERASE_BELOW = `${ESCAPE}[J`
const TOKENS = new RegExp(`${ESCAPE}\\[(\\d+)A|${ESCAPE}\\[[KJ]|[^]`, 'g')

/** A terminal that folds lines when it becomes narrower, as most do. It knows what the foot uses, and nothing else. */
class Terminal implements Screen {
  columns: number
  readonly rows: number
  #lines: string[] = ['']
  #row = 0
  #column = 0
  writes = 0

  constructor(columns: number, rows = 24) {
    this.columns = columns
    this.rows = rows
  }

  write(text: string): void {
    this.writes++
    for (const [token, up] of text.matchAll(TOKENS)) {
      if (up !== undefined) this.#row -= Number(up)
      else if (token === ERASE_LINE) this.#line = this.#line.slice(0, this.#column)
      else if (token === ERASE_BELOW)
        this.#lines = [...this.#lines.slice(0, this.#row), this.#line.slice(0, this.#column)]
      else if (token === '\r') this.#column = 0
      else if (token === '\n') this.#next()
      else this.#put(token)
    }
  }

  becomeNarrower(columns: number): void {
    const lines = this.#lines.map((line) => line.match(new RegExp(`.{1,${columns}}`, 'g')) ?? [''])
    this.#row = lines.slice(0, this.#row).flat().length
    this.#lines = lines.flat()
    this.columns = columns
  }

  text(): string[] {
    return this.#lines
  }

  get #line(): string {
    return this.#lines[this.#row] ?? ''
  }

  set #line(text: string) {
    this.#lines[this.#row] = text
  }

  #put(character: string): void {
    if (this.#column === this.columns) this.#next()
    this.#line = `${this.#line.slice(0, this.#column).padEnd(this.#column)}${character}${this.#line.slice(this.#column + 1)}`
    this.#column++
  }

  #next(): void {
    this.#row++
    this.#column = 0
    this.#lines[this.#row] ??= ''
  }
}

test('the foot is drawn over itself, each time in one write, and goes without a trace', () => {
  const terminal = new Terminal(20)
  const foot = new Foot(terminal)
  foot.show(['fuzzing 1 %', '  a long list of things that were found', '  more'])
  foot.show(['fuzzing 2 %', '  less'])
  expect(terminal.text()).toEqual(['fuzzing 2 %', '  less', ''])
  expect(terminal.writes).toBe(2)
  foot.show([])
  expect(terminal.text()).toEqual([''])
})

test('what is written to stay stands above the foot, whole', () => {
  const terminal = new Terminal(12)
  const foot = new Foot(terminal)
  foot.show(['half', 'way'])
  foot.above(() => terminal.write('found a/b/c in x:1:2\n'))
  foot.above(() => terminal.write('found d\n'))
  expect(terminal.text()).toEqual(['found a/b/c ', 'in x:1:2', 'found d', 'half', 'way', ''])
})

test('lines are cut to the width, and the foot to the height', () => {
  const terminal = new Terminal(10, 5)
  new Foot(terminal).show(['123456789', '1234567890', '3', '4', '5'])
  expect(terminal.text()).toEqual(['123456789', '12345678…', '3', ''])
})

test('a terminal that becomes narrower has folded the foot: it is drawn over all the same', () => {
  const terminal = new Terminal(40)
  const foot = new Foot(terminal)
  foot.above(() => terminal.write('stays\n'))
  foot.show(['x'.repeat(35), 'short', 'y'.repeat(15)])
  terminal.becomeNarrower(12)
  foot.redraw()
  expect(terminal.text()).toEqual(['stays', `${'x'.repeat(10)}…`, 'short', `${'y'.repeat(10)}…`, ''])
})

test('a bar as long as there is room, numbers and view below it; without a known end there is no bar', () => {
  let shown: readonly string[] = []
  const foot = {
    columns: 30,
    show(lines: readonly string[]) {
      shown = lines
    },
  }
  const written: string[] = []
  const io = { out: () => {}, err: (text: string) => void written.push(text), environment: {}, folder: '/' }
  const watched = { ...io, foot, onInterrupt: () => () => {} }
  const bar = startProgress(watched, 'fuzzing')
  bar.update(50, 100, '50 trials', ['  2 x a/b/c'])
  expect(shown).toEqual([`fuzzing ${'█'.repeat(8)}${'░'.repeat(7)} 50 %`, '  50 trials', '  2 x a/b/c'])
  bar.say('found a/b/c')
  expect(written).toEqual(['found a/b/c\n'])
  bar.end()
  expect(shown).toEqual([])
  startProgress(watched, 'shrinking').update(3, undefined, '2 faults left')
  expect(shown).toEqual(['shrinking…', '  2 faults left'])
})

test('prose is broken between words below its beginning; commands, tables and JSON are left to the terminal', () => {
  expect(folded('    why: it needs one thing and another', 24)).toBe(
    ['    why: it needs one', '        thing and', '        another'].join('\n'),
  )
  expect(folded(' 2. 0:36.480  fault: the disk of etcd-1 is full', 30)).toBe(
    [' 2. 0:36.480  fault: the disk', '              of etcd-1 is', '              full'].join('\n'),
  )
  for (const line of [
    '    replay: npx seatrial replay a/b/c.scenario.json',
    'PROPERTY                    REACHED IN',
    '{"type": "trial", "and": "so on"}',
    '    scenario: .seatrial/corpus/a-very-long-name.scenario.json',
  ])
    expect(folded(line, 24)).toBe(line)
})
