/** Claims that hold for every pod, program and moment: how containers stop, start in order, start once, and outlive the kubelet. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Micros, SECOND } from '../kernel/index.ts'
import {
  type Container,
  isSidecar,
  type LifecycleHandler,
  type Pod,
  type PodSpec,
  type Probe,
} from '../objects/index.ts'
import type { AppModel, AppTable } from './app.ts'
import type { KubeletDecisions } from './decisions.ts'
import { container, type NodeFact, Stage } from './testing.ts'

const SEED = 20_250_101
/** Calls to the runtime and back. */
const TOLERANCE: Micros = 0.02 * SECOND

interface Plan {
  readonly seed: number
  readonly spec: Partial<PodSpec>
  readonly apps: AppTable
  readonly deleteAfterSeconds: number
  readonly secondDelete: { readonly afterSeconds: number; readonly grace: number } | undefined
  /** Moments at which the kubelet crashes, and how long it stays away, in tenths of a second. */
  readonly crashes: readonly { readonly at: number; readonly away: number }[]
}

const handler = fc.oneof<fc.Arbitrary<LifecycleHandler>[]>(
  fc.integer({ min: 0, max: 20 }).map((seconds) => ({ sleep: { seconds } })),
  fc.integer({ min: 0, max: 200 }).map((tenths) => ({ exec: { command: ['sleep', String(tenths / 10)] } })),
  fc.constant({ exec: { command: ['sh', '-c', 'exit 1'] } }),
  fc.constant({ httpGet: { port: 8080 } }),
)

const probe: fc.Arbitrary<Probe> = fc.record({
  httpGet: fc.constant({ port: 8080 }),
  periodSeconds: fc.integer({ min: 1, max: 5 }),
  failureThreshold: fc.integer({ min: 1, max: 3 }),
  initialDelaySeconds: fc.integer({ min: 0, max: 5 }),
})

const app: fc.Arbitrary<Partial<AppModel>> = fc.record({
  startMicros: fc.integer({ min: 0, max: 3 * SECOND }),
  onTerm: fc.constantFrom('drain', 'lame-duck', 'exit', 'ignore'),
  drainMicros: fc.integer({ min: 0, max: 20 * SECOND }),
  healthWhileDraining: fc.constantFrom('ok', 'fail'),
  exitAfterMicros: fc.option(fc.integer({ min: 0, max: 20 * SECOND }), { nil: undefined, freq: 4 }),
  exitCode: fc.constantFrom(0, 1),
})

const mainContainer = (name: string): fc.Arbitrary<Container> =>
  fc
    .record({
      preStop: fc.option(handler, { nil: undefined }),
      readinessProbe: fc.option(probe, { nil: undefined }),
      livenessProbe: fc.option(probe, { nil: undefined }),
    })
    .map(({ preStop, readinessProbe, livenessProbe }) =>
      container(name, { ...(preStop === undefined ? {} : { lifecycle: { preStop } }), readinessProbe, livenessProbe }),
    )

const initContainer = (name: string): fc.Arbitrary<Container> =>
  fc.oneof(
    fc
      .integer({ min: 0, max: 30 })
      .map((tenths) => container(name, { command: ['sleep', String(tenths / 10)], ports: [] })),
    fc.constant(container(name, { restartPolicy: 'Always', ports: [] })),
  )

const crash = fc.record({ at: fc.integer({ min: 0, max: 300 }), away: fc.integer({ min: 0, max: 60 }) })

const plan = (crashes: fc.Arbitrary<Plan['crashes']>): fc.Arbitrary<Plan> =>
  fc.record({
    seed: fc.integer({ min: 0, max: 1_000_000 }),
    spec: fc.record({
      restartPolicy: fc.constantFrom('Always', 'OnFailure', 'Never'),
      activeDeadlineSeconds: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined, freq: 4 }),
      terminationGracePeriodSeconds: fc.integer({ min: 0, max: 15 }),
      containers: fc.oneof(fc.tuple(mainContainer('a')), fc.tuple(mainContainer('a'), mainContainer('b'))),
      initContainers: fc.oneof(
        fc.constant([]),
        fc.tuple(initContainer('i')),
        fc.tuple(initContainer('i'), initContainer('j')),
      ),
    }),
    apps: fc.record({ a: app, b: app }),
    deleteAfterSeconds: fc.integer({ min: 0, max: 30 }),
    secondDelete: fc.option(
      fc.record({ afterSeconds: fc.integer({ min: 0, max: 10 }), grace: fc.integer({ min: 0, max: 10 }) }),
      { nil: undefined },
    ),
    crashes,
  })

