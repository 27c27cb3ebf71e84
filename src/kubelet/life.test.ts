/** Stories of one node that go wrong: crashes, restarts, back-off, probes, hooks, kubelet and host failures. */
import { expect, test } from 'vitest'
import { MILLISECOND, SECOND } from '../kernel/index.ts'
import { isConditionTrue } from '../objects/index.ts'
import { container, Stage } from './testing.ts'

test('init containers run one after the other, then the containers', () => {
  const stage = new Stage().run(1)
  stage.createPod('web', {
    initContainers: [container('one', { ports: [] }), container('two', { command: ['sleep', '3'], ports: [] })],
    containers: [container('a'), container('b')],
  })
  stage.run(20)
  expect(stage.story('container-started', 'container-exited')).toEqual([
    'container-started one',
    'container-exited one',
    'container-started two',
    'container-exited two',
    'container-started a',
    'container-started b',
  ])
  expect(stage.pod('web')?.status?.phase).toBe('Running')
})

test('a failing init container is tried again with back-off, and the pod stays Pending', () => {
  const stage = new Stage({ runtime: { pullMicros: [100 * MILLISECOND, 100 * MILLISECOND] } }).run(1)
  stage.createPod('web', { initContainers: [container('one', { command: ['false'], ports: [] })] })
  stage.run(50)
  const starts = stage.of('container-started').map((fact) => Math.round(fact.at / SECOND))
  expect(starts).toHaveLength(4)
  const status = stage.pod('web')?.status
  expect(status?.phase).toBe('Pending')
  expect(status?.initContainerStatuses?.[0]).toMatchObject({
    restartCount: 3,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
  })
})

test('crash loop: again at once, then after 10, 20, 40 s', () => {
  const stage = new Stage({ apps: { app: { exitAfterMicros: SECOND, exitCode: 1 } } }).run(1)
  stage.createPod('web')
  stage.run(90)
  const starts = stage.of('container-started').map((fact) => fact.at)
  const gaps = starts.slice(1).map((at, index) => Math.round((at - (starts[index] as number)) / SECOND))
  expect(gaps[0]).toBeLessThanOrEqual(3)
  expect(gaps.slice(1)).toEqual([11, 21, 41])
  const status = stage.pod('web')?.status
  expect(status?.phase).toBe('Running')
  expect(status?.containerStatuses?.[0]?.restartCount).toBe(4)
  expect(isConditionTrue(status?.conditions, 'Ready')).toBe(false)
})

test('jobs: Succeeded and Failed, once, sandbox gone, never started again', () => {
  for (const [code, phase] of [
    [0, 'Succeeded'],
    [3, 'Failed'],
  ] as const) {
    const stage = new Stage({ apps: { app: { exitAfterMicros: 2 * SECOND, exitCode: code } } }).run(1)
    stage.createPod('job', { restartPolicy: 'Never' })
    stage.run(30)
    expect(stage.pod('job')?.status?.phase).toBe(phase)
    expect(stage.of('container-started')).toHaveLength(1)
    expect(stage.runtime.sandboxRecords()[0]?.state).toBe('stopped')
  }
})

test('image pulls that fail: ErrImagePull, then ImagePullBackOff, and the pod starts once they work', () => {
  const stage = new Stage().run(1)
  stage.runtime.failPulls('app', true)
  stage.createPod('web')
  stage.run(25)
  expect(stage.of('image-pull-failed').length).toBe(2)
  expect(stage.pod('web')?.status?.containerStatuses?.[0]?.state.waiting?.reason).toMatch(
    /ErrImagePull|ImagePullBackOff/,
  )
  stage.runtime.failPulls('app', false)
  stage.run(40)
  expect(stage.pod('web')?.status?.phase).toBe('Running')
})

