/** What to do next with a pod, case by case, after upstream's TestComputePodActions tables. */
import { expect, test } from 'vitest'
import { type Container, defaultPodSpec, type Pod, type PodSpec } from '../objects/index.ts'
import type { ContainerRecord, SandboxRecord } from './cri.ts'
import { KUBELET_DECISIONS } from './decisions.ts'
import { computePodActions, type ProbeView } from './podactions.ts'
import { PodRecords } from './podrecords.ts'

const NO_PROBES: ProbeView = { livenessOf: () => undefined, startupOf: () => undefined }

function podOf(spec: Partial<PodSpec>, metadata: Partial<Pod['metadata']> = {}): Pod {
  const containers = spec.containers ?? ['a', 'b', 'c'].map((name) => ({ name, image: `${name}:1` }))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name: 'web', uid: 'u', ...metadata },
    spec: defaultPodSpec({ ...spec, containers }, 'pod'),
  }
}

function sandbox(attempt = 0, state: 'ready' | 'stopped' = 'ready'): SandboxRecord {
  return { id: `s${attempt}`, podUid: 'u', podKey: 'default/web', attempt, state, ip: '10.244.0.2', createdWall: 0 }
}

function record(pod: Pod, name: string, how: number | 'running', attempt = 0, sandboxId = 's0'): ContainerRecord {
  const init = (pod.spec.initContainers ?? []).find((container) => container.name === name)
  const spec = init ?? (pod.spec.containers.find((container) => container.name === name) as Container)
  return {
    id: `${name}-${attempt}`,
    sandboxId,
    podUid: 'u',
    podKey: 'default/web',
    name,
    init: init !== undefined,
    spec,
    podGraceSeconds: 30,
    attempt,
    state: how === 'running' ? 'running' : 'exited',
    startedAt: 0,
    startedWall: 0,
    finishedAt: 0,
    finishedWall: 0,
    exitCode: how === 'running' ? 0 : how,
    reason: '',
  }
}

type Has = Readonly<Record<string, number | 'running'>>

function recordsOf(pod: Pod, has: Has, boxes: readonly SandboxRecord[] = [sandbox()], inSandbox = 's0'): PodRecords {
  const records = new PodRecords('u', 'default/web')
  for (const box of boxes) records.putSandbox(box)
  for (const [name, how] of Object.entries(has)) records.putContainer(record(pod, name, how, 0, inSandbox))
  return records
}

const init = (...names: string[]): Container[] => names.map((name) => ({ name, image: `${name}:1` }))
const sidecar = (name: string, extra: Partial<Container> = {}): Container => ({
  name,
  image: `${name}:1`,
  restartPolicy: 'Always',
  ...extra,
})

interface Case {
  readonly title: string
  readonly spec?: Partial<PodSpec>
  readonly metadata?: Partial<Pod['metadata']>
  readonly has?: Has
  readonly boxes?: readonly SandboxRecord[]
  readonly inSandbox?: string
  readonly probes?: ProbeView
  readonly want: {
    readonly killPod?: boolean
    readonly createSandbox?: boolean
    readonly attempt?: number
    readonly startInit?: readonly number[]
    readonly start?: readonly number[]
    readonly kill?: readonly string[]
  }
}

const running = { a: 'running', b: 'running', c: 'running' } as const

