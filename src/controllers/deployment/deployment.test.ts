// Tables for the arithmetic of deployments: bounds, steps up and down, proportional scaling, conditions.
import { expect, test } from 'vitest'
import { SECOND } from '../../kernel/index.ts'
import { type Deployment, type IntOrString, parseTime, type ReplicaSet } from '../../objects/index.ts'
import { deployment as makeDeployment, replicaSet } from '../testingpods.ts'
import { DESIRED_REPLICAS, MAX_REPLICAS, newSetAnnotations } from './annotations.ts'
import { computeNewReplicas, resolveFenceposts } from './fenceposts.ts'
import { computeProportionalScale, isScalingEvent } from './proportional.ts'
import { computeScaleDown } from './rolling.ts'
import { computeSets, findActiveOrLatest, newReplicaSet } from './sets.ts'
import {
  computeDeploymentStatus,
  computePauseCondition,
  computeRolloutStatus,
  nextProgressCheckMicros,
} from './status.ts'

const WALL = parseTime('2025-01-01T00:10:00Z')

function rolling(replicas: number, maxSurge: IntOrString, maxUnavailable: IntOrString): Deployment {
  return makeDeployment('web', replicas, {
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
  })
}

function sized(name: string, replicas: number, available = replicas, created = '2025-01-01T00:00:00Z'): ReplicaSet {
  const set = replicaSet(name, replicas)
  return {
    ...set,
    metadata: { ...set.metadata, uid: name, creationTimestamp: created },
    status: { replicas, availableReplicas: available, readyReplicas: available },
  }
}

test.each<[number, IntOrString, IntOrString, number, number]>([
  [10, '25%', '25%', 3, 2],
  [4, '25%', '25%', 1, 1],
  [1, '25%', '25%', 1, 0],
  [3, 0, 0, 0, 1],
  [3, '0%', '10%', 0, 1],
  [2, 0, 5, 0, 2],
  [0, '25%', '25%', 0, 0],
])('bounds of %i replicas with surge %s and unavailable %s', (replicas, surge, unavailable, maxSurge, maxUnavailable) => {
  expect(resolveFenceposts(rolling(replicas, surge, unavailable))).toEqual({ maxSurge, maxUnavailable })
})

test.each<[string, number, number[], number, number, number]>([
  ['room for the surge', 10, [10], 0, 3, 3],
  ['no room while the old sets are full', 10, [10, 3], 3, 3, 3],
  ['as much as the old ones gave up', 10, [5, 3], 3, 3, 8],
  ['never past the size', 10, [0, 8], 8, 5, 10],
  ['a first rollout is made at once', 4, [], 0, 1, 4],
])('new set: %s', (_name, replicas, sizes, present, maxSurge, expected) => {
  const sets = sizes.map((size, index) => sized(`rs-${index}`, size))
  expect(computeNewReplicas(rolling(replicas, maxSurge, 0), sets, present, { maxSurge, maxUnavailable: 0 })).toBe(
    expected,
  )
})

test.each<[string, number, number, [number, number][], [number, number], number[]]>([
  ['nothing while the new pods are not available', 10, 2, [[8, 8]], [5, 0], []],
  ['one leaves for each that became available', 10, 2, [[8, 8]], [5, 2], [6]],
  ['unhealthy ones first, even before availability', 10, 2, [[10, 6]], [0, 0], [8]],
  [
    'the oldest set first',
    10,
    0,
    [
      [4, 4],
      [6, 6],
    ],
    [3, 3],
    [1],
  ],
  [
    'several sets in one step',
    4,
    4,
    [
      [2, 2],
      [2, 2],
    ],
    [4, 4],
    [0, 0],
  ],
])('old sets: %s', (_name, replicas, maxUnavailable, old, [size, available], expected) => {
  const active = old.map(([sizeOf, availableOf], index) =>
    sized(`old-${index}`, sizeOf, availableOf, `2025-01-01T00:0${index}:00Z`),
  )
  const resizes = computeScaleDown(rolling(replicas, 3, maxUnavailable), active, sized('new', size, available), {
    maxSurge: 3,
    maxUnavailable,
  })
  expect(resizes.map((resize) => resize.replicas)).toEqual(expected)
})

