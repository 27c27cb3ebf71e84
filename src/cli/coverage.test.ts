/** Coverage from the command line: in the summary, over a resumed campaign, of shards together, and as the end of a campaign. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { LINES_SCHEMA } from '../report/lines.ts'
import type { CoverageSummary } from '../trial/index.ts'
import { builtBefore, runMain, startProcess, temporaryFolder } from './testing.ts'

// Whole processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })

const folder = temporaryFolder()
afterAll(() => folder.remove())

const built = builtBefore(beforeAll)

const seatrial = (command: string) => startProcess(built.file, command.split(' '), folder.path)
const validate = new Ajv({ strict: false }).compile(LINES_SCHEMA)

/** The coverage in the last line, which must fit the schema. */
function coverageIn(out: string): CoverageSummary {
  const line = JSON.parse(out.trim().split('\n').at(-1) ?? '') as { readonly coverage: CoverageSummary }
  expect(validate(line), JSON.stringify(validate.errors)).toBe(true)
  return line.coverage
}

/** Without what depends on the order of trials. */
function counts({ curve: _, ...rest }: CoverageSummary) {
  return rest
}

test('a run tells what its trials covered, in words and in its summary line; the same on one worker and on two', async () => {
  const text = (await seatrial('run elections --trials 12 --coverage')).out
  expect(text).toMatch(/^FAULT +INJECTED +BIT +BOOT +NO LEADER/m)
  expect(text).toMatch(/^FAULT +STRUCK +BOOT/m)
  expect(text).toMatch(/^states: \d+ distinct ones in 12 trials {2}[▁▂▃▄▅▆▇█]+$/m)
  expect(text).toMatch(/^the next trial shows a new one with a chance of \d+ % \(\d+ % to \d+ %\), \S+ on average$/m)
  const one = coverageIn((await seatrial('run elections --trials 12 --json --workers 1')).out)
  expect(one.trials).toBe(12)
  expect(one.features).toBeGreaterThan(100)
  expect(one.matrix.length).toBeGreaterThan(3)
  expect(coverageIn((await seatrial('run elections --trials 12 --json --workers 2')).out)).toEqual(one)
})

test('a campaign that was broken off and taken up again has covered what one in one go has', async () => {
  const flags = 'fuzz --suites elections calm-rollout --seed 7 --no-shrink --workers 1 --json'
  const whole = coverageIn((await seatrial(`${flags} --trials 40 --dir whole`)).out)
  await seatrial(`${flags} --trials 20 --dir parts`)
  const parts = coverageIn((await seatrial('fuzz --resume --trials 20 --no-shrink --workers 1 --dir parts --json')).out)
  expect(counts(parts)).toEqual(counts(whole))
  expect(parts.curve.at(-1)).toEqual(whole.curve.at(-1))
  expect(whole.once).toBeGreaterThan(0)
})

test('shards covered together what one campaign over all their trials would have; a shard given twice counts once', async () => {
  const flags = 'fuzz --suites elections --seed 5 --no-shrink --workers 1 --json --trials 6'
  const first = coverageIn((await seatrial(`${flags} --shard 1/2 --dir ci/one`)).out)
  await seatrial(`${flags} --shard 2/2 --dir ci/two`)
  const both = await runMain(['coverage', 'ci', '--json'], folder.path)
  expect(both.status).toBe(0)
  const together = coverageIn(both.out)
  expect(together.trials).toBe(12)
  expect(together.features).toBeGreaterThan(first.features)
  const again = await runMain(['coverage', 'ci/two', 'ci', 'ci/one/campaigns', '--json'], folder.path)
  expect(counts(coverageIn(again.out))).toEqual(counts(together))
  const text = (await runMain(['coverage', 'ci', '--coverage'], folder.path)).out
  expect(text).toMatch(/^2 campaigns, 12 trials\n/)
  expect(text).toMatch(/^FAULT +STRUCK/m)
  expect(text).toMatch(/^states: \d+ distinct ones in 12 trials/m)
})

