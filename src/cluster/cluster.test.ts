/** Stories of a whole cluster: it comes up, people work on it, machines die, clients ask, and it comes to rest again. */
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import type { KubeObject } from '../objects/index.ts'
import { unconverged } from './convergence.ts'
import { deploymentOf, serviceOf, TestCluster } from './testing.ts'
import { SMALL_TOPOLOGY } from './topology.ts'

test('from nothing to ready pods with endpoints, over every node', () => {
  const world = new TestCluster().boot(deploymentOf('web', 4), serviceOf('web'))
  expect(world.readyPods('web')).toHaveLength(4)
  expect(new Set(world.pods('web').map((pod) => pod.spec.nodeName)).size).toBe(3)
  const [slice] = [...world.cluster.truth.list('endpointslices')]
  expect(slice?.endpoints.map((endpoint) => endpoint.addresses[0]).sort()).toEqual(
    world
      .pods('web')
      .map((pod) => pod.status?.podIP)
      .sort(),
  )
  expect(world.cluster.podsRunningOn('node-0').length).toBeGreaterThan(0)
})

test.each([
  { etcdMembers: 1, apiServers: 1, controllerManagers: 1, schedulers: 1, nodes: 1, zones: 1 },
  { etcdMembers: 5, apiServers: 3, controllerManagers: 3, schedulers: 3, nodes: 5, zones: 2 },
])('other sizes come up as well: %o', (topology) => {
  const world = new TestCluster({ topology }).boot(deploymentOf('web', 3))
  expect(world.readyPods('web')).toHaveLength(3)
  expect(world.cluster.etcdViews()).toHaveLength(topology.etcdMembers)
  expect(world.cluster.truth.count('nodes')).toBe(topology.nodes)
})

test('one seed, one run; another seed, another; nothing else tells them apart', () => {
  const hash = (seed: string) => {
    const world = new TestCluster({ seed }).boot(deploymentOf('web', 2))
    return world.cluster.kernel.fingerprint()
  }
  expect(hash('a')).toBe(hash('a'))
  expect(hash('a')).not.toBe(hash('b'))
})

test('with mean latencies the cluster comes up too', () => {
  const world = new TestCluster({ jitter: 'mean' }).boot(deploymentOf('web', 2))
  expect(world.readyPods('web')).toHaveLength(2)
})

test('scale up and down', () => {
  const world = new TestCluster().boot(deploymentOf('web', 2))
  const scaled = (replicas: number) => world.step({ kind: 'scale', namespace: 'default', deployment: 'web', replicas })
  scaled(5).settle()
  expect(world.readyPods('web')).toHaveLength(5)
  scaled(1).settle()
  expect(world.pods('web')).toHaveLength(1)
  expect(world.lastCode).toBe(200)
})

test('a new image rolls out, undo brings the old one back, restart replaces every pod', () => {
  const world = new TestCluster().boot(deploymentOf('web', 3))
  const images = () => new Set(world.pods('web').map((pod) => pod.spec.containers[0]?.image))
  const target = { namespace: 'default', deployment: 'web' } as const
  world.step({ kind: 'set-image', ...target, image: 'registry.example/web:v2' }).settle()
  expect(images()).toEqual(new Set(['registry.example/web:v2']))
  world.step({ kind: 'rollback', ...target }).settle()
  expect(images()).toEqual(new Set(['registry.example/web:v1']))
  const before = world.names('web')
  world.step({ kind: 'restart-rollout', ...target, token: 'x' }).settle()
  expect(world.names('web').filter((name) => before.includes(name))).toEqual([])
  expect(world.readyPods('web')).toHaveLength(3)
})

test('a paused rollout waits for its resumption', () => {
  const world = new TestCluster().boot(deploymentOf('web', 2))
  const target = { namespace: 'default', deployment: 'web' } as const
  world.step({ kind: 'pause-rollout', ...target }).run(2 * SECOND)
  world.step({ kind: 'set-image', ...target, image: 'registry.example/web:v2' }).run(20 * SECOND)
  expect(world.pods('web').map((pod) => pod.spec.containers[0]?.image)).toEqual(
    Array(2).fill('registry.example/web:v1'),
  )
  world.step({ kind: 'resume-rollout', ...target }).settle()
  expect(world.pods('web').map((pod) => pod.spec.containers[0]?.image)).toEqual(
    Array(2).fill('registry.example/web:v2'),
  )
})

