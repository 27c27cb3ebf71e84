/** The end of containers: preStop, TERM, KILL against grace periods, and what shortens them. */
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import type { Container } from '../objects/index.ts'
import type { AppModel } from './app.ts'
import type { KubeletDecisions } from './decisions.ts'
import { container, Stage, type StageOptions } from './testing.ts'

const RUNNING_SECONDS = 6

/** Seconds from the stop's beginning to TERM, KILL (or undefined) and exit of container `app`. */
function endOf(
  grace: number,
  app: Partial<AppModel>,
  extra: Partial<Container>,
  options: { second?: { at: number; grace: number }; forced?: boolean; stage?: StageOptions } = {},
) {
  const stage = new Stage({ apps: { app }, ...options.stage }).run(1)
  stage.createPod('web', { terminationGracePeriodSeconds: grace, containers: [container('app', extra)] })
  stage.run(RUNNING_SECONDS)
  stage.deletePod('web', options.forced === true ? 0 : undefined)
  if (options.second !== undefined) {
    stage.run(options.second.at)
    stage.deletePod('web', options.second.grace)
  }
  stage.run(200)
  const begin = stage.of('stop-started')[0]?.at ?? 0
  const seconds = (at: number | undefined) => (at === undefined ? undefined : Math.round((at - begin) / 10_000) / 100)
  return {
    term: seconds(stage.of('term-sent')[0]?.at),
    kill: seconds(stage.of('kill-sent')[0]?.at),
    exit: seconds(stage.of('container-exited')[0]?.at),
    code: stage.of('container-exited')[0]?.exitCode,
    gone: stage.pod('web') === undefined && stage.kubelet.workers().size === 0,
    terms: stage.of('term-sent').length,
  }
}

const sleep = (seconds: number): Partial<Container> => ({ lifecycle: { preStop: { sleep: { seconds } } } })
const execSleep = (seconds: number): Partial<Container> => ({
  lifecycle: { preStop: { exec: { command: ['sh', '-c', `sleep ${seconds}`] } } },
})
const stubborn: Partial<AppModel> = { onTerm: 'ignore' }

test.each([
  // grace, program, hook -> TERM, KILL, exit code
  ['no hook, drains', 30, {}, {}, 0, undefined, 0],
  ['no hook, exits on TERM', 30, { onTerm: 'exit' }, {}, 0, undefined, 143],
  ['no hook, stubborn', 10, stubborn, {}, 0, 10, 137],
  ['hook inside the grace', 30, {}, sleep(5), 5, undefined, 0],
  ['hook and stubborn: the hook is deducted', 30, stubborn, sleep(25), 25, 30, 137],
  ['exec hook and stubborn', 30, stubborn, execSleep(25), 25, 30, 137],
  ['hook as long as the grace: 2 s more', 10, stubborn, sleep(10), 10, 12, 137],
  ['hook overruns the grace: 2 s more', 10, stubborn, sleep(60), 10, 12, 137],
  [
    'hook that never ends',
    10,
    {},
    { lifecycle: { preStop: { exec: { command: ['sleep', 'infinity'] } } } },
    10,
    undefined,
    0,
  ],
  ['hook leaves 1 s: 2 s all the same', 10, stubborn, sleep(9), 9, 11, 137],
  ['seconds are cut', 10, stubborn, execSleep(4.7), 4.7, 10.7, 137],
  ['grace of 1 s', 1, stubborn, {}, 0, 2, 137],
  ['failing hook: TERM at once', 30, {}, { lifecycle: { preStop: { exec: { command: ['false'] } } } }, 0, undefined, 0],
  ['lame duck', 30, { onTerm: 'lame-duck', drainMicros: 8 * SECOND }, {}, 0, undefined, 0],
] as const)('%s', (_name, grace, app, extra, term, kill, code) => {
  const end = endOf(grace, app, extra)
  expect(end.term).toBeCloseTo(term, 1)
  if (kill === undefined) expect(end.kill).toBeUndefined()
  else expect(end.kill).toBeCloseTo(kill, 1)
  expect(end.code).toBe(code)
  expect(end.gone).toBe(true)
  expect(end.terms).toBe(1)
})

test('a second delete with a shorter grace brings the KILL forward', () => {
  const end = endOf(60, stubborn, {}, { second: { at: 5, grace: 10 } })
  expect(end.kill).toBeCloseTo(15, 1)
  expect(end.terms).toBe(1)
})

test('a second delete during the hook ends the wait for it', () => {
  const end = endOf(60, stubborn, sleep(50), { second: { at: 5, grace: 3 } })
  expect(end.term).toBeCloseTo(8, 1)
  expect(end.kill).toBeCloseTo(10, 1)
})

test('a shorter grace that would end later changes nothing', () => {
  const end = endOf(30, stubborn, {}, { second: { at: 25, grace: 20 } })
  expect(end.kill).toBeCloseTo(30, 1)
})

test('a forced delete: the object is gone, the containers are stopped with the grace of the spec', () => {
  const end = endOf(7, stubborn, sleep(2), { forced: true })
  expect(end.term).toBeCloseTo(2, 1)
  expect(end.kill).toBeCloseTo(7, 1)
  expect(end.gone).toBe(true)
})

