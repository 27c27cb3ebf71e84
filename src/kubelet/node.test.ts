/** Stories of one node: what a pod's life looks like from the outside. */
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import { container, Stage } from './testing.ts'

test('a pod comes up: sandbox, image, container, Running and Ready, and its port answers', () => {
  const stage = new Stage().run(1)
  stage.createPod('web')
  stage.run(6)
  expect(stage.story('sandbox-started', 'image-pulled', 'container-started', 'pod-phase')).toEqual([
    'sandbox-started',
    'image-pulled',
    'container-started app',
    'pod-phase',
  ])
  const status = stage.pod('web')?.status
  expect(status?.phase).toBe('Running')
  expect(status?.podIP).toBe('10.244.0.2')
  expect(status?.conditions?.map((condition) => `${condition.type}=${condition.status}`)).toEqual([
    'PodReadyToStartContainers=True',
    'Initialized=True',
    'Ready=True',
    'ContainersReady=True',
    'PodScheduled=True',
  ])
  expect(stage.runtime.accept('10.244.0.2', 8080)).toBe('accepted')
  expect(stage.runtime.accept('10.244.0.2', 81)).toBe('refused')
  expect(stage.runtime.accept('10.244.0.9', 8080)).toBe('no-host')
})

test('a deleted pod drains, exits 0, loses its sandbox, is stored as Succeeded and removed', () => {
  const stage = new Stage().run(1)
  stage.createPod('web')
  stage.run(6)
  stage.deletePod('web')
  stage.run(3)
  expect(stage.story('term-sent', 'container-exited', 'sandbox-stopped', 'pod-removed')).toEqual([
    'term-sent app',
    'container-exited app',
    'sandbox-stopped',
    'pod-removed',
  ])
  expect(stage.pod('web')).toBeUndefined()
  expect(stage.api.podHistory.at(-1)?.pod.status?.phase).toBe('Succeeded')
  expect(stage.kubelet.workers().size).toBe(0)
  expect(stage.runtime.containerRecords()).toEqual([])
  expect(stage.runtime.sandboxRecords()).toEqual([])
})

test('the node registers once, is Ready, and renews its lease every 10 s or a little more', () => {
  const stage = new Stage().run(65)
  const node = stage.api.objects.get('nodes/node-0') as { status?: { conditions?: { type: string; status: string }[] } }
  expect(node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status).toBe('True')
  expect(stage.of('node-registered')).toHaveLength(1)
  const lease = stage.api.objects.get('leases/kube-node-lease/node-0')
  expect(Number(lease?.metadata.resourceVersion)).toBeGreaterThan(5)
})

test('a readiness probe makes the pod ready when the program is, and not before', () => {
  const stage = new Stage({ apps: { app: { startMicros: SECOND, readyMicros: 4 * SECOND } } }).run(1)
  const probe = { httpGet: { port: 8080 }, periodSeconds: 1 }
  stage.createPod('web', { containers: [container('app', { readinessProbe: probe })] })
  stage.run(30)
  const started = stage.of('container-started')[0]?.at ?? 0
  const ready = stage.of('pod-readiness').filter((fact) => fact.ready)
  expect(ready).toHaveLength(1)
  expect((ready[0]?.at ?? 0) - started).toBeGreaterThan(4 * SECOND)
  expect((ready[0]?.at ?? 0) - started).toBeLessThan(6.5 * SECOND)
})
