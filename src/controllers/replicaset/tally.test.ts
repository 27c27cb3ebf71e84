/** The counts that a set keeps of its pods equal a walk over them, after any changes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Labels, Pod } from '../../objects/index.ts'
import { pod, replicaSet } from '../testingpods.ts'
import { computePodClaims } from './claim.ts'
import { computeReplicaSetStatus, replicaSetStatusOf } from './status.ts'
import { PodTally } from './tally.ts'

const WALL = 1_735_693_200_000_000
const SHARED: Labels = { app: 'web', tier: 'front' }

const anyPod = fc
  .record({
    labels: fc.constantFrom<Labels | undefined>(SHARED, { app: 'web' }, { app: 'other' }, undefined),
    phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed'),
    ready: fc.boolean(),
    leaves: fc.boolean(),
  })
  .map(({ labels, phase, ready, leaves }): Pod => {
    const plain = pod('p', SHARED)
    const deletionTimestamp = leaves ? '2025-01-01T00:00:00Z' : undefined
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }] as const
    return {
      ...plain,
      metadata: { ...plain.metadata, labels, deletionTimestamp },
      status: { phase: phase as 'Running', conditions },
    }
  })

test('the counts equal those of a walk, or leave the walk to be made', () => {
  let counted = 0
  const set = replicaSet('web', 3)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.option(anyPod))), (changes) => {
      const tally = new PodTally()
      const present = new Map<string, Pod>()
      for (const [key, current] of changes) {
        const previous = present.get(key)
        if (previous !== undefined) tally.remove(previous)
        if (current === null) present.delete(key)
        else {
          tally.add(current)
          present.set(key, current)
        }
        const active = [...present.values()].filter(
          ({ status, metadata }) =>
            status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && metadata.deletionTimestamp === undefined,
        )
        const claims = computePodClaims(set, active, [])
        const counts = tally.countsFor(set)
        expect(counts === undefined).toBe(claims.releasable.length > 0)
        if (counts === undefined) continue
        counted++
        const walked = computeReplicaSetStatus(set, claims.owned, undefined, WALL)
        expect(replicaSetStatusOf(set, counts, undefined, WALL)).toEqual(walked.status)
      }
    }),
    { seed: 21, numRuns: 300 },
  )
  expect(counted).toBeGreaterThan(300)
})

test('a set that waits for its pods to become available has to look at each', () => {
  const tally = new PodTally()
  tally.add(pod('p', SHARED))
  expect(tally.countsFor(replicaSet('web', 1, { minReadySeconds: 5 }))).toBeUndefined()
})

test('taking off what was never counted breaks an invariant', () => {
  expect(() => new PodTally().remove(pod('p', SHARED))).toThrow('only a pod that was counted is taken off')
})
