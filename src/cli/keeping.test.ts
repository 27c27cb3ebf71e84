/** Nothing that was found is lost: campaigns that are killed at any moment, that go on, and that are cut into shards. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { LINES_SCHEMA } from '../report/lines.ts'
import { parseKept } from '../trial/parse.ts'
import { builtBefore, startProcess, temporaryFolder } from './testing.ts'
import { killOften, TRIALS_TO_KILL } from './testing-kills.ts'

// Whole processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })

const KILLS = 3

const folder = temporaryFolder({
  'fails.mjs': `export default (registry) => registry.property({
    id: 'mine', mode: 'always', claim: 'c', source: 's', trigger: 't', catches: [],
    monitor(cluster, report) {
      cluster.kernel.subscribe('raft-role', () => {
        report.reached()
        report.fail({ subject: 'etcd-0', message: 'there is a leader', shape: 'led' })
      })
      return {}
    },
  })
`,
})
afterAll(() => folder.remove())

const built = builtBefore(beforeAll)

const seatrial = (command: string) => startProcess(built.file, command.split(' '), folder.path)
const trialsOf = (dir: string) => {
  const [name] = readdirSync(join(folder.path, dir, 'campaigns'))
  return readFileSync(join(folder.path, dir, 'campaigns', name!), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly type: string; readonly trial?: string; readonly verdict?: string })
    .filter(({ type }) => type === 'trial')
}

test(`kill -9 at ${KILLS} moments: what was reported is there, no file is half, and the campaign goes on`, async () => {
  for (let index = 0; index < KILLS; index++) {
    const outcome = await killOften(built.file, folder.path, `killed-${index}`, [200 + index * 500, 700])
    expect(outcome.lost).toEqual([])
    expect(outcome.halves).toEqual([])
    expect(outcome.twice).toEqual([])
    expect(outcome.trials).toBe(TRIALS_TO_KILL)
  }
})

test('a campaign that was broken off goes on: the same trials as in one go, none of them twice', async () => {
  const flags = 'fuzz --suites elections calm-rollout --seed 7 --no-shrink --workers 1'
  await seatrial(`${flags} --trials 20 --dir whole`)
  const before = await seatrial(`${flags} --trials 12 --dir parts`)
  expect(before.status).toBe(0)
  const after = await seatrial('fuzz --resume --trials 8 --no-shrink --workers 2 --dir parts --json')
  expect(after.status).toBe(0)
  expect(after.err).toMatch(/seed 7, strategy portfolio, 2 workers, 20 trials, going on after 12 trials/)
  expect(after.out.match(/"type":"trial"/g)).toHaveLength(8)
  const validate = new Ajv({ strict: false }).compile(LINES_SCHEMA)
  for (const line of after.out.trim().split('\n')) expect(validate(JSON.parse(line))).toBe(true)
  expect(JSON.parse(after.out.trim().split('\n').at(-1) ?? '')).toMatchObject({ type: 'summary', trials: 20 })
  const ids = trialsOf('parts').map(({ trial }) => trial)
  expect(new Set(ids).size).toBe(20)
  expect(ids.toSorted()).toEqual(
    trialsOf('whole')
      .map(({ trial }) => trial)
      .toSorted(),
  )
})

test('what was drawn is kept at once, and the shrunk form takes its place; it is not told a second time', async () => {
  const flags = 'fuzz --suites elections --seed 3 --properties fails.mjs --workers 1 --dir shrunk'
  const drawn = await seatrial(`${flags} --trials 2 --no-shrink`)
  expect(drawn.err).toMatch(/found mine\/led\/etcd in elections~swarm:3:\d; kept in shrunk\/corpus\/mine-led-etcd-/)
  const about = () => {
    const names = readdirSync(join(folder.path, 'shrunk/corpus'))
    expect(names).toHaveLength(1)
    return parseKept(readFileSync(join(folder.path, 'shrunk/corpus', names[0]!), 'utf8'), names[0]!).about
  }
  expect(about()).toMatchObject({ verdict: 'failed', signature: 'mine/led/etcd', shrunk: false, failed: 2, of: 2 })
  const { status, out, err } = await seatrial(
    `${flags} --trials 2 --junit ci/j.xml --sarif ci/s.sarif --summary ci/page.md --github`,
  )
  expect(status).toBe(1)
  expect(err).toMatch(/^::error file=shrunk\/corpus\/mine-led-etcd-\S+\.scenario\.json,line=1,title=mine\/led\/etcd/m)
  const left = (name: string) => readFileSync(join(folder.path, 'ci', name), 'utf8')
  expect(left('j.xml')).toMatch(
    /<testcase classname="seatrial.properties" name="mine" time="0.000"><failure type="mine/,
  )
  expect(JSON.parse(left('s.sarif'))).toMatchObject({ runs: [{ results: [{ ruleId: 'mine' }] }] })
  expect(left('page.md')).toMatch(/BROKEN mine: there is a leader\n```\n\n```sh\nnpx seatrial replay shrunk\/corpus/)
  expect(out).toMatch(/shrunk in \d+ executions/)
  expect(about()).toMatchObject({ shrunk: true, trial: expect.stringMatching(/^elections~swarm:3:/) })
  const again = await seatrial(`${flags.replace('--seed 3', '--resume')} --trials 1`)
  expect(again.out).not.toMatch(/shrunk in/)
  expect(again.out).toMatch(/4 trials ended as mine\/led\/etcd/)
})

test('a journal whose last line is cut off is read up to there', async () => {
  await seatrial('fuzz --suites elections --seed 9 --trials 4 --workers 1 --dir cut')
  const [name] = readdirSync(join(folder.path, 'cut/campaigns'))
  const path = join(folder.path, 'cut/campaigns', name!)
  const text = readFileSync(path, 'utf8')
  const last = text.lastIndexOf('{"type":"trial"')
  writeFileSync(path, text.slice(0, last + 40))
  const { out } = await seatrial('fuzz --resume --seed 9 --workers 1 --dir cut --json')
  expect(out.match(/"type":"trial"/g)).toHaveLength(1)
  expect(new Set(trialsOf('cut').map(({ trial }) => trial)).size).toBe(4)
})

test('a journal that cannot be written any further ends the campaign: what was found is told, what was written goes on', async () => {
  const command =
    'fuzz --trials 200 --workers 1 --seed 1 --suites elections --no-shrink --properties fails.mjs --dir full'
  // No file may become larger than so many blocks: a full disk, for those who are not root.
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', `ulimit -f 24; exec "$0" "$@"`, process.execPath, built.file, ...command.split(' ')],
    { cwd: folder.path, encoding: 'utf8', env: { ...process.env, CI: '1', GITHUB_ACTIONS: 'false' } },
  )
  expect(stderr).toMatch(/the campaign ends here, .*campaigns\/.*\.jsonl: the file may not become any larger/)
  expect(stderr).toMatch(
    /seatrial: full\/campaigns\/\S+: the file may not .*\n.*with: npx seatrial fuzz --resume --seed 1 /,
  )
  expect(stderr).not.toMatch(/\n\s+at /)
  expect(stdout).toMatch(/replay: npx seatrial replay full\/corpus\/mine-led/)
  expect(status).toBe(2)
  const on = await seatrial('fuzz --resume --trials 2 --no-shrink --properties fails.mjs --dir full')
  expect(on.out).toMatch(/going on after \d+ trials/)
  expect(on.status).toBe(1)
})

test('shards of one seed have no trial in common, and --seed from-git gives one seed for one commit', async () => {
  const git = (...words: string[]) => execFileSync('git', words, { cwd: folder.path, stdio: 'ignore' })
  git('init', '-q')
  git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'one')
  const flags = 'fuzz --suites elections --trials 6 --seed from-git --workers 1 --json'
  const ids = async (more: string) => {
    const { out } = await seatrial(`${flags} ${more}`)
    return [...out.matchAll(/"trial":"(elections~[^"]*)","scenario"/g)].map(([, id]) => id)
  }
  const first = await ids('--shard 1/2 --dir one')
  const second = await ids('--shard 2/2 --dir two')
  expect(first).toHaveLength(6)
  expect(new Set([...first, ...second]).size).toBe(12)
  expect(await ids('--shard 1/2 --dir three')).toEqual(first)
})
