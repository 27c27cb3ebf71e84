/** Small pure parts: phases, conditions, thresholds, grace periods, back-off, commands, admission, addresses. */
import { expect, test } from 'vitest'
import { SECOND, Streams } from '../kernel/index.ts'
import type { ContainerStatus, Node, Pod, PodSpec } from '../objects/index.ts'
import { AddressPool } from './addresses.ts'
import { rejectionOf } from './admission.ts'
import { resolveApp } from './app.ts'
import { BackOffs } from './backoff.ts'
import { commandOf } from './command.ts'
import { KUBELET_DECISIONS } from './decisions.ts'
import { containerGraceSeconds, effectiveGraceSeconds } from './grace.ts'
import { conditionsOf } from './podconditions.ts'
import { phaseOf } from './podphase.ts'
import { afterOutcome, INITIAL_RESULT, initialProbeState, type ProbeKind } from './probethreshold.ts'

type How = 'waiting' | 'running' | 'ready' | 'again' | number

function statuses(hows: Readonly<Record<string, How>>): ContainerStatus[] {
  return Object.entries(hows).map(([name, how]) => {
    const base = { name, image: name, restartCount: 0, ready: how === 'ready', started: how === 'ready' }
    if (how === 'waiting') return { ...base, state: { waiting: {} } }
    if (how === 'again') return { ...base, state: { waiting: {} }, lastState: { terminated: { exitCode: 1 } } }
    if (how === 'running' || how === 'ready') return { ...base, state: { running: {} } }
    return { ...base, ready: how === 0, state: { terminated: { exitCode: how } } }
  })
}

function specOf(policy: PodSpec['restartPolicy'], init: string[], main: string[]): PodSpec {
  const make = (name: string) => ({
    name,
    image: name,
    ...(name.startsWith('side') ? { restartPolicy: 'Always' as const } : {}),
  })
  return { restartPolicy: policy, initContainers: init.map(make), containers: main.map(make) }
}

test.each<[string, PodSpec['restartPolicy'], Record<string, How>, Record<string, How>, boolean, string]>([
  ['waiting', 'Always', {}, { a: 'waiting', b: 'running' }, false, 'Pending'],
  ['running', 'Always', {}, { a: 'running', b: 'running' }, false, 'Running'],
  ['Always, all ended', 'Always', {}, { a: 0, b: 1 }, false, 'Running'],
  ['Always, crash loop', 'Always', {}, { a: 'again' }, false, 'Running'],
  ['OnFailure, all ended well', 'OnFailure', {}, { a: 0, b: 0 }, false, 'Succeeded'],
  ['OnFailure, one failed', 'OnFailure', {}, { a: 0, b: 1 }, false, 'Running'],
  ['Never, all ended well', 'Never', {}, { a: 0, b: 0 }, false, 'Succeeded'],
  ['Never, one failed', 'Never', {}, { a: 0, b: 1 }, false, 'Failed'],
  ['Never, one still runs', 'Never', {}, { a: 'running', b: 1 }, false, 'Running'],
  ['stopped for good, ended well', 'Always', {}, { a: 0, b: 0 }, true, 'Succeeded'],
  ['stopped for good, killed', 'Always', {}, { a: 137, b: 0 }, true, 'Failed'],
  ['stopped before it started', 'Always', {}, { a: 'waiting' }, true, 'Failed'],
  ['init runs', 'Always', { i: 'running' }, { a: 'waiting' }, false, 'Pending'],
  ['init failed, Always', 'Always', { i: 1 }, { a: 'waiting' }, false, 'Pending'],
  ['init failed, Never', 'Never', { i: 1 }, { a: 'waiting' }, false, 'Failed'],
  ['init done', 'Always', { i: 0 }, { a: 'running' }, false, 'Running'],
  ['sidecar not started', 'Always', { side: 'running' }, { a: 'waiting' }, false, 'Pending'],
  ['sidecar started', 'Always', { side: 'ready' }, { a: 'running' }, false, 'Running'],
  ['sidecar restarts beside a running container', 'Always', { side: 'again' }, { a: 'running' }, false, 'Running'],
  ['Never, only the sidecar runs', 'Never', { side: 'ready' }, { a: 0 }, false, 'Running'],
  ['Never, sidecar ended too', 'Never', { side: 1 }, { a: 0 }, false, 'Succeeded'],
])('phase: %s', (_title, policy, init, main, ended, phase) => {
  const spec = specOf(policy, Object.keys(init), Object.keys(main))
  expect(phaseOf(spec, statuses(init), statuses(main), ended)).toBe(phase)
})

