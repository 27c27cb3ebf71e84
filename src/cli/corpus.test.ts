/** The corpus from the command line: listed, merged, pruned, explained; and the failures in it, grouped. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, expect, test, vi } from 'vitest'
import { completeTopology } from '../cluster/index.ts'
import { SECOND } from '../kernel/index.ts'
import { LINES_SCHEMA } from '../report/lines.ts'
import { type About, parseKept, printScenario, type Scenario } from '../trial/index.ts'
import { fakeScenario } from '../trial/testing.ts'
import { runMain, temporaryFolder } from './testing.ts'

// Pruning runs whole trials, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const folder = temporaryFolder()
afterAll(() => folder.remove())

const one = { etcdMembers: 1, apiServers: 1, controllerManagers: 1, schedulers: 1, nodes: 1, zones: 1 } as const
const small = (parts: Partial<Scenario> = {}) =>
  fakeScenario({
    topology: completeTopology(one),
    durationMicros: 5 * SECOND,
    settleMicros: 5 * SECOND,
    properties: ['raft-one-leader-per-term'],
    ...parts,
  })
const failure = (signature: string, parts: Partial<About> = {}): About => ({
  verdict: 'failed',
  signature,
  message: `seen: ${signature}`,
  shrunk: true,
  failed: 3,
  of: 1_000,
  trial: 'small:1:17',
  ...parts,
})
const partition = { id: 'f1', kind: 'partition', atMicros: 1, durationMicros: 1, parameters: {} }
const put = (path: string, scenario: Scenario, about?: About) => {
  mkdirSync(join(folder.path, path, '..'), { recursive: true })
  writeFileSync(join(folder.path, path), printScenario(scenario, about))
}
const ids = (path: string) =>
  readdirSync(join(folder.path, path))
    .map((name) => name.replace('.scenario.json', ''))
    .sort()
const seatrial = (command: string) => runMain(command.split(' '), folder.path)

test('merge takes over what is new, the smallest of each group, from folders and hidden folders of CI', async () => {
  put('a/.seatrial/corpus/x-1.scenario.json', small({ seed: '1', durationMicros: 9 * SECOND }), failure('x/y/pod'))
  put('b/.seatrial/corpus/x-2.scenario.json', small({ seed: '2' }), failure('x/y/pod'))
  put('b/.seatrial/corpus/x-3.scenario.json', small({ seed: '3', faults: [partition] }), failure('x/y/pod'))
  put('b/.seatrial/corpus/taught.scenario.json', small({ seed: '4' }), { verdict: 'passed', tells: 'it taught us' })
  put('b/.seatrial/corpus/plain.scenario.json', small({ seed: '5' }))
  writeFileSync(join(folder.path, 'b/.seatrial/corpus/cut.scenario.json'), printScenario(small()).slice(0, 99))
  const first = await seatrial('corpus merge a b --into all')
  expect(first).toMatchObject({
    status: 0,
    err: expect.stringMatching(/cut\.scenario\.json:\d+:\d+: the file is cut off/),
  })
  expect(first.out).toMatch(
    /5 scenarios read, 4 new, 0 known, 1 larger than what is kept of the same failure, 1 damaged/,
  )
  // One more partition is another shape: that may be another cause.
  expect(ids('all')).toEqual(['plain', 'taught', 'x-2', 'x-3'])
  const again = await seatrial('corpus merge a b --into all --json')
  expect(again.out).toBe('{"type":"merge","into":"all","read":5,"new":0,"known":4,"larger":1,"damaged":1}\n')
  put('c/x-2.scenario.json', small({ seed: '6' }), failure('another/way/pod'))
  await seatrial('corpus merge c/x-2.scenario.json --into all')
  expect(ids('all')).toHaveLength(5)
  expect(parseKept(readFileSync(join(folder.path, 'all/x-2.scenario.json'), 'utf8'), '').scenario.seed).toBe('2')
})

test('list shows names, signatures, sizes and what an entry tells, from the file or from a README beside it', async () => {
  put('listed/one.scenario.json', small({ seed: '1' }), failure('x/y/pod'))
  put('listed/two.scenario.json', small({ seed: '2' }))
  writeFileSync(join(folder.path, 'listed/README.md'), '| scenario | tells |\n|---|---|\n| two | a tale of two |\n')
  const { out } = await seatrial('corpus list listed')
  expect(out).toMatch(/one +x\/y\/pod +0 faults, 0 steps.* +seen: x\/y\/pod\ntwo +- .*a tale of two\n\n2 entries/)
  const told = await seatrial('corpus tell one The leader was too slow. --name slow-leader --into listed')
  expect(told).toMatchObject({ status: 0, out: 'listed/slow-leader.scenario.json: The leader was too slow.\n' })
  const lines = (await seatrial('corpus list listed --json')).out.trim().split('\n')
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ id: 'slow-leader', signature: 'x/y/pod', tells: 'The leader was too slow.' }),
    expect.objectContaining({ id: 'two', tells: 'a tale of two' }),
  ])
})

test('the fixtures of this project are a corpus whose entries are all explained', async () => {
  cpSync(resolve('fixtures/corpus'), join(folder.path, 'fixtures/corpus'), { recursive: true })
  const lines = (await seatrial('corpus list fixtures/corpus --json')).out.trim().split('\n')
  expect(lines.length).toBeGreaterThan(20)
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ type: 'entry', tells: expect.stringMatching(/.{80}/) })
})

test('prune runs all, takes out what does not fail as recorded and twins; what is explained or passes stays', async () => {
  put('pruned/gone.scenario.json', small({ seed: '1' }), failure('x/y/pod'))
  put('pruned/told.scenario.json', small({ seed: '2' }), failure('x/y/pod', { tells: 'a lesson' }))
  put('pruned/plain.scenario.json', small({ seed: '3' }))
  put('pruned/twin.scenario.json', small({ seed: '3' }))
  put('pruned/other.scenario.json', small({ seed: '4', faults: [{ ...partition, kind: 'flood' }] }))
  const dry = await seatrial('corpus prune pruned --dry-run --workers 1')
  expect(dry.out).toMatch(/would go: gone: it failed as x\/y\/pod and ends as passed now/)
  expect(ids('pruned')).toHaveLength(5)
  const { status, out, err } = await seatrial('corpus prune pruned --workers 1')
  expect(out).toMatch(/gone: twin: it is the scenario of plain/)
  expect(out).toMatch(/5 entries, 2 gone, 1 not judged/)
  expect(err).toMatch(/stays: pruned\/other\.scenario\.json \/faults\/0\/kind: there is no fault "flood"/)
  expect(ids('pruned')).toEqual(['other', 'plain', 'told'])
  expect(status).toBe(0)
})

test('triage: one best example a group, counts from the journals, and when it counts as fixed', async () => {
  put('found/corpus/a.scenario.json', small({ seed: '1' }), failure('x/y/pod'))
  put('found/corpus/b.scenario.json', small({ seed: '2', durationMicros: 7 * SECOND }), failure('x/y/pod'))
  put('found/corpus/c.scenario.json', small({ seed: '3', faults: [partition] }), failure('z/y/node', { shrunk: false }))
  const head = { type: 'campaign', format: 'seatrial/journal', version: 1, properties: [], suites: ['small'] }
  const trial = (number: number, signature?: string) => ({
    ...{ type: 'trial', trial: `small:1:${number}`, verdict: signature === undefined ? 'passed' : 'failed' },
    ...{ virtualMicros: 1, steps: 1, faults: [], reached: [], seen: [] },
    ...(signature === undefined ? {} : { failure: { signature } }),
  })
  const lines = [head, ...Array.from({ length: 98 }, (_, number) => trial(number)), trial(98, 'z/y/node'), trial(99)]
  mkdirSync(join(folder.path, 'found/campaigns'))
  writeFileSync(join(folder.path, 'found/campaigns/1.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'))
  const { status, out } = await seatrial('triage found')
  expect(out).toMatch(
    /^x\/y\/pod \| undisturbed\n {4}6 of 1000 trials; fixed at 95 % after 498 quiet trials; first in small:1:17\n/,
  )
  expect(out).toMatch(
    /example: 0 faults, 0 steps.* \(best of 2\): npx seatrial replay found\/corpus\/a\.scenario\.json/,
  )
  expect(out).toMatch(/z\/y\/node\n {4}1 of 100 trials; fixed at 95 % after 299 quiet trials; first in small:1:98\n/)
  expect(out).toMatch(/2 groups of 3 entries\n$/)
  expect(status).toBe(0)
  const groups = (await seatrial('triage found/corpus --json')).out.trim().split('\n')
  for (const line of [...groups, ...(await seatrial('corpus list found/corpus --json')).out.trim().split('\n')])
    expect(new Ajv({ strict: false }).compile(LINES_SCHEMA)(JSON.parse(line))).toBe(true)
  expect(groups.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ type: 'group', signature: 'x/y/pod', examples: 2, best: 'found/corpus/a.scenario.json' }),
    expect.objectContaining({ type: 'group', signature: 'z/y/node', shrunk: false, failed: 3, of: 1000 }),
  ])
})

test.each<[command: string, says: RegExp]>([
  ['corpus', /Usage: seatrial corpus/],
  ['corpus list nowhere', /nowhere: there is no such folder/],
  ['corpus merge nowhere', /nowhere: there is no such file or folder/],
  ['corpus merge', /missing required argument 'sources'\n.*seatrial corpus merge --help/],
  ['corpus merge empty', /empty: there is no scenario here\n.*gh run download/],
  ['corpus merge run.zip', /run\.zip: this is an archive\n.*unpack it first/],
  ['corpus prune nowhere', /nowhere: there is no such folder\n.*\.seatrial\/corpus/],
  ['corpus tell absent x --into listed', /listed: there is no entry "absent"\n.*seatrial corpus list/],
  ['corpus tell two x --into listed --name Bad/Name', /--name: "Bad\/Name" cannot be a name/],
  ['corpus tell two x --into listed --name slow-leader', /there is an entry "slow-leader" already/],
  ['triage nowhere', /nowhere: there is no such folder\n.*\.seatrial/],
])('%s', async (command, says) => {
  mkdirSync(join(folder.path, 'empty'), { recursive: true })
  writeFileSync(join(folder.path, 'run.zip'), '')
  const { status, err } = await seatrial(command)
  expect(err).toMatch(says)
  expect(status).toBe(2)
})
