/** When a cluster may be called quiet: nobody is down, behind or about to try again, and a rollout that people hold is no gap. */
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import { unconverged } from './convergence.ts'
import { deploymentOf, serviceOf, TestCluster } from './testing.ts'

test('a member of etcd that waits after a full disk is waited for', () => {
  const world = new TestCluster({ topology: { etcdMembers: 1 } }).boot(deploymentOf('web', 2))
  const disk = world.cluster.kernel.deviceOf(world.cluster.process('etcd-0'))
  const isUp = () => world.cluster.etcdViews().every((view) => view.isRunning)
  disk.setFull(true)
  world.run(5 * SECOND)
  disk.setFull(false)
  expect(isUp()).toBe(false)
  expect(unconverged(world.cluster.truth)).toEqual([])
  expect(world.cluster.isQuiet()).toBe(false)
  world.settle()
  expect(isUp()).toBe(true)
})

test('a member of etcd that was cut off is waited for until it has all', () => {
  const world = new TestCluster().boot(deploymentOf('web', 2))
  world.cluster.kernel.pause(world.cluster.process('etcd-1'))
  world.step({ kind: 'scale', namespace: 'default', deployment: 'web', replicas: 3 }).run(20 * SECOND)
  expect(world.readyPods('web')).toHaveLength(3)
  expect(world.cluster.isQuiet()).toBe(false)
  world.cluster.kernel.resume(world.cluster.process('etcd-1'))
  world.settle()
  const revisions = world.cluster.etcdViews().map((view) => view.revision)
  expect(revisions).toEqual(revisions.map(() => world.cluster.truth.revision))
})

test('a kube-proxy that could not load its rules is waited for until it tries again', () => {
  const world = new TestCluster().boot(deploymentOf('web', 2), serviceOf('web'))
  const network = world.cluster.networkOf('node-1')
  network.failRestores(100)
  world.step({ kind: 'scale', namespace: 'default', deployment: 'web', replicas: 3 }).run(15 * SECOND)
  network.failRestores(0)
  expect(network.failedRestores).toBeGreaterThan(0)
  expect(unconverged(world.cluster.truth)).toEqual([])
  expect(world.cluster.isQuiet()).toBe(false)
  const before = network.plans.get('default/web')
  world.settle()
  expect(network.plans.get('default/web')).not.toEqual(before)
})

test('a rollout that is paused half-way keeps its surge and counts as converged; one that is not paused does not', () => {
  const world = new TestCluster().boot(deploymentOf('web', 4))
  const web = { namespace: 'default', deployment: 'web' } as const
  world.step({ kind: 'set-image', ...web, image: 'registry.example/web:v2' }).run(SECOND / 2)
  expect(unconverged(world.cluster.truth).join()).toContain('its replica sets want 5 pods together, it wants 4')
  world.step({ kind: 'pause-rollout', ...web }).settle()
  const sizes = [...world.cluster.truth.list('replicasets')].map((set) => set.spec.replicas ?? 1)
  expect(sizes.filter((size) => size > 0).length).toBe(2)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(5)
  expect(unconverged(world.cluster.truth)).toEqual([])
  world.step({ kind: 'resume-rollout', ...web }).settle()
  expect(world.readyPods('web')).toHaveLength(4)
  expect(world.pods('web').every((pod) => pod.spec.containers[0]?.image.endsWith(':v2'))).toBe(true)
})

test('a node that is cordoned just as people stop takes pods again', () => {
  const world = new TestCluster({ topology: { nodes: 1, zones: 1 } }).boot(deploymentOf('web', 2))
  const etcd = [0, 1, 2].map((member) => world.cluster.process(`etcd-${member}`))
  for (const member of etcd) world.cluster.kernel.pause(member)
  world.step({ kind: 'drain', node: 'node-0' }).run(SECOND)
  world.cluster.stopLoad()
  for (const member of etcd) world.cluster.kernel.resume(member)
  const seen: unknown[] = []
  world.cluster.truth.onChange('nodes', ({ current }) => seen.push(current?.spec.unschedulable))
  world.settle()
  expect(seen).toContain(true)
  expect(world.cluster.truth.get('nodes', 'node-0')?.spec.unschedulable).toBeUndefined()
  expect(world.readyPods('web')).toHaveLength(2)
})