test('a container called as its image is: its crash does not keep the image from being pulled', () => {
  const stage = new Stage({ apps: { app: { exitAfterMicros: 20 * SECOND, exitCode: 1 } } }).run(1)
  stage.createPod('web', { containers: [container('app', { image: 'app', imagePullPolicy: 'Always' })] })
  stage.run(35)
  expect(stage.of('image-pulled')).toHaveLength(2)
  expect(stage.of('container-started')).toHaveLength(2)
})

test('two pods of one image: the second finds it on the node', () => {
  const stage = new Stage().run(1)
  stage.createPod('one')
  stage.run(5)
  stage.createPod('two')
  stage.run(5)
  expect(stage.of('image-pulled')).toHaveLength(1)
  expect(stage.runtime.podAt('10.244.0.3')?.podKey).toBe('default/two')
})

test('a failing liveness probe: killed with the grace of the probe, started again', () => {
  const livenessProbe = {
    httpGet: { port: 8080 },
    periodSeconds: 2,
    failureThreshold: 2,
    terminationGracePeriodSeconds: 4,
  }
  const stage = new Stage({ apps: { app: { onTerm: 'ignore', startMicros: 0 } } }).run(1)
  stage.createPod('web', { containers: [container('app', { livenessProbe })] })
  stage.run(10)
  stage.runtime.setProbeResult('default/web', 'app', 'liveness', 'failure')
  stage.run(6)
  stage.runtime.setProbeResult('default/web', 'app', 'liveness', undefined)
  stage.run(30)
  expect(stage.of('stop-started')[0]).toMatchObject({ reason: 'liveness', graceSeconds: 4 })
  const [stop, kill] = [stage.of('stop-started')[0], stage.of('kill-sent')[0]]
  expect(((kill?.at ?? 0) - (stop?.at ?? 0)) / SECOND).toBeCloseTo(4, 1)
  expect(stage.of('container-started')).toHaveLength(2)
  expect(stage.pod('web')?.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true })
})

test('a startup probe holds the others back and kills what never starts', () => {
  const slow = { startMicros: 15 * SECOND }
  const probe = { httpGet: { port: 8080 }, periodSeconds: 5, failureThreshold: 2 }
  const stage = (failureThreshold: number) => {
    const made = new Stage({ apps: { app: slow } }).run(1)
    made.createPod('web', {
      containers: [
        container('app', { startupProbe: { ...probe, failureThreshold }, livenessProbe: probe, readinessProbe: probe }),
      ],
    })
    return made.run(40)
  }
  const patient = stage(6)
  expect(patient.of('stop-started')).toHaveLength(0)
  expect(isConditionTrue(patient.pod('web')?.status?.conditions, 'Ready')).toBe(true)
  expect(stage(2).of('stop-started')[0]?.reason).toBe('startup')
})

test('readiness flaps (fault) take the pod out and put it back, without a restart', () => {
  const readinessProbe = { httpGet: { port: 8080 }, periodSeconds: 2, failureThreshold: 2 }
  const stage = new Stage().run(1)
  stage.createPod('web', { containers: [container('app', { readinessProbe })] })
  stage.run(10)
  stage.runtime.setProbeResult('default/web', 'app', 'readiness', 'failure')
  stage.run(6)
  stage.runtime.setProbeResult('default/web', 'app', 'readiness', undefined)
  stage.run(6)
  expect(stage.of('pod-readiness').map((fact) => fact.ready)).toEqual([true, false, true])
  expect(stage.of('container-started')).toHaveLength(1)
})

test('postStart: the pod is not Running before it ends; a failure kills', () => {
  const stage = new Stage().run(1)
  const hook = (command: string[]) => ({ lifecycle: { postStart: { exec: { command } } } })
  stage.createPod('good', { containers: [container('app', hook(['sleep', '4']))] })
  stage.run(30)
  const ended = stage.of('poststart-ended')[0]?.at ?? 0
  const phase = stage.of('pod-phase').find((fact) => fact.phase === 'Running')?.at ?? 0
  expect(phase).toBeGreaterThan(ended)
  stage.createPod('bad', { terminationGracePeriodSeconds: 2, containers: [container('app', hook(['false']))] })
  stage.run(8)
  expect(stage.of('stop-started')[0]?.reason).toBe('poststart')
  expect(stage.pod('bad')?.status?.containerStatuses?.[0]?.state.waiting?.reason).toMatch(
    /PostStartHookError|CrashLoopBackOff/,
  )
})

