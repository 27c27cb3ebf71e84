/** What people get wrong: a clear sentence with place and mend, status 2, and nothing lost. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { SECOND } from '../kernel/index.ts'
import { printScenario } from '../trial/parse.ts'
import { fakeScenario } from '../trial/testing.ts'
import { runMain, temporaryFolder } from './testing.ts'

const deployment = (replicas: number | string, labels = 'app: web') => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: ${replicas}
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        ${labels}
    spec:
      containers:
        - name: web
          image: web:v1
`
const bomb = [
  'a: &a [x, x, x, x, x, x, x, x, x, x]',
  ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(
    (name, index) => `${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdefghi'[index]}`).join(', ')}]`,
  ),
].join('\n')
const scenario = printScenario(fakeScenario({ durationMicros: 5 * SECOND }))
const withFault = printScenario(
  fakeScenario({ faults: [{ id: 'f1', kind: 'partiton', atMicros: 1, durationMicros: 1, parameters: {} }] }),
)

const folder = temporaryFolder({
  'broken.yaml': 'apiVersion: v1\nkind: [Service\nmetadata:\n',
  'tabs.yaml': 'apiVersion: v1\nkind: Service\nmetadata:\n\tname: web\n',
  'bomb.yaml': bomb,
  'negative.yaml': deployment(-2),
  'wrong-type.yaml': deployment('three'),
  'labels.yaml': deployment(1, 'app: wbe'),
  'kind.yaml': 'apiVersion: apps/v1\nkind: Deploymnet\nmetadata:\n  name: web\n',
  'version.yaml': deployment(1).replace('apps/v1', 'extensions/v1beta1'),
  'nothing.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n',
  'unnamed.yaml': 'apiVersion: v1\nkind: Service\n',
  'list.yaml': '- a\n- b\n',
  'empty.yaml': '',
  'binary.yaml': 'PK\u0003\u0004\0\0\0kind',
  'template.yaml': 'apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n',
  'helm.yaml': '{{- if .Values.web }}\napiVersion: v1\nkind: Service\n{{- end }}\n',
  'key.yaml': 'apiVersion: v1\nkind: Service\nmetadata:\n  {a: b}: c\n',
  'values.yaml': 'image: web\n',
  'other/readme.txt': 'nothing to see',
  'mixed/values.yaml': 'image: web\n',
  'mixed/kustomization.yaml':
    'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [web.yaml]\n',
  'newer.scenario.json': scenario.replace('"version": 1', '"version": 9'),
  'truncated.scenario.json': scenario.slice(0, 400),
  'fault.scenario.json': withFault,
  'property.scenario.json': scenario.replace('"properties": []', '"properties": ["pod-phase-is-finl"]'),
  'misspelt.mjs': 'export default (registry) => {\n  registry.properti({})\n}\n',
  'half.mjs': "export default (registry) => {\n\n  registry.suite({ id: 'mine', title: 'mine' })\n}\n",
  'no-default.mjs': 'export const x = 1\n',
  'broken.mjs': 'export default (\n',
  'loops.mjs': 'for (;;) {}\nexport default () => {}\n',
  'loops-later.mjs': 'export default () => { for (;;) {} }\n',
  'exits.mjs': 'process.exit(0)\nexport default () => {}\n',
  'waits.mjs': 'await new Promise(() => {})\nexport default () => {}\n',
  'async.mjs': 'export default async () => { throw new Error("later") }\n',
})
afterAll(() => folder.remove())

test.each<[command: string, says: RegExp]>([
  ['check broken.yaml', /broken\.yaml:\d+:\d+: error: not valid YAML/],
  ['check tabs.yaml', /tabs\.yaml:4:\d+: error: not valid YAML.*\n.*indent with spaces/],
  ['check bomb.yaml', /bomb\.yaml:1:1: error: the aliases of this document cannot be expanded/],
  [
    'check negative.yaml',
    /negative\.yaml:6:3: error: The Deployment "web" is invalid: spec\.replicas: Invalid value: -2: must be greater than or equal to 0/,
  ],
  ['check wrong-type.yaml', /wrong-type\.yaml:6:3: error: Deployment web: spec\.replicas: must be/],
  ['check labels.yaml', /labels\.yaml:\d+:\d+: error: .*selector.* does not match template/],
  [
    'check kind.yaml',
    /kind\.yaml:2:1: error: no matches for kind "Deploymnet" in version "apps\/v1"\n.*did you mean "Deployment"/,
  ],
  [
    'check version.yaml',
    /version\.yaml:1:1: error: no matches for kind "Deployment" in version "extensions\/v1beta1"\n.*apiVersion: apps\/v1/,
  ],
  ['check nothing.yaml', /nothing here that runs pods/],
  ['check unnamed.yaml', /unnamed\.yaml:1:1: error: Service: metadata\.name: Required value/],
  ['check list.yaml', /list\.yaml:1:1: error: a manifest is an object/],
  ['check empty.yaml', /empty\.yaml:1:1: warning: there is no object in this file/],
  ['check binary.yaml', /binary\.yaml:1:5: error: this is not a text file/],
  ['check template.yaml', /template\.yaml:4:1: error: this is a template, not a manifest\n.*helm template/],
  ['check helm.yaml', /helm\.yaml:1:1: error: this is a template, not a manifest/],
  ['check key.yaml', /key\.yaml:4:3: error: the key of a member is itself an object or a list/],
  ['check values.yaml', /values\.yaml:1:1: error: apiVersion is not set/],
  ['check other', /other: there are no \.yaml, \.yml or \.json files/],
  ['check mixed', /values\.yaml:1:1: warning: no Kubernetes object .*passed over/],
  ['check mixed', /kustomization\.yaml:1:1: warning: Kustomization is for kustomize.*\n.*kubectl kustomize/],
  ['check absent.yaml', /absent\.yaml: there is no such file or folder/],
  ['replay newer.scenario.json', /format version 9; this seatrial reads version 1\n.*release that wrote it/],
  ['replay truncated.scenario.json', /truncated\.scenario\.json:\d+:\d+: the file is cut off/],
  ['replay fault.scenario.json', /\/faults\/0\/kind: there is no fault "partiton"\n.*did you mean "partition"/],
  [
    'replay property.scenario.json',
    /\/properties\/0: there is no property "pod-phase-is-finl"\n.*did you mean "pod-phase-is-final"/,
  ],
  ['replay absent.scenario.json', /there is no such file/],
  ['replay nowhere', /neither a file, nor a trial id/],
  ['replay binary.yaml', /binary\.yaml:1:1: not valid JSON/],
  ['replay other', /other: this is a folder, a file was expected/],
  ['replay elections:1:99999999999', /further than any campaign goes/],
  ['replay elections:1:3:0:0:99', /leads to no scenario/],
  ['replay elections:1:0 --twice --at 3s', /--twice: a run that is stopped on its way is not compared/],
  ['replay', /there is nothing to replay\n.*name a scenario file/],
  ['replay elections:1:0 --export svg out.svg', /--export: there is no format "svg"\n.*jsonl, perfetto, shiviz/],
  ['replay elections:1:0 --export jsonl a.jsonl b.jsonl', /--export: one file is written, not 2/],
  ['replay elections:1:0 --twice --export jsonl', /--export: a trace is exported from one run/],
  ['replay elections:1:0 --export jsonl other', /other: this is a folder/],
  ['explain nowhere', /neither a file, nor a trial id/],
  ['explain truncated.scenario.json', /truncated\.scenario\.json:\d+:\d+: the file is cut off/],
  ['explain fault.scenario.json', /\/faults\/0\/kind: there is no fault "partiton"/],
  ['explain elections:1:0 --branches none', /--branches: "none" is not a whole number/],
  ['explain elections:1:0 --branches 3 --no-certainty', /--branches: without the question when it was certain/],
  ['replay nosuite:1:0', /there is no suite "nosuite"/],
  ['replay fault.scenario.json --at soon', /--at: "soon" is not a length of time\n.*12\.5s/],
  ['run nosuite', /there is no suite "nosuite"/],
  ['run --seed x', /--seed: "x" is not a whole number/],
  ['run --seed 1.5', /--seed: "1\.5" is not a whole number/],
  ['run --trials 0', /--trials: "0" is not a whole number of at least 1/],
  ['run --trials 1e3', /--trials: "1e3" is not a whole number/],
  ['run --workers 1000', /--workers: 1000 is more than 64\n.*--workers 2$/m],
  ['run --junit other', /--junit other: this is a folder, a file was expected/],
  [
    'fuzz --trials 1 --sarif empty.yaml/x.sarif',
    /--sarif empty\.yaml\/x\.sarif: nothing can be written there: a part of/,
  ],
  ['run --workers -1', /--workers: "-1" is not a whole number/],
  ['run --watchdog 0s', /--watchdog: "0s" leaves no time/],
  ['run --bogus', /unknown option '--bogus'\n.*seatrial run --help/],
  ['run --properties absent.mjs', /absent\.mjs: there is no such file/],
  ['run --properties no-default.mjs', /no default export that is a function/],
  ['run --properties broken.mjs', /broken\.mjs:2: the module cannot be loaded/],
  ['run --properties misspelt.mjs', /misspelt\.mjs:2:12: registering failed: registry\.properti is not a function/],
  [
    'run --properties half.mjs',
    /half\.mjs:3:\d+: registering failed: the suite "mine": its member arbitrary is missing\n.*it takes arbitrary: a function/,
  ],
  [
    'run --watchdog 1s --properties loops.mjs',
    /loops\.mjs: the module was not loaded: its code had not come to an end within 1 s\n.*only registers: no loops/,
  ],
  ['run --watchdog 1s --properties loops-later.mjs', /loops-later\.mjs: the module was not loaded: its code had not/],
  ['list --properties exits.mjs', /exits\.mjs: the module was not loaded: a worker ended .*\n.*no process\.exit/],
  ['fuzz --trials 1 --properties waits.mjs', /waits\.mjs: the module was not loaded: .*\n.*no waiting/],
  ['run --properties async.mjs', /async\.mjs: the default export is an async function\n.*register at once/],
  ['run --defects nobug', /there is no defect "nobug"/],
  ['hunt nobug', /there is no defect "nobug"/],
  ['fuzz --budget soon', /--budget: "soon" is not a length of time/],
  ['fuzz --budget 0s', /--budget: "0s" leaves no time/],
  ['fuzz', /it would never end\n.*--budget 10m.*--trials 5000.*--resume/],
  ['fuzz --trials 0', /--trials: "0" is not a whole number of at least 1/],
  ['fuzz --trials 5 --shard 2', /--shard: "2" is not a part of a whole\n.*2\/8/],
  ['fuzz --trials 5 --shard 9/8', /--shard: there is no part 9 of 8; they are counted from 1/],
  ['fuzz --trials 5 --shard 0/8', /--shard: there is no part 0 of 8/],
  [
    'fuzz --trials 5 --seed from-git',
    /--seed from-git: there is no git commit here \(.*\)\n.*go into a git repository/,
  ],
  ['fuzz --trials 5 --strategy swam', /--strategy: there is no strategy "swam"\n.*"swarm"/],
  ['fuzz --resume', /--resume \.seatrial\/campaigns: there is no campaign to go on with/],
  ['check', /missing required argument 'files'/],
  ['voyage --defect nobug', /there is no defect "nobug"/],
  ['new invariant Bad_Name', /"Bad_Name" cannot be a name/],
  ['new controller x', /no scaffold for "controller"/],
  ['list ships', /there is no list of "ships"/],
  ['sail', /unknown command 'sail'/],
])('%s', async (command, says) => {
  const { status, err } = await runMain(command.split(' '), folder.path)
  expect(err).toMatch(says)
  expect(err).not.toMatch(/\n\s+at /)
  expect(status).toBe(2)
})

test('a null member means unset, as it does to the API server', async () => {
  const text = deployment(1)
    .replace('      labels:\n', '      annotations: null\n      labels:\n')
    .replace('      containers:', '      initContainers: null\n      containers:')
  writeFileSync(join(folder.path, 'null.yaml'), text.replace('replicas: 1', 'replicas: -1'))
  const { status, err } = await runMain(['check', 'null.yaml'], folder.path)
  expect(err).toMatch(/null\.yaml:6:3: error: .*spec\.replicas: Invalid value: -1/)
  expect(err.match(/error:/g)).toHaveLength(1)
  expect(status).toBe(2)
})

test('an alias is no bomb, and Lists and several documents are read', async () => {
  const text = `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: apps/v1\n    kind: StatefulSet\n    metadata: {name: db, labels: &labels {app: db}}\n  - apiVersion: example.org/v1\n    kind: Widget\n    metadata: {name: w, labels: *labels}\n---\n# only a comment\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: front}\n`
  writeFileSync(join(folder.path, 'lists.yaml'), text)
  const { err } = await runMain(['check', 'lists.yaml'], folder.path)
  expect(err).toMatch(/lists\.yaml:5:5: warning: StatefulSet db \(apps\/v1\) is not simulated yet/)
  expect(err).toMatch(/lists\.yaml:8:5: warning: Widget w \(example\.org\/v1\) is not simulated yet/)
  expect(err).toMatch(/lists\.yaml:14:1: warning: Ingress front \(networking\.k8s\.io\/v1\) is not simulated yet/)
})

test('selectors that match nothing and fields without effect are named, with their lines', async () => {
  const text = `${deployment(1)}---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector:\n    app: website\n  ports:\n    - port: 80\n---\nkind: StatefulSet\napiVersion: apps/v1\nmetadata:\n  name: db\n---\nkind: Deploy\napiVersion: apps/v1\nmetadata:\n  name: x\n`
  writeFileSync(join(folder.path, 'warnings.yaml'), text)
  const { err } = await runMain(['check', 'warnings.yaml'], folder.path)
  expect(err).toMatch(
    /warnings\.yaml:24:3: warning: Service web selects app=website, which matches no pod template in namespace default/,
  )
  expect(err).toMatch(/pods there are labelled app=web/)
  expect(err).toMatch(/warnings\.yaml:29:1: warning: StatefulSet db \(apps\/v1\) is not simulated yet/)
})

test('a folder that cannot be written is named before anything is run', async () => {
  writeFileSync(join(folder.path, 'a-file'), 'x')
  const { status, err } = await runMain(
    ['fuzz', '--budget', '1s', '--workers', '1', '--dir', 'a-file/inside'],
    folder.path,
  )
  expect(err).toMatch(/--dir a-file\/inside: nothing can be written there: a part of the path is a file/)
  expect(status).toBe(2)
  if (process.getuid?.() === 0) return
  const locked = join(folder.path, 'locked')
  mkdirSync(locked)
  chmodSync(locked, 0o500)
  expect((await runMain(['fuzz', '--budget', '1s', '--workers', '1', '--dir', 'locked/x'], folder.path)).err).toMatch(
    /permission was refused/,
  )
})

test('new invariant writes two files once, and does not overwrite them', async () => {
  const first = await runMain(['new', 'invariant', 'my-rule'], folder.path)
  expect(first.status).toBe(0)
  expect(readdirSync(folder.path)).toEqual(expect.arrayContaining(['my-rule.js', 'my-rule.test.js']))
  const second = await runMain(['new', 'invariant', 'my-rule'], folder.path)
  expect(second).toMatchObject({ status: 2, err: expect.stringMatching(/my-rule\.js: the file is there already/) })
  expect(existsSync(join(folder.path, 'my-rule.js'))).toBe(true)
})

test('help is no mistake', async () => {
  const { status, out } = await runMain(['--help'], folder.path)
  expect(status).toBe(0)
  expect(out).toMatch(/Usage: seatrial/)
  expect(out).toMatch(/Status: 0 passed, 1 a property failed/)
  expect(await runMain(['--version'], folder.path)).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^\d+\.\d+/),
  })
})

test('the workflow in the README is YAML, and its command has only flags that there are', async () => {
  const [, text = ''] = /## Fuzz in CI\n\n```yaml\n([\s\S]*?)```/.exec(readFileSync(resolve('README.md'), 'utf8')) ?? []
  const workflow = parse(text) as {
    readonly jobs: { readonly fuzz: { readonly steps: readonly { readonly run?: string }[] } }
  }
  const command = workflow.jobs.fuzz.steps.flatMap(({ run }) => run ?? []).find((run) => run.includes('seatrial fuzz'))
  const flags = [...(command ?? '').matchAll(/ (--[a-z-]+)/g)].map(([, flag]) => flag)
  expect(flags).toEqual(['--budget', '--shard', '--seed', '--junit', '--sarif'])
  const { out } = await runMain(['fuzz', '--help'], folder.path)
  for (const flag of flags) expect(out).toContain(` ${flag} <`)
})

test.each([
  'corpus',
  'corpus merge',
  'corpus prune',
  'corpus list',
  'corpus tell',
  'triage',
  'bisect',
  'fuzz',
])('%s --help', async (command) => {
  const { status, out } = await runMain([...command.split(' '), '--help'], folder.path)
  expect(out).toContain(`Usage: seatrial ${command}`)
  expect(status).toBe(0)
})