test.each<[string, Record<string, How>, Record<string, How>, string, string]>([
  ['all ready', {}, { a: 'ready' }, 'Running', 'Initialized=True Ready=True ContainersReady=True'],
  ['one not ready', {}, { a: 'ready', b: 'running' }, 'Running', 'Initialized=True Ready=False ContainersReady=False'],
  [
    'initialising',
    { i: 'running' },
    { a: 'waiting' },
    'Pending',
    'Initialized=False Ready=False ContainersReady=False',
  ],
  [
    'unready sidecar',
    { side: 'running' },
    { a: 'ready' },
    'Running',
    'Initialized=True Ready=False ContainersReady=False',
  ],
  ['succeeded', { i: 0 }, { a: 0 }, 'Succeeded', 'Initialized=True Ready=False ContainersReady=False'],
])('conditions: %s', (_title, init, main, phase, want) => {
  const spec = specOf('Always', Object.keys(init), Object.keys(main))
  const seen = conditionsOf(spec, statuses(init), statuses(main), phase as 'Running', true, undefined)
  expect(
    seen
      .slice(1, 4)
      .map(({ type, status }) => `${type}=${status}`)
      .join(' '),
  ).toBe(want)
})

test('a closed readiness gate keeps the pod unready', () => {
  const spec: PodSpec = { ...specOf('Always', [], ['a']), readinessGates: [{ conditionType: 'load-balancer' }] }
  const ready = (status: 'True' | 'False') =>
    conditionsOf(spec, [], statuses({ a: 'ready' }), 'Running', true, [{ type: 'load-balancer', status }])[2]?.status
  expect([ready('False'), ready('True')]).toEqual(['False', 'True'])
})

test.each<[ProbeKind, string, number, number, string]>([
  // kind, outcomes, success and failure threshold, results after each outcome
  ['readiness', '+', 1, 3, '+'],
  ['readiness', '---+', 1, 3, '---+'],
  ['readiness', '+--+---', 1, 3, '+++++ +-'.replace(' ', '')],
  ['readiness', '++-++', 2, 1, '-+--+'],
  ['liveness', '--+---', 1, 3, '+++++-'],
  ['liveness', '-', 1, 1, '-'],
  ['startup', '--+', 1, 3, '??+'],
  ['startup', '---', 1, 3, '??-'],
])('thresholds: %s %s (success %i, failure %i)', (kind, outcomes, successThreshold, failureThreshold, want) => {
  let state = initialProbeState(INITIAL_RESULT[kind])
  let seen = ''
  for (const outcome of outcomes) {
    state = afterOutcome(state, outcome === '+' ? 'success' : 'failure', kind, { successThreshold, failureThreshold })
    seen += state.result === 'success' ? '+' : state.result === 'failure' ? '-' : '?'
  }
  expect(seen).toBe(want)
  expect(state.onHold).toBe(kind !== 'readiness' && state.result === 'failure')
})

test('a long run of the same outcome makes no new state', () => {
  let state = initialProbeState('failure')
  for (let round = 0; round < 3; round++) state = afterOutcome(state, 'success', 'readiness', {})
  expect(afterOutcome(state, 'success', 'readiness', {})).toBe(state)
})

function podWith(spec: Partial<PodSpec>, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'u', ...metadata },
    spec: { containers: [{ name: 'a', image: 'a' }], ...spec },
  }
}

test.each<[number | undefined, number | undefined, number, number]>([
  // of the spec, of the deletion, in force -> effective
  [30, undefined, 0, 30],
  [undefined, undefined, 0, 30],
  [0, undefined, 0, 1],
  [30, 10, 0, 10],
  [30, 60, 0, 60],
  [30, 0, 0, 1],
  [30, 10, 30, 10],
  [30, 60, 30, 30],
  [30, undefined, 12, 12],
])('pod grace: spec %s, deletion %s, in force %s: %s', (spec, deletion, current, want) => {
  const metadata = deletion === undefined ? {} : { deletionTimestamp: 'now', deletionGracePeriodSeconds: deletion }
  expect(effectiveGraceSeconds(podWith({ terminationGracePeriodSeconds: spec }, metadata), current)).toBe(want)
})

test('container grace: a probe has its own, a deletion overrules it', () => {
  const container = { name: 'a', image: 'a', livenessProbe: { terminationGracePeriodSeconds: 3 } }
  const pod = podWith({ terminationGracePeriodSeconds: 30 })
  expect(containerGraceSeconds(pod, container, 'liveness')).toBe(3)
  expect(containerGraceSeconds(pod, container, 'startup')).toBe(30)
  expect(
    containerGraceSeconds(
      podWith({}, { deletionTimestamp: 'now', deletionGracePeriodSeconds: 9 }),
      container,
      'liveness',
    ),
  ).toBe(9)
})

test('back-off: 0, 10, 20, 40 ... 300 s, forgotten after 10 quiet minutes', () => {
  const backOffs = new BackOffs()
  const waits: number[] = []
  let at = 0
  for (let crash = 0; crash < 8; crash++) {
    const until = backOffs.until('k', at)
    waits.push((until - at) / SECOND)
    backOffs.next('k', at, until)
    at = until
  }
  expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300])
  expect(backOffs.until('k', at + 601 * SECOND)).toBe(at + 601 * SECOND)
})