test('a forced second delete: the grace in force stays', () => {
  const end = endOf(20, stubborn, {}, { second: { at: 3, grace: 0 } })
  expect(end.kill).toBeCloseTo(20, 1)
})

test('sidecars end after the main containers, the last one first', () => {
  const stage = new Stage({ apps: { app: { onTerm: 'drain', shutdownMicros: 3 * SECOND } } }).run(1)
  stage.createPod('web', {
    containers: [container('app')],
    initContainers: [
      container('first', { restartPolicy: 'Always', ports: [] }),
      container('second', { restartPolicy: 'Always', ports: [] }),
    ],
  })
  stage.run(15)
  expect(stage.story('container-started')).toEqual([
    'container-started first',
    'container-started second',
    'container-started app',
  ])
  stage.deletePod('web')
  stage.run(20)
  expect(stage.story('term-sent', 'container-exited')).toEqual([
    'term-sent app',
    'container-exited app',
    'term-sent second',
    'container-exited second',
    'term-sent first',
    'container-exited first',
  ])
  expect(stage.pod('web')).toBeUndefined()
})

test('a sidecar waits no longer than the grace', () => {
  const stage = new Stage({ apps: { app: stubborn, side: stubborn } }).run(1)
  stage.createPod('web', {
    terminationGracePeriodSeconds: 5,
    containers: [container('app')],
    initContainers: [container('side', { restartPolicy: 'Always', ports: [] })],
  })
  stage.run(15)
  stage.deletePod('web')
  stage.run(20)
  const begin = stage.of('stop-started')[0]?.at ?? 0
  const kills = stage.of('kill-sent').map((fact) => [fact.container, Math.round((fact.at - begin) / SECOND)])
  expect(kills).toEqual([
    ['app', 5],
    ['side', 7],
  ])
})

test('a slow hook (fault) overruns the grace and is cut off', () => {
  const stage = new Stage().run(1)
  stage.createPod('web', { terminationGracePeriodSeconds: 10, containers: [container('app', sleep(1))] })
  stage.run(RUNNING_SECONDS)
  stage.runtime.slowHook('default/web', 60 * SECOND)
  stage.deletePod('web')
  stage.run(20)
  const begin = stage.of('stop-started')[0]?.at ?? 0
  expect(((stage.of('term-sent')[0]?.at ?? 0) - begin) / SECOND).toBeCloseTo(10, 1)
})

test('a drain waits for requests in flight and resets what is left at its end', () => {
  const run = (endAfter: number | undefined) => {
    const stage = new Stage({ apps: { app: { drainMicros: 4 * SECOND } } }).run(1)
    stage.createPod('web')
    stage.run(RUNNING_SECONDS)
    expect(stage.runtime.beginRequest('10.244.0.2', 8080, 7)).toBe(true)
    stage.deletePod('web')
    stage.run(1)
    expect(stage.runtime.accept('10.244.0.2', 8080)).toBe('refused')
    expect(stage.of('container-exited')).toHaveLength(0)
    if (endAfter !== undefined) stage.runtime.endRequest(7)
    stage.run(10)
    return stage.of('connections-reset').map((fact) => fact.ids)
  }
  expect(run(1)).toEqual([])
  expect(run(undefined)).toEqual([[7]])
})

const seam = (decisions: Partial<KubeletDecisions>): { stage: StageOptions } => ({ stage: { decisions } })

test('defect kubelet-prestop-time-not-deducted: twice the grace', () => {
  const end = endOf(30, stubborn, sleep(25), seam({ stopTimeoutSeconds: (grace) => grace }))
  expect(end.kill).toBeCloseTo(55, 1)
})

test('defect kubelet-term-before-prestop-ends: TERM does not wait for the hook', () => {
  const end = endOf(30, stubborn, sleep(25), seam({ hookTimeoutSeconds: () => 0 }))
  expect(end.term).toBeCloseTo(0, 1)
})

test('defect kubelet-prestop-hangs-past-grace: TERM waits for ever longer than the grace', () => {
  const end = endOf(10, {}, sleep(60), seam({ hookTimeoutSeconds: () => 3600 }))
  expect(end.term).toBeCloseTo(60, 1)
})

test('defect kubelet-probes-kill-terminating-pod: a liveness failure cuts the drain short', () => {
  const run = (decisions: Partial<KubeletDecisions>) => {
    const app: Partial<AppModel> = { onTerm: 'lame-duck', drainMicros: 40 * SECOND, healthWhileDraining: 'fail' }
    const livenessProbe = { httpGet: { port: 8080 }, periodSeconds: 5, failureThreshold: 1 }
    return endOf(60, app, { livenessProbe }, { stage: { decisions } })
  }
  expect(run({})).toMatchObject({ kill: undefined, code: 0 })
  expect(run({}).exit).toBeCloseTo(40.05, 1)
  const buggy = run({ probesWhileTerminating: () => true })
  expect(buggy.code).toBe(137)
  expect(buggy.kill).toBeLessThan(10)
})
