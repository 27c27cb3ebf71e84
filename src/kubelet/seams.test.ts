/** Each seam of a historical bug in one story: with the bug it shows, without it it does not. Those of stopping are in termination.test.ts. */
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import { isConditionTrue } from '../objects/index.ts'
import type { KubeletDecisions } from './decisions.ts'
import { container, Stage } from './testing.ts'

const withBug = (decisions: Partial<KubeletDecisions>) =>
  new Stage({ decisions, apps: { job: { exitAfterMicros: 2 * SECOND } } }).run(1)

test('seam kubelet-reruns-init-containers: after a prune, initialisation runs beside the live container', () => {
  const run = (decisions: Partial<KubeletDecisions>) => {
    const stage = withBug(decisions)
    stage.createPod('web', { initContainers: [container('one', { ports: [] })] })
    stage.run(10)
    stage.inRuntime((runtime, out) => void runtime.collectExited(out))
    stage.run(10)
    return stage.story('container-started')
  }
  const right = ['container-started one', 'container-started app']
  expect(run({})).toEqual(right)
  expect(run({ isInitialized: () => false })).toEqual([...right, 'container-started one'])
})

test('seam kubelet-ready-true-on-terminal-pod: Failed and Ready at once', () => {
  const run = (decisions: Partial<KubeletDecisions>) => {
    const stage = withBug(decisions)
    stage.createPod('web', { activeDeadlineSeconds: 8 })
    stage.run(20)
    const { phase, conditions } = stage.pod('web')?.status ?? {}
    return `${phase} ${isConditionTrue(conditions, 'Ready')}`
  }
  expect(run({})).toBe('Failed false')
  const storedConditions: KubeletDecisions['storedConditions'] = (_phase, computed, previous) => previous ?? computed
  const onlyTerminal: KubeletDecisions['storedConditions'] = (phase, computed, previous) =>
    phase === 'Failed' || phase === 'Succeeded' ? storedConditions(phase, computed, previous) : computed
  expect(run({ storedConditions: onlyTerminal })).toBe('Failed true')
})

test('seam kubelet-terminal-before-stopped: the replacement is bound and rejected', () => {
  const run = (decisions: Partial<KubeletDecisions>) => {
    const stage = new Stage({
      decisions,
      apps: { job: { exitAfterMicros: 2 * SECOND } },
      runtime: { stopSandboxMicros: [3 * SECOND, 3 * SECOND] },
    }).run(1)
    const spec = {
      restartPolicy: 'Never' as const,
      containers: [container('job', { resources: { requests: { cpu: '3' } } })],
    }
    stage.createPod('one', spec)
    while (stage.pod('one')?.status?.phase !== 'Succeeded' && stage.kernel.now < 60 * SECOND) stage.run(0.1)
    stage.createPod('two', spec)
    stage.run(10)
    return stage.pod('two')?.status?.phase
  }
  expect(run({})).not.toBe('Failed')
  expect(run({ storedPhase: (computed) => computed })).toBe('Failed')
})

test('seam kubelet-restarts-finished-pods: a restart counts what had ended', () => {
  const run = (decisions: Partial<KubeletDecisions>) => {
    const stage = withBug(decisions)
    const resources = { requests: { cpu: '3' } }
    stage.createPod('done', { restartPolicy: 'Never', containers: [container('job', { resources })] })
    stage.run(10)
    stage.kernel.crash(stage.kubeletProcess)
    stage.createPod('new', { containers: [container('app', { resources })] })
    stage.run(1)
    stage.kernel.restart(stage.kubeletProcess)
    stage.run(10)
    return stage.pod('new')?.status?.phase
  }
  expect(run({})).toBe('Running')
  expect(run({ isFinished: () => false })).toBe('Failed')
})

test('seam kubelet-restarts-finished-pods: after a reboot what had ended runs again', () => {
  const run = (decisions: Partial<KubeletDecisions>) => {
    const stage = withBug(decisions)
    stage.createPod('done', { restartPolicy: 'Never', containers: [container('job')] })
    stage.run(10)
    stage.kernel.crashHost('node-0')
    stage.kernel.restartHost('node-0')
    stage.run(10)
    return stage.of('container-started').length
  }
  expect(run({})).toBe(1)
  expect(run({ isFinished: () => false })).toBe(2)
})
