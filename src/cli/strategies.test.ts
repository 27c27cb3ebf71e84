/** Campaigns by strategy: the same trials whatever the number of workers, gone on with after a break, replayed by name. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { LINES_SCHEMA } from '../report/lines.ts'
import { builtBefore, startProcess, temporaryFolder } from './testing.ts'

// Whole processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })

const folder = temporaryFolder()
afterAll(() => folder.remove())

const built = builtBefore(beforeAll)

type Line = Readonly<Record<string, unknown>>

const seatrial = (command: string) => startProcess(built.file, command.split(' '), folder.path)
const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
const trialsOf = (lines: readonly Line[]) =>
  lines.filter(({ type }) => type === 'trial').map(({ wallMicros: _, ...rest }) => rest)

// Lanes of one suite: from the third on they are decided by what those before brought. The default needs no name.
const PORTFOLIO = 'fuzz --suites finalizers --seed 8 --json --no-shrink'

test('a portfolio tries the same with one worker and with two, and goes on after a break as if there had been none', async () => {
  const one = await seatrial(`${PORTFOLIO} --trials 88 --workers 1 --dir one`)
  expect(one.err).toMatch(/seed 8, strategy portfolio, 1 workers/)
  const lines = linesOf(one.out)
  const validate = new Ajv({ strict: false }).compile(LINES_SCHEMA)
  for (const line of lines) expect(validate(line)).toBe(true)
  const trials = trialsOf(lines)
  expect(trials).toHaveLength(88)
  expect(new Set(trials.map(({ trial }) => String(trial).split(':')[0])).size).toBeGreaterThan(1)
  const two = linesOf((await seatrial(`${PORTFOLIO} --trials 88 --workers 2 --dir two`)).out)
  expect(trialsOf(two)).toEqual(trials)
  const given = (from: readonly Line[]) => from.filter(({ type }) => type === 'strategy')
  expect(given(two)).toEqual(given(lines))
  expect(given(lines).reduce((sum, { lanes }) => sum + Number(lanes), 0)).toBe(6)

  // Broken off in the middle of a lane.
  const [name = ''] = readdirSync(join(folder.path, 'one/campaigns'))
  const journal = join(folder.path, 'one/campaigns', name)
  const kept = readFileSync(journal, 'utf8').split('\n')
  const middle = kept.findIndex((line) => line.includes('"type":"lane"')) + 20
  writeFileSync(journal, `${kept.slice(0, middle).join('\n')}\n`)
  const done = kept.slice(0, middle).filter((line) => line.includes('"type":"trial"')).length
  const after = linesOf((await seatrial('fuzz --resume --strategy portfolio --workers 2 --dir one --json')).out)
  expect(trialsOf(after)).toEqual(trials.slice(done))
  expect(given(after)).toEqual(given(lines))
  expect(after.find(({ type }) => type === 'summary')).toMatchObject({ trials: 88 })
})

test('a trial of any strategy is found again by its name', async () => {
  for (const strategy of ['swarm', 'pct', 'targeted']) {
    const flags = `--suites finalizers --trials 6 --seed 3 --workers 1 --dir ${strategy} --json`
    const trials = trialsOf(linesOf((await seatrial(`fuzz --strategy ${strategy} ${flags}`)).out))
    const { trial, traceHash } = trials[5] as { readonly trial: string; readonly traceHash: string }
    expect(trial).toBe(`finalizers~${strategy}:3:5`)
    expect(JSON.parse((await seatrial(`replay ${trial} --json`)).out)).toMatchObject({ traceHash })
  }
})

test('a campaign of plain random search is another one, and is gone on with only as such', async () => {
  const flags = '--suites finalizers --trials 4 --seed 3 --workers 1 --dir plain --json'
  const trials = trialsOf(linesOf((await seatrial(`fuzz --strategy random ${flags}`)).out))
  expect(trials.map(({ trial }) => trial)).toEqual([0, 1, 2, 3].map((place) => `finalizers:3:${place}`))
  const other = await seatrial('fuzz --resume --strategy swarm --trials 1 --dir plain')
  expect(other).toMatchObject({
    status: 2,
    err: expect.stringMatching(
      /the one campaign there does not have these flags; it had --seed 3, .*--strategy random, 1 suite$/m,
    ),
  })
  const on = await seatrial('fuzz --resume --strategy random --trials 1 --workers 1 --dir plain --json')
  expect(trialsOf(linesOf(on.out)).map(({ trial }) => trial)).toEqual(['finalizers:3:4'])
})

test('PCT says what it promises', async () => {
  const { out } = await seatrial('fuzz --strategy pct --suites finalizers --trials 2 --seed 3 --workers 1 --dir bound')
  expect(out).toMatch(
    /PCT on finalizers: (\d+) processes \(n\), 11,520 places of change \(k\); .* at least 1\/\(n k\^\(d-1\)\): 1: 1 in \1, 2: 1 in [\d,]+, /,
  )
})