test('an admission failure: Failed with the reason, nothing started, nothing else disturbed', () => {
  const stage = new Stage().run(1)
  const big = { containers: [container('app', { resources: { requests: { cpu: '3' } } })] }
  stage.createPod('one', big)
  stage.createPod('two', big)
  stage.run(8)
  expect(stage.pod('one')?.status?.phase).toBe('Running')
  expect(stage.pod('two')?.status).toMatchObject({ phase: 'Failed', reason: 'OutOfcpu' })
  expect(stage.of('pod-rejected')).toHaveLength(1)
  stage.deletePod('two')
  stage.run(1)
  expect(stage.kubelet.workers().size).toBe(1)
})

test('a deadline ends a running pod: Failed, DeadlineExceeded, only once stopped', () => {
  const stage = new Stage({ apps: { app: { onTerm: 'ignore' } } }).run(1)
  stage.createPod('web', { activeDeadlineSeconds: 10, terminationGracePeriodSeconds: 5 })
  stage.run(40)
  expect(stage.pod('web')?.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' })
  const failed = stage.of('pod-phase').find((fact) => fact.phase === 'Failed')
  expect(failed?.ready).toBe(false)
  expect(failed?.at ?? 0).toBeGreaterThan(stage.of('sandbox-stopped')[0]?.at ?? 0)
})

test('a kubelet crash: containers go on, are not started again, and readiness never drops', () => {
  const readinessProbe = { httpGet: { port: 8080 }, periodSeconds: 5 }
  const stage = new Stage().run(1)
  stage.createPod('web', {
    initContainers: [container('one', { ports: [] })],
    containers: [container('app', { readinessProbe, livenessProbe: readinessProbe })],
  })
  stage.run(15)
  stage.kernel.crash(stage.kubeletProcess)
  stage.run(5)
  expect(stage.runtime.accept('10.244.0.2', 8080)).toBe('accepted')
  stage.kernel.restart(stage.kubeletProcess)
  stage.run(30)
  expect(stage.story('container-started')).toEqual(['container-started one', 'container-started app'])
  expect(stage.of('pod-readiness').map((fact) => fact.ready)).toEqual([true])
  expect(stage.of('node-registered').map((fact) => fact.existed)).toEqual([false, true])
  expect(stage.pod('web')?.status?.containerStatuses?.[0]?.restartCount).toBe(0)
})

test('a pod deleted while the kubelet was down is stopped when it is back', () => {
  for (const forced of [false, true]) {
    const stage = new Stage().run(1)
    stage.createPod('web', { terminationGracePeriodSeconds: 5 })
    stage.run(8)
    stage.kernel.crash(stage.kubeletProcess)
    stage.deletePod('web', forced ? 0 : undefined)
    stage.run(3)
    stage.kernel.restart(stage.kubeletProcess)
    stage.run(20)
    expect(stage.of('termination-started')[0]?.cause).toBe(forced ? 'orphaned' : 'deleted')
    expect(stage.pod('web')).toBeUndefined()
    expect(stage.runtime.containerRecords()).toEqual([])
    expect(stage.kubelet.workers().size).toBe(0)
  }
})

test('a kubelet crash while a container is being stopped: no KILL of the dead kubelet; the next one stops it', () => {
  const stage = new Stage({ apps: { app: { onTerm: 'ignore' } } }).run(1)
  stage.createPod('web', { terminationGracePeriodSeconds: 6 })
  stage.run(8)
  stage.deletePod('web')
  stage.run(2)
  stage.kernel.crash(stage.kubeletProcess)
  stage.run(10)
  expect(stage.of('kill-sent')).toHaveLength(0)
  stage.kernel.restart(stage.kubeletProcess)
  stage.run(10)
  expect(stage.of('kill-sent')).toHaveLength(1)
  expect(stage.of('term-sent')).toHaveLength(1)
  expect(stage.pod('web')).toBeUndefined()
})

test('the host crashes: everything dies; pods come up again on another address, counted as restarted', () => {
  const stage = new Stage().run(1)
  stage.createPod('web', { initContainers: [container('one', { ports: [] })] })
  stage.run(10)
  stage.kernel.crashHost('node-0')
  stage.run(5)
  stage.kernel.restartHost('node-0')
  stage.run(15)
  expect(stage.story('container-started')).toEqual([
    'container-started one',
    'container-started app',
    'container-started one',
    'container-started app',
  ])
  const status = stage.pod('web')?.status
  expect(status?.containerStatuses?.[0]?.restartCount).toBe(1)
  expect(status?.podIP).not.toBe('10.244.0.2')
  expect(status?.podIP).toBe(stage.runtime.sandboxRecords()[0]?.ip)
  expect(stage.of('image-pulled').filter((fact) => fact.image === 'app:1')).toHaveLength(1)
})

test('the runtime stalls (fault): nothing starts until it is over; the node turns not ready after 30 s and recovers', () => {
  const stage = new Stage().run(1)
  stage.inRuntime((runtime, out) => runtime.stall(true, out))
  stage.createPod('web')
  stage.run(60)
  expect(stage.of('sandbox-started')).toHaveLength(0)
  expect(stage.of('node-status-written').at(-1)?.ready).toBe(false)
  stage.inRuntime((runtime, out) => runtime.stall(false, out))
  stage.run(15)
  expect(stage.pod('web')?.status?.phase).toBe('Running')
  expect(stage.of('node-status-written').at(-1)?.ready).toBe(true)
})

test('a crashed container (fault) is started again and counted', () => {
  const stage = new Stage().run(1)
  stage.createPod('web')
  stage.run(8)
  stage.inRuntime((runtime, out) => void runtime.crashContainer('default/web', 'app', 139, out))
  stage.run(5)
  expect(stage.pod('web')?.status?.containerStatuses?.[0]).toMatchObject({
    restartCount: 1,
    ready: true,
    lastState: { terminated: { exitCode: 139, reason: 'Error' } },
  })
})

test('an API that does not answer: the pod ends all the same, and is removed once it does', () => {
  const stage = new Stage().run(1)
  stage.createPod('web')
  stage.run(8)
  stage.deletePod('web')
  stage.run(0.01)
  stage.api.deaf = true
  stage.run(30)
  expect(stage.of('termination-finished')).toHaveLength(1)
  expect(stage.pod('web')).toBeDefined()
  stage.api.deaf = false
  stage.run(40)
  expect(stage.pod('web')).toBeUndefined()
})

test('somebody else marks the pod not ready: the kubelet puts it right within its 10 s round', () => {
  const stage = new Stage().run(1)
  stage.createPod('web')
  stage.run(8)
  const conditions = stage
    .pod('web')
    ?.status?.conditions?.map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'False' } : condition,
    )
  stage.patchPod('web', { status: { conditions } })
  stage.run(11)
  expect(isConditionTrue(stage.pod('web')?.status?.conditions, 'Ready')).toBe(true)
})

test('exited containers beyond one a name are collected within a minute', () => {
  const stage = new Stage({ apps: { app: { exitAfterMicros: SECOND, exitCode: 1 } } }).run(1)
  stage.createPod('web')
  stage.run(150)
  expect(stage.runtime.containerRecords().length).toBeLessThanOrEqual(3)
})
