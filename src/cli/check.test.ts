/** `seatrial check` on whole manifests: what is lost without a preStop hook, told and replayed; what is kept with one. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SMALL_TOPOLOGY } from '../cluster/index.ts'
import { findPreStop, printAdvice } from './manifests/advice.ts'
import { topologyFor } from './manifests/fit.ts'
import { judgeManifests } from './manifests/judge.ts'
import { loadManifests } from './manifests/load.ts'
import { appsOf, PRESTOP_SECONDS, withPreStop } from './manifests/prestop.ts'
import { buildCommandLine, startProcess, temporaryFolder } from './testing.ts'

/** For tests that run dozens of trials, on a machine that may be busy. */
const PATIENCE_MILLIS = 240_000

const folder = temporaryFolder()
afterAll(() => folder.remove())

let file = ''
beforeAll(() => {
  const built = buildCommandLine()
  file = built.file
  cpSync(resolve('fixtures/manifests'), folder.path, { recursive: true })
  return built.remove
})

const seatrial = (command: string) => startProcess(file, [...command.split(' '), '--workers', '2'], folder.path)
const objectsOf = (name: string) =>
  judgeManifests(loadManifests(name, readFileSync(resolve('fixtures/manifests', name), 'utf8')).manifests).objects

test(
  'without preStop a rollout loses requests: status 1, a story, a replay that fails, and the hook that is enough',
  async () => {
    const { status, out } = await seatrial('check web-without-prestop.yaml --trials 2')
    // What a pod does not do any more is sent by no message; the story tells of it all the same.
    expect(out).toMatch(/begins to stop pod web-(.*\n)*.*TERM to web-(.*\n)*.*BROKEN check-requests-survive/)
    expect(status).toBe(1)
    expect(out).toMatch(/Checking Deployment web and Service web\n/)
    expect(out).toMatch(/a rolling restart +FAILED +2 of 2 trials: a request to default\/web was/)
    expect(out).toMatch(/the loss of one node +passed/)
    expect(out).toMatch(/A cluster of 3 etcd members, 2 API servers, 3 nodes; applied: 1 Deployment and 1 Service/)
    expect(out).toMatch(/BROKEN check-requests-survive: .* after that pod began to leave/)
    expect(out.match(/^ ?\d+\. +\d:/gm)?.length).toBeLessThanOrEqual(12)
    expect(out).toMatch(/ADVICE: a preStop hook of \d+ s in every container lost no request in 4 trials/)
    const replay = /npx seatrial (replay .*)/.exec(out)?.[1] ?? ''
    const again = await startProcess(file, replay.split(' '), folder.path)
    expect(again.out).toMatch(/BROKEN check-requests-survive/)
    expect(again.status).toBe(1)
  },
  PATIENCE_MILLIS,
)

