/** The foot of a terminal, drawn on a real one without a window: what is left on the screen after writing, drawing and resizing. */
import xterm from '@xterm/headless'
import { expect, test } from 'vitest'
import { Foot, folded } from './foot.ts'
import { startProgress } from './progress.ts'

/** A terminal emulator, and the stream that leads to it. */
class Terminal {
  readonly isTTY = true
  readonly #xterm: InstanceType<typeof xterm.Terminal>

  constructor(columns: number, rows = 24) {
    this.#xterm = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true })
  }

  get columns(): number {
    return this.#xterm.cols
  }

  get rows(): number {
    return this.#xterm.rows
  }

  get stream(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream
  }

  write(text: string): void {
    this.#xterm.write(text)
  }

  async becomeNarrower(columns: number): Promise<void> {
    await this.#written()
    this.#xterm.resize(columns, this.rows)
  }

  /** All its lines up to that of the cursor. */
  async text(): Promise<string[]> {
    await this.#written()
    const { active } = this.#xterm.buffer
    const lines = Array.from({ length: active.length }, (_, y) => active.getLine(y)?.translateToString(true) ?? '')
    return lines.slice(0, active.baseY + active.cursorY + 1)
  }

  #written(): Promise<void> {
    return new Promise((resolve) => this.#xterm.write('', resolve))
  }
}

test('the foot is drawn over itself, and goes without a trace', async () => {
  const terminal = new Terminal(20)
  const foot = new Foot(terminal.stream)
  foot.show(['fuzzing 1 %', '  a long list of things that were found', '  more'])
  expect(await terminal.text()).toEqual(['fuzzing 1 %', '  a long list of t…', '  more', ''])
  foot.show(['fuzzing 2 %', '  less'])
  expect(await terminal.text()).toEqual(['fuzzing 2 %', '  less', ''])
  foot.show([])
  expect(await terminal.text()).toEqual([''])
})

test('what is written to stay stands above the foot, whole', async () => {
  const terminal = new Terminal(12)
  const foot = new Foot(terminal.stream)
  foot.show(['half', 'way'])
  foot.above(() => terminal.write('found a/b/c in x:1:2\n'))
  foot.above(() => terminal.write('found d\n'))
  expect(await terminal.text()).toEqual(['found a/b/c ', 'in x:1:2', 'found d', 'half', 'way', ''])
})

test('lines are cut to the width, and the foot to the height, so that nothing scrolls', async () => {
  const terminal = new Terminal(10, 5)
  const foot = new Foot(terminal.stream)
  for (let time = 0; time < 3; time++) foot.show([`12345678${time}`, '1234567890', '3', '4', '5'])
  expect(await terminal.text()).toEqual(['123456782', '12345678…', '3', ''])
})

test('a terminal that becomes narrower has folded the foot: it is drawn over all the same', async () => {
  const terminal = new Terminal(40)
  const foot = new Foot(terminal.stream)
  foot.above(() => terminal.write('stays\n'))
  foot.show(['x'.repeat(35), 'short', 'y'.repeat(15)])
  await terminal.becomeNarrower(12)
  foot.redraw()
  expect(await terminal.text()).toEqual(['stays', `${'x'.repeat(10)}…`, 'short', `${'y'.repeat(10)}…`, ''])
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
    ['    why: it needs', '        one thing and', '        another'].join('\n'),
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