const NO_CRASHES = fc.constant<Plan['crashes']>([])
const CRASHES = fc.array(crash, { minLength: 1, maxLength: 3 })

function perform(
  { seed, spec, apps, deleteAfterSeconds, secondDelete, crashes }: Plan,
  decisions: Partial<KubeletDecisions> = {},
): Stage {
  const stage = new Stage({ seed, apps, decisions }).run(1)
  stage.createPod('web', spec)
  const script: { readonly at: number; readonly act: () => void }[] = [
    { at: deleteAfterSeconds, act: () => stage.deletePod('web') },
  ]
  if (secondDelete !== undefined) {
    const { afterSeconds, grace } = secondDelete
    script.push({ at: deleteAfterSeconds + afterSeconds, act: () => stage.deletePod('web', grace) })
  }
  for (const { at, away } of crashes) {
    script.push({ at: at / 10, act: () => stage.kernel.crash(stage.kubeletProcess) })
    script.push({ at: (at + away) / 10, act: () => stage.kernel.restart(stage.kubeletProcess) })
  }
  script.sort((left, right) => left.at - right.at)
  for (const { at, act } of script) {
    stage.kernel.run({ until: Math.max(stage.kernel.now, Math.round((1 + at) * SECOND)) })
    act()
  }
  stage.kernel.restart(stage.kubeletProcess)
  return stage.run(90)
}

/** Starts come in order, one instance at a time, nothing starts after the end of initialisation or of the pod. */
function checkStarts(stage: Stage, spec: Partial<PodSpec>): void {
  const running = new Map<string, string>()
  const ended = new Set<string>()
  let terminating = false
  for (const fact of stage.facts) {
    if (fact.type === 'termination-started') terminating = true
    if (fact.type === 'container-exited') {
      running.delete(fact.container)
      if (fact.exitCode === 0) ended.add(fact.container)
    }
    if (fact.type !== 'container-started') continue
    expect(running.has(fact.container), `${fact.container} starts while an instance of it runs`).toBe(false)
    running.set(fact.container, fact.containerId)
    const own = (spec.initContainers ?? []).findIndex((other) => other.name === fact.container)
    const before = own < 0 ? (spec.initContainers ?? []) : (spec.initContainers ?? []).slice(0, own)
    for (const other of before) {
      const done = isSidecar(other) ? running.has(other.name) || terminating : ended.has(other.name)
      expect(done, `${fact.container} starts before ${other.name} is done`).toBe(true)
    }
  }
}

/** TERM after the hook or at the end of the grace; KILL neither before the grace nor later than 2 s after it. */
function checkStops(stage: Stage): void {
  for (const stop of stage.of('stop-started')) {
    const mine = stage.facts.filter(
      (fact) => 'containerId' in fact && fact.containerId === stop.containerId && fact.at >= stop.at,
    )
    let deadline = stop.at + stop.graceSeconds * SECOND
    let hookRuns = stop.preStop
    for (const fact of mine) {
      if (fact.type === 'stop-shortened') deadline = Math.min(deadline, fact.at + fact.graceSeconds * SECOND)
      if (fact.type === 'prestop-ended') hookRuns = false
      if (fact.type === 'term-sent') {
        if (hookRuns) expect(fact.at).toBeGreaterThanOrEqual(deadline)
        expect(fact.at).toBeLessThanOrEqual(deadline + TOLERANCE)
      }
      if (fact.type === 'kill-sent') {
        expect(fact.at, 'KILL never before the grace is over').toBeGreaterThanOrEqual(deadline)
        expect(fact.at, 'KILL never later than 2 s after it').toBeLessThanOrEqual(deadline + 2 * SECOND + TOLERANCE)
      }
      if (fact.type === 'container-exited') {
        expect(fact.at).toBeLessThanOrEqual(deadline + 2 * SECOND + 2 * TOLERANCE)
      }
    }
  }
}

/** Stored phases only go forwards, and a terminal one is never ready and never while something runs. */
function checkPhases(stage: Stage): void {
  let over: string | undefined
  for (const { pod, at } of stage.api.podHistory) {
    const phase = pod.status?.phase
    if (over !== undefined) expect(phase).toBe(over)
    if (phase !== 'Succeeded' && phase !== 'Failed') continue
    over = phase
    expect(pod.status?.conditions?.find((condition) => condition.type === 'Ready')?.status).toBe('False')
    const count = (type: NodeFact['type']) => stage.of(type).filter((fact) => fact.at <= at).length
    expect(count('container-started')).toBe(count('container-exited'))
    expect(count('sandbox-started')).toBe(count('sandbox-stopped'))
  }
}

