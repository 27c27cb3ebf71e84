/** The first commit at which a scenario fails: the search by halves, and the command in a small repository of its own. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { printScenario } from '../trial/index.ts'
import { fakeScenario } from '../trial/testing.ts'
import { bisect, type Judgement } from './bisection.ts'
import { runMain, temporaryFolder } from './testing.ts'

// Git many times over, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 })

test('the first that fails is found, in about as many tries as halves, whatever cannot be judged', () => {
  const lines = fc
    .integer({ min: 1, max: 60 })
    .chain((length) =>
      fc.tuple(
        fc.constant(Array.from({ length }, (_, index) => String(index))),
        fc.nat(length - 1),
        fc.array(fc.boolean(), { minLength: length, maxLength: length }),
      ),
    )
  fc.assert(
    fc.property(lines, ([line, first, isSkipped]) => {
      const judge = (commit: string): Judgement => {
        const place = Number(commit)
        if (isSkipped[place] && place !== line.length - 1) return { judgement: 'skipped', because: 'x' }
        return { judgement: place >= first ? 'fails' : 'passes' }
      }
      const { commits, tried } = bisect(line, judge)
      expect(commits).toContain(String(first))
      // Whatever else is named could not be judged, but for the last, which fails.
      for (const commit of commits.slice(0, -1)) expect(judge(commit).judgement).toBe('skipped')
      expect(judge(commits.at(-1)!).judgement).toBe('fails')
      if (!isSkipped.some(Boolean)) {
        expect(commits).toEqual([String(first)])
        expect(tried).toBeLessThanOrEqual(Math.ceil(Math.log2(line.length)) + 1)
      }
    }),
    { seed: 6, numRuns: 500 },
  )
})

/** A program that stands for seatrial: how it ends stands in a file of the commit. */
const PROGRAM = `import { readFileSync } from 'node:fs'
const [status, signature] = readFileSync('state', 'utf8').trim().split(' ')
if (status === '1') console.log(JSON.stringify({ type: 'trial', signature }))
process.exit(Number(status))
`
const folder = temporaryFolder({
  'repo/program.mjs': PROGRAM,
  'repo/x.scenario.json': printScenario(fakeScenario()),
  'outside/x.scenario.json': printScenario(fakeScenario()),
})
afterAll(() => folder.remove())
const repo = join(folder.path, 'repo')
const git = (...words: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd: repo, encoding: 'utf8' }).trim()
const commit = (state: string, message: string, builds = true) => {
  writeFileSync(join(repo, 'state'), `${state}\n`)
  writeFileSync(join(repo, 'build.mjs'), builds ? '' : 'console.error("no such module"); process.exit(7)\n')
  writeFileSync(join(repo, 'note'), message)
  git('add', '-A')
  git('commit', '-q', '-m', message)
}
const FLAGS = ['--build', 'node build.mjs', '--run', 'node program.mjs {scenario}']
const seatrial = (...words: string[]) => runMain(['bisect', 'x.scenario.json', ...FLAGS, ...words], repo)

beforeAll(() => {
  git('init', '-q', '-b', 'main')
  commit('0', 'one')
  commit('0', 'two')
  commit('1 another/way/pod', 'three fails in another way')
  commit('0', 'four')
  commit('1 a/late/pod', 'five is the culprit')
  commit('0', 'six cannot be built', false)
  for (const name of ['seven', 'eight', 'nine']) commit('1 a/late/pod', name)
})

test('the culprit is named, commits that cannot be built are skipped, nothing is left behind', async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('seatrial-bisect-')).length
  const { status, out } = await seatrial()
  expect(out).toMatch(/^fails {4}[0-9a-f]+ nine\n/)
  expect(out).toMatch(/skipped {2}[0-9a-f]+ three .*: it fails in another way, as another\/way\/pod\n/)
  expect(out).toMatch(
    /the first commit at which it fails, after \d tries:\n {4}[0-9a-f]+ five is the culprit\n {4}a, \d{4}-/,
  )
  expect(status).toBe(0)
  expect(git('status', '--porcelain')).toBe('')
  expect(git('worktree', 'list').split('\n')).toHaveLength(1)
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('seatrial-bisect-'))).toHaveLength(before)
})

test('between given commits; another failure is not this one; JSON lines', async () => {
  const { status, out } = await seatrial('--good', 'HEAD~5', '--bad', 'HEAD~1', '--json')
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly type: string; readonly [member: string]: unknown })
  expect(lines.at(-1)).toMatchObject({ type: 'bisect', commits: [git('rev-parse', 'HEAD~4')] })
  expect(lines).toContainEqual(
    expect.objectContaining({ judgement: 'skipped', because: 'it cannot be built (status 7: no such module)' }),
  )
  expect(lines.slice(0, -1).every(({ type }) => type === 'judged')).toBe(true)
  expect(status).toBe(0)
  const other = await seatrial('--good', 'HEAD~6', '--bad', 'HEAD~1')
  expect(other).toMatchObject({ status: 2, err: expect.stringMatching(/--good .*the scenario does not pass there/) })
})