test.each<[string[], number | undefined, number, boolean]>([
  [['sleep', '5'], 5_000_000, 0, true],
  [['/bin/sleep', '1m'], 60_000_000, 0, true],
  [['sleep', '0.5'], 500_000, 0, true],
  [['sleep', 'infinity'], undefined, 0, true],
  [['sh', '-c', 'sleep 5'], 5_000_000, 0, true],
  [['/bin/bash', '-ec', 'sleep 1; sleep 2; exit 3'], 3_002_000, 3, true],
  [['sh', '-c', 'sleep 2 && false || exit 7'], 2_004_000, 7, true],
  [['sh', '-c', 'false && sleep 9'], 2_000, 1, true],
  [['sh', '-c', 'exit 1; sleep 9'], 2_000, 1, true],
  [['true'], 2_000, 0, true],
  [['nginx', '-s', 'quit'], 10_000, 0, false],
  [['sh', '-c', 'nginx -s quit; sleep 3'], 3_010_000, 0, false],
])('command %j', (words, micros, exitCode, known) => {
  expect(commandOf(words)).toEqual({ micros, exitCode, known })
})

test('apps: the table by image, then the command, then the defaults; draws depend on names only', () => {
  const stream = new Streams(1).get('runtime/app')
  const make = (extra: object, endsByItself = false, table = {}) =>
    resolveApp(table, { name: 'a', image: 'shop/web:2', ...extra }, endsByItself, 'default/web', stream)
  const web = make({ ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }] })
  expect(web.startMicros).toBeGreaterThanOrEqual(300_000)
  expect(web.startMicros).toBeLessThanOrEqual(800_000)
  expect(web).toMatchObject({ onTerm: 'drain', servePorts: [80], readyMicros: web.startMicros, termExitCode: 0 })
  expect(make({}).startMicros).toBe(web.startMicros)
  expect(make({}, false, { 'shop/web': { onTerm: 'exit' } })).toMatchObject({ onTerm: 'exit', termExitCode: 143 })
  expect(make({}, false, { 'shop/web': { onTerm: 'exit' }, 'shop/web:2': { onTerm: 'ignore' } }).onTerm).toBe('ignore')
  expect(make({ command: ['sleep', '9'] })).toMatchObject({ onTerm: 'ignore', exitAfterMicros: 9_000_000, exitCode: 0 })
  expect(make({}, true).exitAfterMicros).toBeGreaterThan(0)
  expect(make({ command: ['./migrate', '--up'] }, true).exitAfterMicros).toBe(make({}, true).exitAfterMicros)
  expect(make({ command: ['sh', '-c', 'exit 4'] }, true)).toMatchObject({ exitCode: 4, exitAfterMicros: 2_000 })
})

const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-0', labels: { disk: 'ssd' } },
  spec: {},
  status: { allocatable: { cpu: '1', memory: '1Gi', pods: '3' } },
}

function wants(cpu: string, memory: string, extra: Partial<PodSpec> = {}, uid = 'other'): Pod {
  const containers = [
    { name: 'a', image: 'a', resources: { requests: { cpu, memory } }, ports: [{ containerPort: 80, hostPort: 80 }] },
  ]
  return podWith({ containers, ...extra }, { uid })
}

test.each<[string, Pod, Pod[], string | undefined]>([
  ['fits', wants('500m', '1Mi'), [], undefined],
  ['cpu', wants('600m', '1Mi'), [wants('500m', '1Mi', {}, 'x')], 'OutOfcpu'],
  ['memory', wants('1m', '1Gi'), [wants('1m', '1Mi', {}, 'x')], 'OutOfmemory'],
  ['pods', podWith({}), ['x', 'y', 'z'].map((uid) => podWith({}, { uid })), 'OutOfpods'],
  ['host port', wants('1m', '1Mi'), [wants('1m', '1Mi', {}, 'x')], 'NodePorts'],
  ['selector', wants('1m', '1Mi', { nodeSelector: { disk: 'hdd' } }), [], 'NodeAffinity'],
  ['selector that matches', wants('1m', '1Mi', { nodeSelector: { disk: 'ssd' } }), [], undefined],
  ['itself does not count', wants('600m', '1Mi'), [wants('600m', '1Mi')], undefined],
])('admission: %s', (_title, pod, running, reason) => {
  expect(rejectionOf(pod, node, running)?.reason).toBe(reason)
})

test('addresses go round the range before one is used again', () => {
  const pool = new AddressPool('10.244.7.0/24')
  const first = pool.take() as string
  expect(first).toBe('10.244.7.2')
  pool.release(first)
  expect(pool.take()).toBe('10.244.7.3')
  const rest = Array.from({ length: 252 }, () => pool.take())
  expect(new Set(rest).size).toBe(252)
  expect(rest.at(-1)).toBe('10.244.7.2')
  expect(pool.take()).toBeUndefined()
})

test('stored phase and conditions: terminal only when stopped, and never ready', () => {
  const { storedPhase, storedConditions } = KUBELET_DECISIONS
  expect(storedPhase('Failed', 'Running', true)).toBe('Running')
  expect(storedPhase('Failed', 'Running', false)).toBe('Failed')
  const ready = [{ type: 'Ready', status: 'True' as const }]
  expect(storedConditions('Failed', ready, undefined)[0]).toMatchObject({ status: 'False', reason: 'PodFailed' })
  expect(storedConditions('Running', ready, undefined)).toBe(ready)
})
