// What of an object's state counts, what of consensus, what of an order: differences that matter, and names that do not.
import { expect, test } from 'vitest'
import type { KubeObject, Resource } from '../../objects/index.ts'
import { Consensus } from './consensus.ts'
import { Encounters } from './encounters.ts'
import { FeatureSet } from './feature-set.ts'
import { Words } from './hash.ts'
import { stateOf } from './object-state.ts'

const words = new Words()

function object(parts: object, metadata: object = {}): KubeObject {
  return { metadata: { name: 'a', namespace: 'default', ...metadata }, ...parts } as unknown as KubeObject
}

const pod = (status: object, metadata: object = {}) => object({ spec: { nodeName: 'node-1' }, status }, metadata)
const container = (state: object, restartCount = 0, ready = false) => ({ name: 'c', state, restartCount, ready })
const deployment = (status: object, replicas = 3) =>
  object({ spec: { replicas }, status: { observedGeneration: 2, ...status } }, { generation: 2 })

test.each<[string, Resource, KubeObject, KubeObject]>([
  ['a phase', 'pods', pod({ phase: 'Pending' }), pod({ phase: 'Running' })],
  ['a deletion', 'pods', pod({}), pod({}, { deletionTimestamp: 'x' })],
  [
    'a condition',
    'pods',
    pod({ conditions: [{ type: 'Ready', status: 'True' }] }),
    pod({ conditions: [{ type: 'Ready', status: 'False' }] }),
  ],
  [
    'a reason to wait',
    'pods',
    pod({ containerStatuses: [container({ waiting: { reason: 'CrashLoopBackOff' } })] }),
    pod({ containerStatuses: [container({ waiting: { reason: 'ContainerCreating' } })] }),
  ],
  [
    'a restart',
    'pods',
    pod({ containerStatuses: [container({ running: {} })] }),
    pod({ containerStatuses: [container({ running: {} }, 1)] }),
  ],
  [
    'some replicas and all',
    'deployments',
    deployment({ replicas: 3, updatedReplicas: 2 }),
    deployment({ replicas: 3, updatedReplicas: 3 }),
  ],
  ['a generation that was not looked at', 'deployments', deployment({}), deployment({ observedGeneration: 1 })],
  ['a taint', 'nodes', object({ spec: {} }), object({ spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } })],
  ['a cordon', 'nodes', object({ spec: {} }), object({ spec: { unschedulable: true } })],
  [
    'an endpoint that terminates',
    'endpointslices',
    object({ endpoints: [{ addresses: [], conditions: { ready: true } }] }),
    object({ endpoints: [{ addresses: [], conditions: { ready: false, terminating: true } }] }),
  ],
  ['a finalizer', 'configmaps', object({}), object({}, { finalizers: ['a/b'] })],
  ['the resource', 'secrets', object({}), object({})],
])('%s makes another state', (_, resource, left, right) => {
  const other = resource === 'secrets' ? 'configmaps' : resource
  expect(stateOf(resource, left, words)).not.toBe(stateOf(other, right, words))
})

test.each<[string, Resource, KubeObject, KubeObject]>([
  [
    'a name',
    'pods',
    pod({ phase: 'Running' }),
    pod({ phase: 'Running' }, { name: 'b', uid: 'u', resourceVersion: '7' }),
  ],
  [
    'the order of containers',
    'pods',
    pod({ containerStatuses: [container({ running: {} }), container({ waiting: {} })] }),
    pod({ containerStatuses: [container({ waiting: {} }), container({ running: {} })] }),
  ],
  [
    'the third restart',
    'pods',
    pod({ containerStatuses: [container({ running: {} }, 2)] }),
    pod({ containerStatuses: [container({ running: {} }, 9)] }),
  ],
  [
    'two of five and three of five',
    'deployments',
    deployment({ replicas: 5, updatedReplicas: 2 }, 5),
    deployment({ replicas: 5, updatedReplicas: 3 }, 5),
  ],
  [
    'a message',
    'nodes',
    object({ spec: {}, status: { conditions: [{ type: 'Ready', status: 'True', message: 'a' }] } }),
    object({
      spec: {},
      status: { conditions: [{ type: 'Ready', status: 'True', message: 'b', lastHeartbeatTime: 't' }] },
    }),
  ],
])('%s does not', (_, resource, left, right) => {
  expect(stateOf(resource, left, words)).toBe(stateOf(resource, right, words))
})

test('members by number, not by name: three patterns make three features, whoever leads', () => {
  const patterns = (leader: number) => {
    const features = new FeatureSet()
    const consensus = new Consensus(features)
    const role = (process: number, word: 'follower' | 'candidate' | 'leader', term: number, following = 0) =>
      consensus.onRole(process, { type: 'raft-role', member: '', id: process, term, role: word, leader: following })
    for (const process of [1, 2, 3]) role(process, 'follower', 0)
    expect(consensus.hasLeader).toBe(false)
    role(leader, 'candidate', 1)
    role(leader, 'leader', 1)
    expect(consensus.hasLeader).toBe(true)
    for (const process of [1, 2, 3]) if (process !== leader) role(process, 'follower', 1, leader)
    expect(consensus.standingOf(leader)).toBe('leader')
    consensus.onCrash(leader)
    expect(consensus.hasLeader).toBe(false)
    return features.sorted()
  }
  expect(patterns(1)).toEqual(patterns(3))
  expect(patterns(1).length).toBeGreaterThan(8)
})

test('an order is of two processes and one object; which object and when is nothing, at once or later is something', () => {
  const shapes = (events: readonly (readonly [string, number, number, number])[]) => {
    const features = new FeatureSet()
    const encounters = new Encounters(features, words)
    for (const [key, what, who, at] of events) encounters.add('pods', key, what, who, at)
    return features.sorted()
  }
  expect(
    shapes([
      ['a', 1, 7, 0],
      ['a', 2, 7, 10],
    ]),
  ).toHaveLength(0)
  expect(
    shapes([
      ['a', 1, 7, 0],
      ['b', 2, 8, 10],
    ]),
  ).toHaveLength(0)
  const once = shapes([
    ['a', 1, 7, 0],
    ['a', 2, 8, 10],
  ])
  expect(once).toHaveLength(1)
  expect(
    shapes([
      ['b', 1, 3, 500],
      ['b', 2, 4, 600],
    ]),
  ).toEqual(once)
  expect(
    shapes([
      ['a', 2, 7, 0],
      ['a', 1, 8, 10],
    ]),
  ).not.toEqual(once)
  expect(
    shapes([
      ['a', 1, 7, 0],
      ['a', 2, 8, 1_000_000],
    ]),
  ).not.toEqual(once)
})