test('a scenario that older commits know nothing of: it fails since there is all that it needs', async () => {
  const own = join(repo, '../young')
  const young = (...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd: own, encoding: 'utf8' })
  mkdirSync(own)
  young('init', '-q', '-b', 'main')
  writeFileSync(join(own, 'program.mjs'), PROGRAM)
  writeFileSync(join(own, 'x.scenario.json'), printScenario(fakeScenario()))
  for (let place = 0; place < 12; place++) {
    writeFileSync(join(own, 'state'), place < 5 ? '2 x\n' : '1 a/late/pod\n')
    writeFileSync(join(own, 'note'), `${place}`)
    young('add', '-A')
    young('commit', '-q', '-m', `number ${place}`)
  }
  const run = ['--build', 'true', '--run', 'node program.mjs {scenario}']
  const { status, out } = await runMain(['bisect', 'x.scenario.json', ...run], own)
  expect(out).toMatch(
    /it passes at no commit: it fails since there is all that it needs, after \d tries:\n {4}[0-9a-f]+ number 5\n.*\nthe commit before cannot tell: status 2\n$/,
  )
  expect(status).toBe(1)
  const json = (await runMain(['bisect', 'x.scenario.json', ...run, '--json'], own)).out.trim().split('\n').at(-1) ?? ''
  expect(JSON.parse(json)).toMatchObject({ type: 'bisect', passed: false, because: 'status 2' })
})

test('packages are installed once where commits need the same, and each commit is prepared', async () => {
  const own = join(repo, '../packages')
  const packages = (...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd: own, encoding: 'utf8' })
  mkdirSync(own)
  packages('init', '-q', '-b', 'main')
  const log = join(own, '../prepared')
  const script = (name: string) => `node -e "require('fs').appendFileSync('${log}', '${name} ')"`
  const lock = (version: string) =>
    JSON.stringify({ name: 'own', version, lockfileVersion: 3, packages: { '': { name: 'own', version } } })
  writeFileSync(join(own, 'program.mjs'), PROGRAM)
  writeFileSync(join(own, 'x.scenario.json'), printScenario(fakeScenario()))
  for (let place = 0; place < 6; place++) {
    const version = place < 1 ? '1.0.0' : '2.0.0'
    const scripts = { preinstall: script('installs'), prepare: script('prepares') }
    writeFileSync(join(own, 'package.json'), JSON.stringify({ name: 'own', version, scripts }))
    writeFileSync(join(own, 'package-lock.json'), lock(version))
    writeFileSync(join(own, 'state'), place < 4 ? '0\n' : '1 a/late/pod\n')
    writeFileSync(join(own, 'note'), `${place}`)
    packages('add', '-A')
    packages('commit', '-q', '-m', `number ${place}`)
  }
  const { out } = await runMain(['bisect', 'x.scenario.json', '--run', 'node program.mjs {scenario}'], own)
  expect(out).toMatch(/the first commit at which it fails, after 3 tries:\n {4}[0-9a-f]+ number 4\n/)
  expect(readFileSync(log, 'utf8').trim().split(' ')).toEqual(['installs', 'prepares', 'prepares', 'prepares'])
})

test('it failed always', async () => {
  const { status, out } = await runMain(['bisect', 'x.scenario.json', '--build', 'true', '--run', 'exit 1'], repo)
  expect(out).toMatch(/it fails at every commit that was tried, back to [0-9a-f]+ one\n$/)
  expect(status).toBe(1)
})

test.each<[words: string, says: RegExp]>([
  ['--bad HEAD~8', /--bad [0-9a-f]{12}: the scenario does not fail there\n.*seatrial replay/],
  ['--bad nowhere', /--bad: there is no commit "nowhere"\n.*--unshallow/],
  ['--good --bad', /--good: there is no commit "--bad"/],
  ['--good HEAD --bad HEAD~2', /the good commit does not come before the bad one/],
  ['--good HEAD --bad HEAD', /the good and the bad commit are the same/],
  ['--bad HEAD~3', /whether the scenario fails there cannot be told: it cannot be built.*\n.*--build and --run/],
  ['--timeout soon', /--timeout: "soon" is not a length of time/],
])('bisect x.scenario.json %s', async (words, says) => {
  const { status, err } = await seatrial(...words.split(' '))
  expect(err).toMatch(says)
  expect(status).toBe(2)
})

test('a dirty tree, a folder without git, a scenario that is not there', async () => {
  writeFileSync(join(repo, 'note'), 'changed')
  expect(await seatrial()).toMatchObject({
    status: 2,
    err: expect.stringMatching(
      /the working tree has changes that no commit has \(note\)\n.*commit or stash them; or say --bad HEAD/,
    ),
  })
  git('checkout', '-q', '--', 'note')
  expect(await runMain(['bisect', 'x.scenario.json'], join(folder.path, 'outside'))).toMatchObject({
    status: 2,
    err: expect.stringMatching(/there is no git commit here/),
  })
  expect(await runMain(['bisect', 'absent.json'], repo)).toMatchObject({
    status: 2,
    err: expect.stringMatching(/absent\.json: there is no such file/),
  })
})
