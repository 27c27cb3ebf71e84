// Tables for the cores of the ReplicaSet controller: expectations, ranking, status, claims.
import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../../kernel/index.ts'
import { type Condition, type Pod, parseTime, type ReplicaSet } from '../../objects/index.ts'
import { controllerReference } from '../owners.ts'
import { pod, replicaSet } from '../testingpods.ts'
import { computePodClaims } from './claim.ts'
import { Expectations } from './expectations.ts'
import { computePodsToDelete } from './ranking.ts'
import { computeReplicaSetStatus, sameReplicaSetStatus } from './status.ts'

const NOW = '2025-01-01T01:00:00Z'
const WALL = parseTime(NOW)

interface Shape {
  readonly node?: string
  readonly phase?: 'Pending' | 'Running' | 'Unknown'
  readonly readySince?: string
  readonly restarts?: number
  readonly created?: string
  readonly cost?: string
}

function shaped(name: string, shape: Shape): Pod {
  const ready: Condition = {
    type: 'Ready',
    status: shape.readySince === undefined ? 'False' : 'True',
    lastTransitionTime: shape.readySince,
  }
  const plain = pod(name, { app: 'web' })
  return {
    ...plain,
    metadata: {
      ...plain.metadata,
      creationTimestamp: shape.created ?? '2025-01-01T00:00:00Z',
      annotations: shape.cost === undefined ? undefined : { 'controller.kubernetes.io/pod-deletion-cost': shape.cost },
    },
    spec: { ...plain.spec, nodeName: shape.node },
    status: {
      phase: shape.phase ?? 'Running',
      conditions: [ready],
      containerStatuses: [{ name: 'main', image: 'v1', ready: true, restartCount: shape.restarts ?? 0, state: {} }],
    },
  }
}

const settled: Shape = { node: 'n1', phase: 'Running', readySince: '2025-01-01T00:00:10Z' }

test.each<[string, Shape, Shape]>([
  ['without a node', { ...settled, node: undefined }, settled],
  ['pending', { ...settled, phase: 'Pending' }, settled],
  ['pending before unknown', { ...settled, phase: 'Pending' }, { ...settled, phase: 'Unknown' }],
  ['not ready', { ...settled, readySince: undefined }, settled],
  ['cheaper', { ...settled, cost: '-5' }, settled],
  [
    'cheap though older and ready',
    { ...settled, cost: '1' },
    { ...settled, cost: '2', readySince: '2025-01-01T00:59:59Z' },
  ],
  ['ready for a shorter time', { ...settled, readySince: '2025-01-01T00:59:00Z' }, settled],
  ['restarted more', { ...settled, restarts: 3 }, { ...settled, restarts: 1 }],
  ['created later', { ...settled, created: '2025-01-01T00:59:00Z' }, settled],
])('goes first: the one that is %s', (_name, first, second) => {
  const pods = [shaped('b-second', second), shaped('a-first', first)]
  expect(computePodsToDelete(pods, [], 1, WALL).map((entry) => entry.metadata.name)).toEqual(['a-first'])
  expect(computePodsToDelete([...pods].reverse(), [], 1, WALL).map((entry) => entry.metadata.name)).toEqual(['a-first'])
})

test('a node that holds several pods of the owner gives one up first, siblings counted', () => {
  const pods = [shaped('alone', settled), shaped('crowded', { ...settled, node: 'n2' })]
  const sibling = shaped('sibling', { ...settled, node: 'n2' })
  expect(computePodsToDelete(pods, [...pods, sibling], 1, WALL)[0]?.metadata.name).toBe('crowded')
})

test('ages within one power of two are equal: the uid decides', () => {
  const older = shaped('a', { ...settled, readySince: '2025-01-01T00:00:00Z' })
  const younger = shaped('b', { ...settled, readySince: '2025-01-01T00:05:00Z' })
  expect(computePodsToDelete([younger, older], [], 1, WALL)[0]?.metadata.name).toBe('a')
})

test('expectations: counted down by what is seen, given up after five minutes, forgotten with the owner', () => {
  const expectations = new Expectations()
  expect(expectations.satisfied('k', 0)).toBe(true)
  expectations.expectCreations('k', 2, 0)
  expect(expectations.satisfied('k', SECOND)).toBe(false)
  expectations.creationObserved('k')
  expect(expectations.satisfied('k', SECOND)).toBe(false)
  expectations.creationObserved('k')
  expectations.creationObserved('k')
  expect(expectations.satisfied('k', SECOND)).toBe(true)
  expectations.expectDeletions('k', ['default/a', 'default/b'], SECOND)
  expectations.deletionObserved('k', 'default/a')
  expectations.deletionObserved('k', 'default/a')
  expect(expectations.satisfied('k', 2 * SECOND)).toBe(false)
  expect(expectations.expiresAt('k')).toBe(SECOND + 5 * MINUTE)
  expect(expectations.satisfied('k', SECOND + 5 * MINUTE + 1)).toBe(true)
  expectations.forget('k')
  expect(expectations.satisfied('k', 2 * SECOND)).toBe(true)
})

test('status: counts, and when the next pod becomes available', () => {
  const set = replicaSet('web', 3, { minReadySeconds: 30 })
  const pods = [
    shaped('ready-long', settled),
    shaped('ready-short', { ...settled, readySince: '2025-01-01T00:59:40Z' }),
    shaped('not-ready', { ...settled, readySince: undefined }),
  ]
  const { status, nextAvailableMicros } = computeReplicaSetStatus(set, pods, undefined, WALL)
  expect(status).toMatchObject({ replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 2, availableReplicas: 1 })
  expect(nextAvailableMicros).toBe(10 * SECOND)
  expect(sameReplicaSetStatus(status, status)).toBe(true)
  const failed = computeReplicaSetStatus({ ...set, status }, pods, { reason: 'FailedCreate', message: 'quota' }, WALL)
  expect(failed.status.conditions).toMatchObject([{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }])
  expect(sameReplicaSetStatus(status, failed.status)).toBe(false)
})

test('claims: owned stay, selected orphans come, owned that no longer match go', () => {
  const set: ReplicaSet = { ...replicaSet('web', 1), metadata: { name: 'web', namespace: 'default', uid: 'rs' } }
  const owned = (name: string, app: string): Pod => {
    const plain = pod(name, { app })
    return { ...plain, metadata: { ...plain.metadata, ownerReferences: [controllerReference(set)] } }
  }
  const [mine, lost, orphan, stranger] = [
    owned('mine', 'web'),
    owned('lost', 'other'),
    pod('o', { app: 'web' }),
    pod('s', {}),
  ]
  const claims = computePodClaims(set, [mine, lost], [orphan, stranger])
  expect(claims).toEqual({ owned: [mine], adoptable: [orphan], releasable: [lost] })
  const going: ReplicaSet = { ...set, metadata: { ...set.metadata, deletionTimestamp: NOW } }
  expect(computePodClaims(going, [mine, lost], [orphan])).toEqual({ owned: [mine], adoptable: [], releasable: [] })
})
