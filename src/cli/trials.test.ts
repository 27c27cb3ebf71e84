/** Commands that run trials, on the real cluster: statuses, names of culprits, equal results, nothing lost. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { completeTopology } from '../cluster/index.ts'
import { SECOND } from '../kernel/index.ts'
import { printScenario } from '../trial/index.ts'
import { fakeScenario } from '../trial/testing.ts'
import { builtBefore, startProcess, temporaryFolder } from './testing.ts'

// Whole processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })

const property = (id: string, body: string) => `export default (registry) => registry.property({
  id: '${id}', mode: 'always', claim: 'c', source: 's', trigger: 't', catches: [],
  monitor(cluster, report) { ${body} },
})
`
const onLeader = (body: string) =>
  `cluster.kernel.subscribe('raft-role', () => { report.reached(); ${body} }); return {}`
const tiny = fakeScenario({
  topology: completeTopology({
    etcdMembers: 1,
    apiServers: 1,
    controllerManagers: 1,
    schedulers: 1,
    nodes: 1,
    zones: 1,
  }),
  durationMicros: 5 * SECOND,
  properties: ['raft-one-leader-per-term'],
})
const folder = temporaryFolder({
  'fails.mjs': property(
    'mine',
    onLeader("report.fail({ subject: 'etcd-0', message: 'there is a leader', shape: 'led' })"),
  ),
  'throws.mjs': property('mine', onLeader("throw new Error('oh no')")),
  'hangs.mjs': property('mine', onLeader('for (;;) {}')),
  'clock.mjs': property('mine', onLeader('setTimeout(() => {}, 1)')),
  'passes.scenario.json': printScenario(tiny),
  'mine.scenario.json': printScenario({ ...tiny, properties: ['mine'] }),
})
afterAll(() => folder.remove())

const built = builtBefore(beforeAll)

const seatrial = (command: string) => startProcess(built.file, [...command.split(' '), '--workers', '1'], folder.path)

test('a scenario that passes: status 0; twice the same hash', async () => {
  const [first, second] = [
    await seatrial('replay passes.scenario.json --json'),
    await seatrial('replay passes.scenario.json --json'),
  ]
  expect(first.status).toBe(0)
  const line = JSON.parse(first.out) as Record<string, unknown>
  expect(line).toMatchObject({
    type: 'trial',
    verdict: 'passed',
    virtualMicros: expect.any(Number),
    wallMicros: expect.any(Number),
  })
  expect(JSON.parse(second.out)).toMatchObject({ traceHash: line.traceHash, scenario: line.scenario })
})

test('--at prints the objects, --trace the events', async () => {
  const { out } = await seatrial('replay passes.scenario.json --at 4.5s --trace')
  expect(out).toMatch(/NAME +STATUS +AGE\nnode\/node-0/)
  expect(out).toMatch(/\n\d+ \d+ us apiserver-0 /)
  expect(out).toMatch(/ up to 4\.5s; scenario [0-9a-f]{16}, trace hash [0-9a-f]{16}/)
})

test('a property that fails: status 1, a story, a scenario and a test file', async () => {
  const { status, out } = await seatrial('run elections --trials 2 --properties fails.mjs --dir found')
  expect(status).toBe(1)
  expect(out).toMatch(
    /BROKEN mine: there is a leader\n +replay: npx seatrial replay found\/corpus\/mine-led-etcd-[0-9a-f]{8}\.scenario\.json --properties fails\.mjs/,
  )
  const [found] = readdirSync(join(folder.path, 'found/corpus'))
  const again = await seatrial(`replay found/corpus/${found} --properties fails.mjs --json`)
  expect(again.status).toBe(1)
  const hash = /trace hash: ([0-9a-f]{16})/.exec(out)?.[1]
  expect(JSON.parse(again.out)).toMatchObject({ traceHash: hash, signature: 'mine/led/etcd' })
  expect(readFileSync(join(folder.path, 'found', found!.replace('.scenario.json', '.test.ts')), 'utf8')).toMatch(
    /from 'seatrial\/vitest'/,
  )
})

test.each([
  ['throws.mjs', /property mine threw: oh no/],
  ['clock.mjs', /property mine threw: setTimeout was used inside a trial/],
  ['hangs.mjs', /property mine does not come to an end/],
])('a property that %s: status 3, named, and the campaign goes on', async (module, says) => {
  const { status, out, err } = await seatrial(`run elections --trials 2 --watchdog 0.6s --properties ${module}`)
  expect(out).toMatch(says)
  expect(out).toMatch(/2 trials/)
  expect(`${out}${err}`).not.toMatch(/\n\s+at /)
  expect(status).toBe(3)
})

test('a replay of a property that hangs ends too', async () => {
  const { status, out } = await seatrial('replay mine.scenario.json --watchdog 0.6s --properties hangs.mjs')
  expect(out).toMatch(/property mine does not come to an end/)
  expect(status).toBe(3)
})

test('a run is the same whatever the number of workers', async () => {
  const lines = async (workers: string) => {
    const { out } = await startProcess(
      built.file,
      `run elections calm-rollout --trials 8 --seed 5 --json --no-shrink --workers ${workers} --dir same`.split(' '),
      folder.path,
    )
    return out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ type }) => type === 'trial')
      .map(({ wallMicros: _, ...rest }) => rest)
  }
  const one = await lines('1')
  expect(one).toHaveLength(16)
  expect(await lines('2')).toEqual(one)
  const third = one[2] as { readonly trial: string; readonly traceHash: string }
  const { out } = await seatrial(`replay ${third.trial} --json`)
  expect(JSON.parse(out)).toMatchObject({ traceHash: third.traceHash })
})

test('fuzz replays the corpus first, names a file that is cut off and keeps it', async () => {
  await seatrial('run elections --trials 1 --properties fails.mjs --dir fuzzed')
  const cut = join(folder.path, 'fuzzed/corpus/cut.scenario.json')
  writeFileSync(cut, printScenario(tiny).slice(0, 99))
  const { status, out, err } = await seatrial(
    'fuzz --budget 1s --suites elections --properties fails.mjs --dir fuzzed --no-shrink --seed 3',
  )
  expect(err).toMatch(/corpus: fuzzed\/corpus\/cut\.scenario\.json:\d+:\d+: the file is cut off/)
  expect(out).toMatch(/corpus: mine-led-etcd-[0-9a-f]{8} still fails: there is a leader/)
  expect(readFileSync(cut, 'utf8')).toHaveLength(99)
  expect(status).toBe(1)
})

test('Ctrl-C, which reaches the second process too: the run says how far it came, and has not passed', async () => {
  let sent = false
  const { status, out, err } = await startProcess(
    built.file,
    'run elections --trials 20000 --workers 1'.split(' '),
    folder.path,
    (text, child) => {
      if (sent) return
      // A minus sends it to the whole group, as a terminal does.
      sent = text.includes('of 20000 trials') && child.pid !== undefined && process.kill(-child.pid, 'SIGINT')
    },
    // With lines of progress as often as for somebody who looks on.
    { detached: true, isWatched: true },
  )
  expect(err).toMatch(/interrupted after \d+ of 20000 trials/)
  expect(out).toMatch(/verdicts: \d+ passed/)
  expect(out).not.toMatch(/diverged/)
  expect(status).toBe(130)
})

test('Ctrl-C ends a campaign with a summary, and findings are on disk', async () => {
  const { status, out, err } = await startProcess(
    built.file,
    'fuzz --budget 5m --suites elections --properties fails.mjs --dir stopped --workers 1'.split(' '),
    folder.path,
    (text, child) => {
      if (text.includes('found mine')) child.kill('SIGINT')
    },
  )
  expect(err).toMatch(/everything found so far is kept/)
  expect(out).toMatch(/verdicts: .* failed/)
  expect(readdirSync(join(folder.path, 'stopped/corpus'))).toHaveLength(1)
  expect(status).toBe(1)
})