test('a campaign ends when hardly anything new is to be expected, after the same trial however it is run', async () => {
  const flags = 'fuzz --suites calm-rollout --seed 2 --no-shrink --json --until-new-state-rate'
  const { status, out, err } = await seatrial(`${flags} 0.9 --workers 1 --dir until`)
  expect(status).toBe(0)
  expect(err).toMatch(/until fewer than 90 % show something new/)
  const metAfter = (text: string) =>
    Number(
      /it ended because after (\d+) trials drawn by chance, with 95 % confidence, fewer than 90 % of further trials would show something new/.exec(
        text,
      )?.[1],
    )
  const { trials, chanceOfNews } = coverageIn(out)
  // Its one suite has had its turn. What was under way when it was enough came to its end.
  expect(metAfter(err)).toBeGreaterThanOrEqual(32)
  expect(trials).toBeGreaterThanOrEqual(metAfter(err))
  expect(chanceOfNews.value).toBeLessThan(0.9)
  const short = await seatrial(`${flags} 90% --workers 1 --dir short --trials 20`)
  // Those of the second lane strike where others have learned to: they are not drawn by chance.
  expect(coverageIn(short.out).trials).toBe(16)
  expect(short.out.match(/"type":"trial"/g)).toHaveLength(20)
  expect(short.err).not.toMatch(/it ended because/)
  const on = await seatrial('fuzz --resume --no-shrink --json --workers 1 --dir short --trials 1000')
  expect(metAfter(on.err)).toBe(metAfter(err))
})

test.each([
  [['fuzz', '--until-new-state-rate', '0'], '--until-new-state-rate: 0 is not between 0 and 1'],
  [['fuzz', '--until-new-state-rate', '100%'], '--until-new-state-rate: 100% is not between 0 and 1'],
  [['fuzz', '--until-new-state-rate', 'few'], '--until-new-state-rate: "few" is not a share'],
  [['fuzz', '--until-new-state-rate', '-0.1'], '--until-new-state-rate: "-0.1" is not a share'],
  [
    ['fuzz', '--strategy', 'feedback', '--until-new-state-rate', '0.5'],
    '--until-new-state-rate: it is asked of trials drawn by chance, and the strategy feedback draws none',
  ],
  [['fuzz', '--until-new-state-rate'], 'argument missing'],
  [['coverage', 'nowhere'], 'nowhere: there is no such file or folder'],
  [['coverage', '.'], '.: no campaign has left its journal there'],
  [['coverage', 'broken.jsonl'], 'broken.jsonl:1: this is not the journal of a campaign'],
])('%j is told what is wrong with it, with status 2', async (argv, message) => {
  const own = temporaryFolder({ 'broken.jsonl': '{"type":"campai' })
  try {
    const { status, err, out } = await runMain(argv, own.path)
    expect(err).toContain(message)
    expect(status).toBe(2)
    expect(out).toBe('')
    expect(readdirSync(own.path)).toEqual(['broken.jsonl'])
  } finally {
    own.remove()
  }
})

test('a journal that cannot be read is named and passed over, unless it is the only one', async () => {
  const head = { type: 'campaign', format: 'seatrial/journal', version: 1, release: '0.0.1', properties: [] }
  const own = temporaryFolder({
    'a.jsonl': `${JSON.stringify(head)}\n`,
    'cut.jsonl': '{"type":"campai',
    'newer.jsonl': `${JSON.stringify({ ...head, version: 9 })}\n`,
  })
  try {
    const { status, err, out } = await runMain(['coverage', 'a.jsonl', 'cut.jsonl', 'newer.jsonl'], own.path)
    expect(err).toMatch(
      /^passed over: cut\.jsonl:1: this is not the journal.*\npassed over: newer\.jsonl:1: this is not/,
    )
    expect(out).toMatch(/^1 campaign, 0 trials\n/)
    expect(status).toBe(0)
    const none = await runMain(['coverage', 'cut.jsonl', 'newer.jsonl'], own.path)
    expect(none.err).toMatch(/none of the 2 campaigns there can be read/)
    expect(none.status).toBe(2)
  } finally {
    own.remove()
  }
})

test('campaigns of two releases are not put together', async () => {
  const head = (release: string) =>
    `${JSON.stringify({ type: 'campaign', format: 'seatrial/journal', version: 1, release, properties: [] })}\n`
  writeFileSync(join(folder.path, 'old.jsonl'), head('0.0.1'))
  writeFileSync(join(folder.path, 'new.jsonl'), head('0.0.2'))
  const { status, err } = await runMain(['coverage', 'old.jsonl', 'new.jsonl'], folder.path)
  expect(status).toBe(2)
  expect(err).toMatch(/new.jsonl: this campaign is of seatrial 0.0.2, old.jsonl of 0.0.1/)
})
