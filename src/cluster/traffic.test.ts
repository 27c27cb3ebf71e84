/** What clients of services see: answers, refusals, resets and silence, through both modes of kube-proxy. */
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import { clientOf, deploymentOf, serviceOf, TestCluster } from './testing.ts'
import type { RequestOutcome } from './workload.ts'

function outcomes(world: TestCluster): Partial<Record<RequestOutcome, number>> {
  const counts: Partial<Record<RequestOutcome, number>> = {}
  for (const { outcome } of world.requests) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

test.each(['iptables', 'ipvs'] as const)('%s: requests are answered by every pod in turn', (proxyMode) => {
  const world = new TestCluster({ topology: { proxyMode } }).boot(deploymentOf('web', 3), serviceOf('web'))
  world.cluster.startTraffic([clientOf('web', { startMicros: world.cluster.kernel.now })])
  world.run(20 * SECOND)
  expect(Object.keys(outcomes(world))).toEqual(['ok'])
  expect(world.requests.length).toBeGreaterThan(70)
  expect(new Set(world.requests.map(({ backend }) => backend)).size).toBe(3)
})

test.each(['iptables', 'ipvs'] as const)('%s: one connection stays with one pod', (proxyMode) => {
  const world = new TestCluster({ topology: { proxyMode } }).boot(deploymentOf('web', 3), serviceOf('web'))
  world.cluster.startTraffic([clientOf('web', { keepAlive: true, startMicros: world.cluster.kernel.now })])
  world.run(10 * SECOND)
  expect(Object.keys(outcomes(world))).toEqual(['ok'])
  expect(new Set(world.requests.map(({ backend }) => backend)).size).toBe(1)
  expect(world.requests.filter(({ opened }) => opened)).toHaveLength(1)
})

test.each(['pod', 'node', 'outside'] as const)('a client that stands %s reaches a node port service', (from) => {
  const world = new TestCluster().boot(deploymentOf('web', 2), serviceOf('web', { type: 'NodePort' }))
  world.cluster.startTraffic([clientOf('web', { from, startMicros: world.cluster.kernel.now })])
  world.run(10 * SECOND)
  expect(Object.keys(outcomes(world))).toEqual(['ok'])
})

test('a headless service: the client goes to the pods themselves', () => {
  const world = new TestCluster().boot(deploymentOf('web', 2), serviceOf('web', { clusterIP: 'None' }))
  world.cluster.startTraffic([clientOf('web', { startMicros: world.cluster.kernel.now })])
  world.run(10 * SECOND)
  expect(Object.keys(outcomes(world))).toEqual(['ok'])
  const addresses = world.pods('web').map((pod) => `${pod.status?.podIP}:8080`)
  expect(addresses).toEqual(expect.arrayContaining([...new Set(world.requests.map(({ backend }) => backend))]))
})

test('iptables: a service without ready pods refuses; a name that nobody has is not resolved', () => {
  const world = new TestCluster().boot(deploymentOf('web', 0), serviceOf('web'))
  const startMicros = world.cluster.kernel.now
  world.cluster.startTraffic([clientOf('web', { startMicros }), clientOf('nobody', { startMicros })])
  world.run(10 * SECOND)
  expect(world.requests.filter(({ service }) => service === 'web').map(({ outcome }) => outcome)).toContain('refused')
  const others = world.requests.filter(({ service }) => service === 'nobody')
  expect(others.length).toBeGreaterThan(5)
  expect(new Set(others.map(({ outcome }) => outcome))).toEqual(new Set(['unresolved']))
})

test('a pod whose node lost power answers nothing: time-outs until it is taken out', () => {
  const world = new TestCluster().boot(deploymentOf('web', 3), serviceOf('web'))
  world.cluster.startTraffic([clientOf('web', { node: 'node-0', startMicros: world.cluster.kernel.now })])
  world.cluster.kernel.crashHost('node-1')
  world.run(30 * SECOND)
  expect(outcomes(world)['timed-out']).toBeGreaterThan(5)
  world.run(90 * SECOND)
  world.requests.length = 0
  world.run(20 * SECOND)
  expect(Object.keys(outcomes(world))).toEqual(['ok'])
})

test('a rollout without preStop loses requests, one that waits for the news to spread loses none', () => {
  const roll = (preStop: boolean) => {
    const container = preStop ? { lifecycle: { preStop: { sleep: { seconds: 5 } } } } : {}
    const world = new TestCluster().boot(deploymentOf('web', 3, container), serviceOf('web'))
    world.cluster.startTraffic([clientOf('web', { everyMicros: SECOND / 50, startMicros: world.cluster.kernel.now })])
    world.run(2 * SECOND)
    world.step({ kind: 'restart-rollout', namespace: 'default', deployment: 'web', token: 'x' }).run(90 * SECOND)
    const { ok = 0, ...lost } = outcomes(world)
    return { ok, lost: Object.values(lost).reduce((sum, count) => sum + count, 0) }
  }
  expect(roll(false).lost).toBeGreaterThan(0)
  const gentle = roll(true)
  expect(gentle.lost).toBe(0)
  expect(gentle.ok).toBeGreaterThan(1000)
})

test.each([true, false])('ipvs: an open connection goes through its node; servers that drain keep it: %s', (drains) => {
  const world = new TestCluster({
    topology: { proxyMode: 'ipvs' },
    decisions: { proxy: { drainsRealServers: () => drains } },
  }).boot(deploymentOf('web', 2, { lifecycle: { preStop: { sleep: { seconds: 10 } } } }), serviceOf('web'))
  world.cluster.startTraffic([clientOf('web', { keepAlive: true, startMicros: world.cluster.kernel.now })])
  world.run(3 * SECOND)
  for (const index of [0, 1])
    world.step({ kind: 'delete-pod', namespace: 'default', deployment: 'web', index }).run(4 * SECOND)
  // The second connection was opened to the second pod.
  expect(outcomes(world).reset ?? 0).toBe(drains ? 0 : 2)
})

test('a client with few source ports takes them in turn', () => {
  const world = new TestCluster({ topology: { proxyMode: 'ipvs' } }).boot(deploymentOf('web', 2), serviceOf('web'))
  world.cluster.startTraffic([clientOf('web', { sourcePorts: 4, startMicros: world.cluster.kernel.now })])
  world.run(10 * SECOND)
  expect(Object.keys(outcomes(world))).toEqual(['ok'])
  expect(world.requests.length).toBeGreaterThan(30)
  expect(world.cluster.networkOf('node-0').ipvs().connectionCount).toBe(4)
})