function annotated(set: ReplicaSet, desired: number, max: number): ReplicaSet {
  const annotations = { [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(max) }
  return { ...set, metadata: { ...set.metadata, annotations } }
}

test.each<[string, number, number, number, number, number[], number[]]>([
  ['up from 5 to 15', 15, 2, 5, 7, [4, 3], [10, 7]],
  ['down from 10 to 5', 5, 0, 10, 10, [5, 5], [2, 3]],
  ['to nothing', 0, 0, 10, 10, [7, 3], [0, 0]],
  ['leftover to the largest', 10, 1, 3, 4, [3, 1], [8, 3]],
])('proportional scaling: %s', (_name, replicas, maxSurge, before, maxBefore, sizes, expected) => {
  const deployment = rolling(replicas, maxSurge, 0)
  const [oldSize, newSize] = sizes as [number, number]
  const old = annotated(sized('old', oldSize), before, maxBefore)
  const newSet = annotated(sized('new', newSize, 0, '2025-01-01T00:01:00Z'), before, maxBefore)
  expect(isScalingEvent(deployment, [old, newSet])).toBe(true)
  const resizes = computeProportionalScale(deployment, newSet, [old], { maxSurge, maxUnavailable: 0 })
  const sizeOf = (name: string) => resizes.find((resize) => resize.set.metadata.name === name)?.replicas
  expect([sizeOf('old'), sizeOf('new')]).toEqual(expected)
})

test('one active set is scaled alone; a full new set ends the old ones', () => {
  const deployment = rolling(6, 2, 0)
  expect(
    computeProportionalScale(deployment, sized('new', 4), [], { maxSurge: 2, maxUnavailable: 0 })[0]?.replicas,
  ).toBe(6)
  const saturated = annotated(sized('new', 6), 6, 8)
  const resizes = computeProportionalScale(deployment, saturated, [sized('old', 2)], { maxSurge: 2, maxUnavailable: 0 })
  expect(resizes.map((resize) => [resize.set.metadata.name, resize.replicas])).toEqual([['old', 0]])
})

test('sets are told apart by template, whatever the hash label; the oldest match is the new one', () => {
  const deployment = { ...rolling(2, 1, 0), metadata: { name: 'web', namespace: 'default', uid: 'd' } }
  const made = newReplicaSet(deployment, 2, 1, { maxSurge: 1, maxUnavailable: 0 })
  expect(made.metadata.name).toBe(`web-${made.metadata.labels?.['pod-template-hash']}`)
  const other = newReplicaSet({ ...deployment, spec: makeDeployment('web', 2, {}, 'v2').spec }, 2, 2, {
    maxSurge: 1,
    maxUnavailable: 0,
  })
  expect(other.metadata.name).not.toBe(made.metadata.name)
  const sets = computeSets(deployment, [other, made])
  expect([sets.newSet, sets.old]).toEqual([made, [other]])
  expect(findActiveOrLatest(undefined, [sized('a', 0), sized('b', 0, 0, '2025-01-01T00:05:00Z')])?.metadata.name).toBe(
    'b',
  )
})

test('a revision only rises, and remembers where it was', () => {
  const deployment = {
    ...rolling(1, 1, 0),
    metadata: { name: 'web', annotations: { note: 'x', 'deployment.kubernetes.io/revision': '9' } },
  }
  const first = newSetAnnotations(deployment, undefined, 3)
  expect(first).toEqual({ note: 'x', 'deployment.kubernetes.io/revision': '3' })
  expect(newSetAnnotations(deployment, first, 2)).toEqual(first)
  expect(newSetAnnotations(deployment, first, 7)).toEqual({
    note: 'x',
    'deployment.kubernetes.io/revision': '7',
    'deployment.kubernetes.io/revision-history': '3',
  })
})

test('conditions: progress, deadline, completion, pause', () => {
  const fenceposts = { maxSurge: 1, maxUnavailable: 0 }
  let deployment: Deployment = { ...rolling(2, 1, 0), metadata: { name: 'web', generation: 1 } }
  deployment = { ...deployment, spec: { ...deployment.spec, progressDeadlineSeconds: 60 } }
  const step = (sets: readonly ReplicaSet[], newSet: ReplicaSet, wall: number) => {
    const counts = computeDeploymentStatus(deployment, sets, newSet, fenceposts, wall)
    const status = computeRolloutStatus(deployment, counts, sets, newSet, wall)
    deployment = { ...deployment, status }
    return status.conditions?.map((condition) => `${condition.type}=${condition.status} ${condition.reason}`)
  }
  const starting = sized('new', 2, 0)
  expect(step([starting], starting, WALL)).toEqual([
    'Available=False MinimumReplicasUnavailable',
    'Progressing=True ReplicaSetUpdated',
  ])
  expect(nextProgressCheckMicros(deployment, deployment.status as never, WALL + 20 * SECOND)).toBe(41 * SECOND)
  expect(step([starting], starting, WALL + 60 * SECOND)?.[1]).toBe('Progressing=True ReplicaSetUpdated')
  expect(step([starting], starting, WALL + 61 * SECOND)?.[1]).toBe('Progressing=False ProgressDeadlineExceeded')
  const done = sized('new', 2)
  expect(step([done], done, WALL + 90 * SECOND)).toEqual([
    'Available=True MinimumReplicasAvailable',
    'Progressing=True NewReplicaSetAvailable',
  ])
  expect(nextProgressCheckMicros(deployment, deployment.status as never, WALL + 91 * SECOND)).toBeUndefined()
  expect(computePauseCondition({ ...deployment, spec: { ...deployment.spec, paused: true } })?.reason).toBe(
    'DeploymentPaused',
  )
  expect(computePauseCondition(deployment)).toBeUndefined()
})
