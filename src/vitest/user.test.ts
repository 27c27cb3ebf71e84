/** `seatrial/vitest` as a user meets it: a project of its own in which Vitest runs, and what its reporters are given. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { buildCommandLine, startProcess, temporaryFolder } from '../cli/testing.ts'

// Whole processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const TESTS = `
import { expect, test } from 'vitest'
import { always, forEach, property, scenarioArbitrary, standardRegistry } from 'seatrial'
import { trial } from 'seatrial/vitest'

const claim = (id, test) => property({ id, claim: 'c', source: 'ours', formula: forEach('pods', (pod) => always(pod.is('so', test))) })
const most = Number(process.env.MOST)
const short = claim('short', ({ metadata }) => metadata.name.length < most)
const one = { suite: 'small', trials: 1, maximumShrinkExecutions: 30 }

trial('a (good) web survives', { manifests: 'good.yaml', when: 'rollout', trials: 1 })
trial('a web loses requests', { manifests: ['web.yaml'], when: 'rollout', trials: 2 })
trial('names are short', { ...one, properties: [short] })
trial('throws', { ...one, properties: [claim('throwing', () => { throw new Error('oh no') })] })
trial('hangs', { ...one, watchdogMillis: 1_000, properties: [claim('hanging', () => { for (;;) {} })] })
trial('asks the time', { ...one, properties: [claim('timely', () => Date.now() > 0)] })
trial('writes', { ...one, properties: [claim('writing', (pod) => { pod.metadata.name = 'x'; return true })] })
let runs = 0
trial('remembers', { ...one, properties: [{
  id: 'remembers', mode: 'always', claim: 'c', source: 's', trigger: 't', catches: [],
  monitor(cluster, report) {
    if (++runs > 1) cluster.kernel.deed('mine', () => cluster.kernel.network.cut?.('etcd-0', 'etcd-1'))
    cluster.kernel.subscribe('raft-role', () => {
      report.reached()
      if (runs > 1) report.fail({ subject: 'etcd-0', message: 'again', shape: 'again' })
    })
    return {}
  },
}] })
trial('no such suite', { suite: 'smal' })
trial('no such option', { ...one, trails: 3 })
trial('nothing', {})
trial('two things', { suite: 'small', manifests: 'web.yaml' })
trial('no such file', { manifests: 'nowhere' })
trial('sees nothing', { suite: 'elections', trials: 1, properties: ['finalizers-are-kept'] })
test('matchers', () => {
  expect('elections').toSurvive({ trials: 3 })
  expect('elections').toHold('raft-one-leader-per-term', { trials: 2 })
  expect('small').not.toHold(short, { trials: 1, maximumShrinkExecutions: 0 })
})
test('a matcher fails', () => { expect('small').toHold(short, { trials: 1, maximumShrinkExecutions: 0 }) })
test('not proves nothing', () => { expect('elections').not.toHold('finalizers-are-kept', { trials: 1 }) })
`

const REPORTER = `
import { writeFileSync } from 'node:fs'
export default class {
  onTestRunEnd(modules) {
    const tests = modules.flatMap((module) => [...module.children.allTests()].map((one) => ({
      name: one.name,
      state: one.result().state,
      errors: one.result().errors?.map(({ name, message, stacks }) => ({ name, message, at: stacks?.[0] })) ?? [],
      annotations: one.annotations(),
    })))
    writeFileSync('told.json', JSON.stringify(tests))
  }
}
`

interface Told {
  readonly name: string
  readonly state: string
  readonly errors: readonly {
    readonly name: string
    readonly message: string
    readonly at?: { readonly file: string; readonly line: number }
  }[]
  readonly annotations: readonly {
    readonly message: string
    readonly type: string
    readonly location?: { readonly file: string; readonly line: number }
    readonly attachment?: { readonly contentType?: string; readonly path?: string; readonly body?: string }
  }[]
}

const project = temporaryFolder({
  'package.json': '{"type": "module"}',
  'user.test.js': TESTS,
  'told.mjs': REPORTER,
  'vitest.config.js': "export default { test: { reporters: ['./told.mjs', 'github-actions'] } }",
  'web.yaml': readFileSync('fixtures/manifests/web-without-prestop.yaml', 'utf8'),
  'good.yaml': readFileSync('fixtures/manifests/web.yaml', 'utf8'),
})
afterAll(() => project.remove())

let told: ReadonlyMap<string, Told> = new Map()
let github = ''

/** Runs Vitest in the project, on all tests or on those of a name. */
async function vitest(most: number, name = ''): Promise<ReadonlyMap<string, Told>> {
  process.env.MOST = String(most)
  const file = join(project.path, 'node_modules/vitest/vitest.mjs')
  const { out } = await startProcess(file, ['run', ...(name === '' ? [] : ['-t', name])], project.path)
  github = out
  const tests = JSON.parse(readFileSync(join(project.path, 'told.json'), 'utf8')) as readonly Told[]
  return new Map(tests.map((one) => [one.name, one]))
}

beforeAll(async () => {
  const built = buildCommandLine()
  const modules = join(project.path, 'node_modules')
  mkdirSync(join(modules, 'seatrial'), { recursive: true })
  for (const name of readdirSync('node_modules').filter((name) => !name.startsWith('.')))
    symlinkSync(resolve('node_modules', name), join(modules, name))
  copyFileSync('package.json', join(modules, 'seatrial/package.json'))
  symlinkSync(dirname(dirname(dirname(built.file))), join(modules, 'seatrial/dist'))
  await startProcess(built.file, ['new', 'invariant', 'pods-go'], project.path)
  told = await vitest(10)
  return built.remove
})

