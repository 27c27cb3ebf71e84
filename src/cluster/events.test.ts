// Events in a whole cluster: what the components tell, where it is kept, and that nothing depends on it.
import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../kernel/index.ts'
import type { CoreEvent } from '../objects/index.ts'
import { deploymentOf, TestCluster } from './testing.ts'

const OWN = { events: 'on', eventsEtcdMembers: 3 } as const

function told(world: TestCluster): CoreEvent[] {
  return [...world.cluster.truth.list('events')]
}

/** `Deployment/web ScalingReplicaSet`, once each. */
function words(world: TestCluster): string[] {
  const texts = told(world).map(
    ({ involvedObject: { kind }, reason, source }) => `${source.component} ${kind} ${reason}`,
  )
  return [...new Set(texts)].sort()
}

test('a deployment comes and goes, and the components tell so', () => {
  const world = new TestCluster({ topology: OWN }).boot(deploymentOf('web', 2))
  expect(words(world)).toEqual([
    'default-scheduler Pod Scheduled',
    'deployment-controller Deployment ScalingReplicaSet',
    'kubelet Pod Created',
    'kubelet Pod Pulled',
    'kubelet Pod Pulling',
    'kubelet Pod Started',
    'replicaset-controller ReplicaSet SuccessfulCreate',
  ])
  const scaled = told(world).filter(({ reason }) => reason === 'ScalingReplicaSet')
  expect(scaled).toMatchObject([
    { message: expect.stringMatching(/^Scaled up replica set web-\w+ from 0 to 2$/), count: 1 },
  ])
  world.step({ kind: 'scale', namespace: 'default', deployment: 'web', replicas: 1 }).settle()
  expect(words(world)).toEqual(
    expect.arrayContaining(['kubelet Pod Killing', 'replicaset-controller ReplicaSet SuccessfulDelete']),
  )
  for (const event of told(world)) expect(event.metadata.namespace).toBe(event.involvedObject.namespace ?? 'default')
})

test('without events nothing is told and nothing is served', () => {
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'web.1', namespace: 'default' },
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'web' },
    source: { component: 'me' },
  } as const
  for (const [topology, code] of [[{}, 404] as const, [OWN, 201] as const]) {
    const world = new TestCluster({ topology }).boot(deploymentOf('web', 1))
    expect(told(world).length > 0).toBe(code === 201)
    expect(world.step({ kind: 'apply', object: event }).run(SECOND).lastCode).toBe(code)
  }
})

test('events are in their own etcd, and in the main one when they have none', () => {
  for (const eventsEtcdMembers of [0, 3]) {
    const world = new TestCluster({ topology: { events: 'on', eventsEtcdMembers } }).boot(deploymentOf('web', 1))
    const main = world.cluster.etcdViews().map((view) => view.list('/registry/events/').length)
    expect(new Set(main).size).toBe(1)
    expect(main[0] === 0).toBe(eventsEtcdMembers > 0)
    expect(told(world).length).toBeGreaterThan(5)
  }
})

test('while the etcd of events is down the cluster goes on, and what could not be told is told later', () => {
  const world = new TestCluster({ topology: OWN }).boot(deploymentOf('web', 2))
  const { kernel } = world.cluster
  const members = [0, 1, 2].map((index) => world.cluster.process(`events-etcd-${index}`))
  for (const member of members) kernel.crash(member)
  const before = told(world).length
  world.step({ kind: 'scale', namespace: 'default', deployment: 'web', replicas: 4 }).settle()
  expect(world.readyPods('web').length).toBe(4)
  expect(told(world).length).toBe(before)
  for (const member of members) kernel.restart(member)
  world.run(3 * MINUTE)
  world.step({ kind: 'scale', namespace: 'default', deployment: 'web', replicas: 5 }).settle()
  world.run(MINUTE)
  expect(told(world).length).toBeGreaterThan(before)
})

test('an event is gone after an hour and a little, and one that is told again stays', () => {
  const world = new TestCluster({ topology: { ...OWN, nodes: 1 } }).boot(deploymentOf('web', 1))
  const first = told(world).length
  expect(first).toBeGreaterThan(5)
  world.run(59 * MINUTE)
  expect(told(world).length).toBe(first)
  world.run(4 * MINUTE)
  expect(told(world).length).toBe(0)
})

test('a node that is gone is told of, and so are the pods that are evicted from it', () => {
  const world = new TestCluster({ topology: OWN }).boot(deploymentOf('web', 3))
  world.cluster.kernel.crashHost('node-1')
  world.run(400 * SECOND)
  expect(words(world)).toEqual(
    expect.arrayContaining([
      'node-controller Node NodeNotReady',
      'node-controller Pod NodeNotReady',
      'taint-eviction-controller Pod TaintManagerEviction',
    ]),
  )
})