const CASES: readonly Case[] = [
  {
    title: 'a new pod: sandbox and everything',
    boxes: [],
    want: { killPod: true, createSandbox: true, start: [0, 1, 2] },
  },
  { title: 'all is well: nothing', has: running, want: {} },
  { title: 'Always: every exited one again', has: { a: 'running', b: 0, c: 1 }, want: { start: [1, 2] } },
  {
    title: 'OnFailure: only the failed one again',
    spec: { restartPolicy: 'OnFailure' },
    has: { a: 'running', b: 0, c: 1 },
    want: { start: [2] },
  },
  { title: 'Never: none again', spec: { restartPolicy: 'Never' }, has: { a: 'running', b: 0, c: 1 }, want: {} },
  {
    title: 'Never: all ended, stop the pod',
    spec: { restartPolicy: 'Never' },
    has: { a: 0, b: 0, c: 1 },
    want: { killPod: true },
  },
  {
    title: 'OnFailure: all ended well, stop the pod',
    spec: { restartPolicy: 'OnFailure' },
    has: { a: 0, b: 0, c: 0 },
    want: { killPod: true },
  },
  {
    title: 'sandbox stopped: a new one, everything again',
    boxes: [sandbox(0, 'stopped')],
    has: { a: 137, b: 137, c: 137 },
    want: { killPod: true, createSandbox: true, attempt: 1, start: [0, 1, 2] },
  },
  {
    title: 'sandbox stopped, OnFailure: not the one that succeeded',
    spec: { restartPolicy: 'OnFailure' },
    boxes: [sandbox(0, 'stopped')],
    has: { a: 0, b: 137, c: 137 },
    want: { killPod: true, createSandbox: true, attempt: 1, start: [1, 2] },
  },
  {
    title: 'sandbox stopped, OnFailure, all succeeded: no new sandbox',
    spec: { restartPolicy: 'OnFailure' },
    boxes: [sandbox(0, 'stopped')],
    has: { a: 0, b: 0, c: 0 },
    want: { killPod: true, attempt: 1 },
  },
  {
    title: 'sandbox stopped, Never: no new sandbox',
    spec: { restartPolicy: 'Never' },
    boxes: [sandbox(0, 'stopped')],
    has: { a: 137, b: 137, c: 137 },
    want: { killPod: true, attempt: 1 },
  },
  {
    title: 'liveness failed: kill and start',
    has: running,
    probes: { ...NO_PROBES, livenessOf: (id) => (id === 'b-0' ? 'failure' : 'success') },
    want: { start: [1], kill: ['b liveness'] },
  },
  {
    title: 'startup failed: kill and start',
    has: running,
    probes: { ...NO_PROBES, startupOf: (id) => (id === 'b-0' ? 'failure' : 'success') },
    want: { start: [1], kill: ['b startup'] },
  },
  {
    title: 'liveness failed, Never: kill, no start',
    spec: { restartPolicy: 'Never' },
    has: running,
    probes: { ...NO_PROBES, livenessOf: (id) => (id === 'b-0' ? 'failure' : 'success') },
    want: { kill: ['b liveness'] },
  },
  {
    title: 'being deleted: nothing is started',
    metadata: { deletionTimestamp: '2025-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 },
    has: { a: 'running', b: 1, c: 'running' },
    want: {},
  },
  // Init containers.
  {
    title: 'new pod with init containers: the first of them only',
    spec: { initContainers: init('i', 'j') },
    boxes: [],
    want: { killPod: true, createSandbox: true, startInit: [0] },
  },
  {
    title: 'sandbox is there, nothing ran: the first',
    spec: { initContainers: init('i', 'j') },
    want: { startInit: [0] },
  },
  { title: 'the first runs: wait', spec: { initContainers: init('i', 'j') }, has: { i: 'running' }, want: {} },
  {
    title: 'the first ended well: the second',
    spec: { initContainers: init('i', 'j') },
    has: { i: 0 },
    want: { startInit: [1] },
  },
  {
    title: 'the first failed: again',
    spec: { initContainers: init('i', 'j') },
    has: { i: 3 },
    want: { startInit: [0] },
  },
  {
    title: 'the first failed, Never: over',
    spec: { initContainers: init('i', 'j'), restartPolicy: 'Never' },
    has: { i: 3 },
    want: { killPod: true },
  },
  {
    title: 'all ended well: the containers',
    spec: { initContainers: init('i', 'j') },
    has: { i: 0, j: 0 },
    want: { start: [0, 1, 2] },
  },
  {
    title: 'only the last left a record: the containers',
    spec: { initContainers: init('i', 'j') },
    has: { j: 0 },
    want: { start: [0, 1, 2] },
  },
  {
    title: 'their records are gone, containers run: nothing',
    spec: { initContainers: init('i', 'j') },
    has: running,
    want: {},
  },
  {
    title: 'their records are gone, one container runs: the others',
    spec: { initContainers: init('i', 'j') },
    has: { a: 'running' },
    want: { start: [1, 2] },
  },
  {
    title: 'records of an earlier sandbox do not count',
    spec: { initContainers: init('i', 'j') },
    boxes: [sandbox(1), sandbox(0, 'stopped')],
    has: { i: 0, j: 0, a: 137 },
    want: { attempt: 1, startInit: [0] },
  },
  // Sidecars.
  {
    title: 'a sidecar runs: the next one',
    spec: { initContainers: [sidecar('i'), ...init('j')] },
    has: { i: 'running' },
    want: { startInit: [1] },
  },
  {
    title: 'the last sidecar runs: the containers',
    spec: { initContainers: [sidecar('i')] },
    has: { i: 'running' },
    want: { start: [0, 1, 2] },
  },
  {
    title: 'a sidecar whose startup probe has not succeeded: wait',
    spec: { initContainers: [sidecar('i', { startupProbe: { httpGet: { port: 80 } } })] },
    has: { i: 'running' },
    probes: { ...NO_PROBES, startupOf: () => 'unknown' },
    want: {},
  },
  {
    title: 'a sidecar ended while containers run: again, alone',
    spec: { initContainers: [...init('j'), sidecar('i')] },
    has: { ...running, j: 0, i: 1 },
    want: { startInit: [1] },
  },
  {
    title: 'a sidecar ended during initialisation: again, and what follows it',
    spec: { initContainers: [sidecar('i'), ...init('j')] },
    has: { i: 1, j: 'running' },
    want: { startInit: [] },
  },
  {
    title: 'everything else has ended: a sidecar does not keep the pod alive',
    spec: { initContainers: [sidecar('i')], restartPolicy: 'Never' },
    has: { i: 1, a: 0, b: 0, c: 0 },
    want: { killPod: true },
  },
]

test.each(CASES)('$title', ({ spec = {}, metadata, has = {}, boxes, inSandbox, probes = NO_PROBES, want }) => {
  const pod = podOf(spec, metadata)
  const actions = computePodActions(pod, recordsOf(pod, has, boxes, inSandbox), probes, KUBELET_DECISIONS)
  const seen = { ...actions, kill: actions.kill.map(({ container, reason }) => `${container.name} ${reason}`) }
  const attempt = want.attempt ?? 0
  expect(seen).toEqual({ killPod: false, createSandbox: false, startInit: [], start: [], kill: [], ...want, attempt })
})

test('defect kubelet-reruns-init-containers: collected records start initialisation again', () => {
  const pod = podOf({ initContainers: init('i', 'j') })
  const buggy = { ...KUBELET_DECISIONS, isInitialized: () => false }
  expect(computePodActions(pod, recordsOf(pod, running), NO_PROBES, buggy).startInit).toEqual([0])
  expect(computePodActions(pod, recordsOf(pod, running), NO_PROBES, KUBELET_DECISIONS).startInit).toEqual([])
})