test('a deleted pod is replaced; a deleted deployment takes everything with it', () => {
  const world = new TestCluster().boot(deploymentOf('web', 2), serviceOf('web'))
  const before = world.names('web')
  world.step({ kind: 'delete-pod', namespace: 'default', deployment: 'web', index: 0 }).settle()
  expect(world.names('web')).toHaveLength(2)
  expect(world.names('web')).not.toEqual(before)
  world.step({ kind: 'delete', resource: 'deployments', namespace: 'default', name: 'web' }).settle()
  expect(world.pods('web')).toEqual([])
  expect(world.cluster.truth.count('replicasets')).toBe(0)
})

test('drain empties a node, a budget permitting, and uncordon lets pods in again', () => {
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web', namespace: 'default' },
    spec: { minAvailable: 3, selector: { matchLabels: { app: 'web' } } },
  } as KubeObject
  const world = new TestCluster().boot(deploymentOf('web', 4), budget)
  let least = 4
  world.cluster.truth.onChange('pods', () => {
    least = Math.min(least, world.readyPods('web').length)
  })
  world.step({ kind: 'drain', node: 'node-1' }).settle()
  expect(world.pods('web').filter((pod) => pod.spec.nodeName === 'node-1')).toEqual([])
  expect(world.cluster.truth.get('nodes', 'node-1')?.spec?.unschedulable).toBe(true)
  expect(world.readyPods('web')).toHaveLength(4)
  expect(least).toBe(3)
  world.step({ kind: 'uncordon', node: 'node-1' }).settle()
  expect(world.cluster.truth.get('nodes', 'node-1')?.spec?.unschedulable).toBeUndefined()
})

test('a step that asks for what is not there ends with 404', () => {
  const world = new TestCluster().boot()
  world.step({ kind: 'scale', namespace: 'default', deployment: 'nobody', replicas: 3 }).run(5 * SECOND)
  expect(world.lastCode).toBe(404)
})

test('a node that loses power is replaced within minutes, and comes back empty', () => {
  const world = new TestCluster().boot(deploymentOf('web', 3))
  world.cluster.kernel.crashHost('node-2')
  world.run(400 * SECOND)
  expect(world.readyPods('web').filter((pod) => pod.spec.nodeName !== 'node-2').length).toBe(3)
  expect(unconverged(world.cluster.truth)).toContain('node node-2 is not Ready')
  world.cluster.kernel.restartHost('node-2')
  world.settle()
  expect(world.readyPods('web')).toHaveLength(3)
})

test.each([
  'etcd-0',
  'apiserver-0',
  'controller-manager-0',
  'scheduler-0',
  'kube-proxy-0',
  'kubelet-0',
  'coredns-0',
])('a crash of %s alone changes nothing but time', (name) => {
  const world = new TestCluster().boot(deploymentOf('web', 3), serviceOf('web'))
  const process = world.cluster.process(name)
  world.cluster.kernel.crash(process)
  world.step({ kind: 'scale', namespace: 'default', deployment: 'web', replicas: 5 }).run(60 * SECOND)
  world.cluster.kernel.restart(process)
  world.settle()
  expect(world.readyPods('web')).toHaveLength(5)
})

test('what is not converged is said in words', () => {
  const world = new TestCluster({ topology: { ...SMALL_TOPOLOGY, nodes: 1, zones: 1 } }).boot()
  world.cluster.boot([deploymentOf('web', 2), serviceOf('web')])
  world.run(SECOND / 2)
  expect(unconverged(world.cluster.truth).join('\n')).toMatch(/pods are available|ready pods|generation|pods, wants/)
  world.settle()
  expect(unconverged(world.cluster.truth)).toEqual([])
})

test('informers that lag are found out, and a process without informers cannot lag', () => {
  const world = new TestCluster().boot(deploymentOf('web', 2))
  expect(world.cluster.setInformerLag('kube-proxy-0', 3 * SECOND)).toBe(true)
  expect(world.cluster.setInformerLag('etcd-0', 3 * SECOND)).toBe(false)
  expect([...world.cluster.informers()].map(({ process }) => process)).toContain('kube-proxy-0')
})