test(
  'with the hook that was advised the same manifest passes',
  async () => {
    const objects = withPreStop(objectsOf('web-without-prestop.yaml'), 5)
    writeFileSync(join(folder.path, 'mended.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
    const { status, out } = await seatrial('check mended.json --trials 2')
    expect(out).toMatch(/a rolling restart +passed +2 trials/)
    expect(out).not.toMatch(/ADVICE/)
    expect(status).toBe(0)
  },
  PATIENCE_MILLIS,
)

test(
  '--json: a line for each complaint, trial, summary, finding and advice',
  async () => {
    const { out } = await seatrial('check web-without-prestop.yaml statefulset.yaml --trials 1 --no-advice --json')
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly type: string; readonly [member: string]: unknown })
    const types = lines.map(({ type }) => type)
    expect(types.filter((type) => type === 'trial')).toHaveLength(4)
    expect(types.filter((type) => type === 'summary')).toHaveLength(4)
    expect(lines.find(({ type }) => type === 'complaint')).toMatchObject({ file: 'statefulset.yaml', line: 15 })
    expect(lines.find(({ type }) => type === 'finding')).toMatchObject({
      signature: expect.stringMatching(/^check-requests-survive\//),
      replay: expect.stringMatching(/^npx seatrial replay /),
    })
  },
  PATIENCE_MILLIS,
)

test('the shortest hook is found by halving; when the longest loses requests too, no hook is advised', async () => {
  const least = (enough: number) =>
    findPreStop(async (seconds) => ({ seconds, trials: 10, lost: seconds < enough ? 1 : 0 }))
  for (const [index, seconds] of PRESTOP_SECONDS.entries()) {
    const advice = await least(seconds)
    expect(advice?.enough?.seconds).toBe(seconds)
    expect(advice?.tooShort?.seconds).toBe(PRESTOP_SECONDS[index - 1])
  }
  const none = await least(99)
  expect(none).toMatchObject({ enough: undefined, tooShort: { seconds: PRESTOP_SECONDS.at(-1) } })
  expect(printAdvice(none!, objectsOf('hostnames.yaml'))).toMatch(/Deployment hostnames has no readinessProbe/)
  expect(printAdvice((await least(30))!, objectsOf('web.yaml'))).toMatch(/web terminationGracePeriodSeconds: 40/)
  expect(await findPreStop(async () => undefined)).toBeUndefined()
})

test('a port that a Service names and no container declares is listened on', () => {
  const text = readFileSync(resolve('fixtures/manifests/web-without-prestop.yaml'), 'utf8')
  const bare = text.replace(/ {10}ports:\n.*\n/, '')
  const { objects } = judgeManifests(loadManifests('web.yaml', bare).manifests)
  expect(appsOf(objects)).toEqual({ 'registry.example/shop/web:1.4.2': { servePorts: [8080] } })
  expect(appsOf(objectsOf('web-without-prestop.yaml'))).toEqual({})
})

test(
  'a budget that allows no eviction: the drain fails by name',
  async () => {
    const text = readFileSync(resolve('fixtures/manifests/web.yaml'), 'utf8')
    writeFileSync(
      join(folder.path, 'stuck.yaml'),
      text.replace('maxUnavailable: 1\n  selector', 'minAvailable: 3\n  selector'),
    )
    const { status, out } = await seatrial('check stuck.yaml --trials 2')
    expect(out).toMatch(
      /a drain of one node +FAILED .*the drain of node-\d was still refused the eviction of web-\S+ by PodDisruptionBudget web \(0 disruptions allowed\)/,
    )
    expect(out).toMatch(/a rolling restart +passed/)
    expect(out).toContain(
      'ADVICE: PodDisruptionBudget web (minAvailable 3 of 3 pods) never lets one go: no node with such a pod can be drained.',
    )
    expect(status).toBe(1)
  },
  PATIENCE_MILLIS,
)

test(
  'a folder with kustomizations: patches are parts of objects, and passed over by name',
  async () => {
    const base = join(folder.path, 'kust', 'base')
    const prod = join(folder.path, 'kust', 'prod')
    for (const path of [base, prod]) mkdirSync(path, { recursive: true })
    writeFileSync(join(base, 'kustomization.yaml'), 'kind: Kustomization\nresources: [web.yaml]\n')
    writeFileSync(join(base, 'web.yaml'), readFileSync(resolve('fixtures/manifests/web.yaml'), 'utf8'))
    writeFileSync(
      join(prod, 'kustomization.yaml'),
      'resources: [../base]\npatches:\n  - path: replicas.yaml\n  - patch: "- op: remove"\npatchesStrategicMerge: [image.yaml]\n',
    )
    const patch = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 5}\n'
    for (const name of ['replicas.yaml', 'image.yaml']) writeFileSync(join(prod, name), patch)
    const { status, err } = await seatrial('check kust --trials 1 --no-advice')
    for (const name of ['replicas.yaml', 'image.yaml'])
      expect(err).toContain(
        `kust/prod/${name}:1:1: warning: this is a patch of kust/prod/kustomization.yaml and is passed over`,
      )
    expect(err).not.toContain('error')
    expect(status).toBe(0)
    const alone = await seatrial('check kust/prod/replicas.yaml')
    expect(alone.err.match(/spec\.template: is required/g)).toHaveLength(1)
    expect(alone.status).toBe(2)
  },
  PATIENCE_MILLIS,
)

test('the cluster has room for what is asked of it', () => {
  const { objects, complaints } = judgeManifests(
    loadManifests(
      'big.yaml',
      `apiVersion: apps/v1
kind: Deployment
metadata: {name: big}
spec:
  replicas: 4
  selector: {matchLabels: {app: big}}
  template:
    metadata: {labels: {app: big}}
    spec:
      nodeSelector: {disk: ssd, kubernetes.io/arch: arm64}
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - topologyKey: kubernetes.io/hostname
              labelSelector: {matchLabels: {app: big}}
      containers:
        - name: big
          image: big
          resources: {requests: {cpu: "6", memory: 20Gi}}
`,
    ).manifests,
  )
  expect(topologyFor(objects)).toMatchObject({
    nodes: 6,
    nodeCapacity: { cpu: '12', memory: '40Gi' },
    nodeLabels: { disk: 'ssd' },
  })
  expect(complaints.map(({ what }) => what)).toEqual([
    expect.stringMatching(/asks for nodes with kubernetes\.io\/arch=arm64, which no simulated node has/),
  ])
  expect(topologyFor(objectsOf('web.yaml'))).toEqual(SMALL_TOPOLOGY)
})