const of = (name: string): Told => told.get(name) ?? { name, state: 'missing', errors: [], annotations: [] }
const lineOf = (text: string) => TESTS.split('\n').findIndex((line) => line.includes(text)) + 1

test('what holds passes, without a word; so does what "seatrial new invariant" writes', () => {
  const scaffold = 'A pod that is being deleted is gone within two minutes, unless a fault is at work.'
  for (const name of ['a (good) web survives', 'matchers', scaffold])
    expect(of(name)).toMatchObject({ state: 'passed', errors: [], annotations: [] })
})

test('a failure carries the story, the command and the scenario, and points at the line of the test', () => {
  const { state, errors, annotations } = of('a web loses requests')
  expect(state).toBe('failed')
  const [error] = errors
  expect(error?.message).toMatch(
    /^failed: a request to default\/web was \w+ .*\n\ntrial \d of 2 \(a rolling restart, seed 1\), shrunk in \d+ executions from 0 faults, 1 step/,
  )
  expect(error?.message).toMatch(
    /\n 1\. 0:00\.000 {2}A cluster of .*\n(.*\n)* ?\d+\. \S+ {2}BROKEN check-requests-survive: /,
  )
  const file = /\n {4}scenario: (\.seatrial\/corpus\/check-requests-survive-\S+\.scenario\.json)\n/.exec(
    error?.message ?? '',
  )?.[1]
  expect(error?.message).toContain(`\n    replay: npx seatrial replay ${file}\n`)
  expect(existsSync(join(project.path, file ?? 'nothing'))).toBe(true)
  expect(error?.at).toMatchObject({ file: join(project.path, 'user.test.js'), line: lineOf("trial('a web loses") })
  const [story, scenario] = annotations
  expect(story).toMatchObject({ type: 'seatrial', attachment: { contentType: 'text/plain' } })
  expect(story?.message).toContain('replay: npx seatrial replay .seatrial/corpus/')
  expect(story?.location).toMatchObject({ line: lineOf("trial('a web loses") })
  expect(Buffer.from(story?.attachment?.body ?? '', 'base64').toString()).toMatch(/^ 1\. 0:00\.000 [\s\S]*BROKEN/)
  expect(scenario?.attachment).toMatchObject({ contentType: 'application/json' })
  expect(readFileSync(scenario?.attachment?.path ?? '', 'utf8')).toBe(
    readFileSync(join(project.path, file ?? ''), 'utf8'),
  )
})

test('GitHub is told the line', () => {
  expect(github).toMatch(
    new RegExp(
      `::notice file=\\S+user\\.test\\.js,line=${lineOf("trial('a web loses")},column=\\d+,title=seatrial::failed: `,
    ),
  )
})

test.each([
  ['throws', /^error: property throwing threw: "so".* threw: oh no\n/],
  ['hangs', /^error: property hanging does not come to an end \(no trial ended within 1 s\)\n/],
  ['asks the time', /^error: property timely threw: .*Date\.now\(\) was used inside a trial/],
  [
    'writes',
    /^error: property writing threw: .* tried to change what it may only read: Cannot assign to read only property 'name'/,
  ],
])('a property that %s is named', (name, says) => {
  const { state, errors } = of(name)
  expect(state).toBe('failed')
  expect(errors[0]?.message).toMatch(says)
  expect(errors[0]?.message).toContain(`\n    replay: npx vitest run user.test.js -t "${name}"\n`)
})

test('a property that remembers makes two runs of one scenario differ', () => {
  expect(of('remembers').errors[0]?.message).toMatch(
    /^diverged: two runs of one scenario differ: event \d+: .* differs?: ".*" here, ".*" when it ran again; the verdict was passed here and failed \(remembers\) when it ran again\n/,
  )
})

test.each([
  ['no such suite', 'there is no suite "smal" (did you mean "etcd-small" or "small"?)'],
  ['no such option', 'there is no option "trails" (did you mean "trials"?)'],
  ['nothing', 'nothing says what is to be run (give one of manifests, suite, scenario and scenarios)'],
  [
    'two things',
    'manifests and suite both say what is to be run (give one of manifests, suite, scenario and scenarios)',
  ],
  ['no such file', 'nowhere: there is no such file or folder (check the spelling and the folder that you are in)'],
  [
    'sees nothing',
    'nothing was tested: finalizers-are-kept never looked at anything in 1 trial (check what it waits for, or draw other scenarios)',
  ],
])('a mistake: %s', (name, says) => {
  const [error] = of(name).errors
  expect(error).toMatchObject({ name: 'UserError', message: says })
  expect(error?.at).toMatchObject({ line: lineOf(`trial('${name}'`) })
})

test('a matcher says as much, and a run that saw nothing proves neither', () => {
  const [error] = of('a matcher fails').errors
  expect(error?.message).toMatch(
    /^failed: Pod \S+: not "so" .*\n\ntrial 1 of 1 \(suite small, seed 1\), of \d+ faults?/,
  )
  expect(of('a matcher fails').annotations).toMatchObject([
    { location: { line: lineOf("test('a matcher fails'") } },
    { attachment: { contentType: 'application/json' } },
  ])
  expect(of('not proves nothing').errors[0]?.message).toMatch(/^nothing was tested: finalizers-are-kept/)
})

test('what was kept comes first, and passes once its cause is mended', async () => {
  const again = (await vitest(10, 'names are short')).get('names are short')
  expect(again?.errors[0]?.message).toMatch(
    /\n\na kept scenario fails, \.seatrial\/corpus\/short-\S+\.scenario\.json:\n/,
  )
  const mended = (await vitest(100, 'names are short')).get('names are short')
  expect(mended).toMatchObject({ state: 'passed', errors: [] })
})