function checkEnd(stage: Stage): void {
  expect(stage.pod('web')).toBeUndefined()
  expect(stage.runtime.containerRecords()).toEqual([])
  expect(stage.runtime.sandboxRecords()).toEqual([])
  expect(stage.kubelet.workers().size).toBe(0)
}

const anyPod = (decisions: Partial<KubeletDecisions>, seen = new Set<NodeFact['type']>()) =>
  fc.property(plan(NO_CRASHES), (drawn) => {
    const stage = perform(drawn, decisions)
    for (const fact of stage.facts) seen.add(fact.type)
    checkStarts(stage, drawn.spec)
    checkStops(stage)
    checkPhases(stage)
    checkEnd(stage)
  })

test('any pod: starts in order, stops within its grace, ends for good', () => {
  const seen = new Set<NodeFact['type']>()
  fc.assert(anyPod({}, seen), { seed: SEED, numRuns: 400 })
  for (const type of [
    'kill-sent',
    'prestop-ended',
    'stop-shortened',
    'termination-shortened',
    'pod-readiness',
  ] as const) {
    expect(seen, `some run reached ${type}`).toContain(type)
  }
})

test.each<[string, Partial<KubeletDecisions>]>([
  ['prestop-time-not-deducted', { stopTimeoutSeconds: (grace) => Math.max(2, grace) }],
  ['term-before-prestop-ends', { hookTimeoutSeconds: () => 0 }],
  ['prestop-hangs-past-grace', { hookTimeoutSeconds: (grace) => grace + 600 }],
  [
    'ready-true-on-terminal-pod',
    {
      storedConditions: (phase, computed, previous) =>
        phase === 'Failed' || phase === 'Succeeded' ? (previous ?? computed) : computed,
    },
  ],
  ['terminal-before-stopped', { storedPhase: (computed) => computed }],
  ['probes-kill-terminating-pod', { probesWhileTerminating: () => true }],
])('the same claims find the defect kubelet-%s', (_name, decisions) => {
  expect(fc.check(anyPod(decisions), { seed: SEED, numRuns: 2000, endOnFailure: true }).failed).toBe(true)
})

test('any pod with a kubelet that crashes: order, phases and the end are the same', () => {
  fc.assert(
    fc.property(plan(CRASHES), (drawn) => {
      const stage = perform(drawn)
      checkStarts(stage, drawn.spec)
      checkPhases(stage)
      checkEnd(stage)
    }),
    { seed: SEED, numRuns: 400 },
  )
})

test('a kubelet that crashes at any moment never stops or restarts what runs well', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), CRASHES, (seed, crashes) => {
      const stage = new Stage({ seed }).run(1)
      stage.createPod('web', {
        initContainers: [
          container('i', { command: ['sleep', '1'], ports: [] }),
          container('s', { restartPolicy: 'Always', ports: [] }),
        ],
        containers: [
          container('a', { readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 2 } }),
          container('b', { livenessProbe: { httpGet: { port: 8080 }, periodSeconds: 2, initialDelaySeconds: 3 } }),
        ],
      })
      for (const { at, away } of [...crashes].sort((left, right) => left.at - right.at)) {
        stage.kernel.run({ until: Math.max(stage.kernel.now, (10 + at) * 100_000) })
        stage.kernel.crash(stage.kubeletProcess)
        stage.run(away / 10)
        stage.kernel.restart(stage.kubeletProcess)
      }
      stage.run(60)
      expect(stage.of('container-started').map((fact) => fact.container)).toEqual(['i', 's', 'a', 'b'])
      expect(stage.of('stop-started')).toHaveLength(0)
      expect(stage.of('pod-readiness').map((fact) => fact.ready)).toEqual([true])
      const status = (stage.pod('web') as Pod).status
      expect(status?.phase).toBe('Running')
      expect(status?.containerStatuses?.map((one) => one.restartCount)).toEqual([0, 0])
    }),
    { seed: SEED, numRuns: 200 },
  )
})

test('the same seed gives the same run', () => {
  fc.assert(
    fc.property(plan(CRASHES), (drawn) => {
      expect(perform(drawn).kernel.fingerprint()).toBe(perform(drawn).kernel.fingerprint())
    }),
    { seed: SEED, numRuns: 30 },
  )
})
