/**
 * One step down for the old ReplicaSets of a rolling update: unhealthy replicas first, then as many as availability permits.
 * Models kubernetes pkg/controller/deployment/rolling.go reconcileOldReplicaSets, v1.33.
 */
import { invariant } from '../../kernel/index.ts'
import type { Deployment, ReplicaSet } from '../../objects/index.ts'
import { desiredReplicas, type Fenceposts, minAvailable, sumAvailable, sumDesired } from './fenceposts.ts'
import { compareByCreation } from './order.ts'

/** A new size for one set. */
export interface Resize {
  readonly set: ReplicaSet
  readonly replicas: number
}

/**
 * The sizes that the old sets may shrink to now, in the order in which to write them. `active` are the old sets with replicas,
 * `newSet` the one of the present template. Empty when nothing may go.
 */
export function computeScaleDown(
  deployment: Deployment,
  active: readonly ReplicaSet[],
  newSet: ReplicaSet,
  fenceposts: Fenceposts,
): readonly Resize[] {
  if (sumDesired(active) === 0) return []
  const wanted = minAvailable(deployment, fenceposts)
  const newUnavailable = desiredReplicas(newSet) - (newSet.status?.availableReplicas ?? 0)
  const leeway = sumDesired(active) + desiredReplicas(newSet) - wanted - newUnavailable
  if (leeway <= 0) return []
  const sizes = new Map<ReplicaSet, number>()
  const oldest = [...active].sort(compareByCreation)
  if (!cleanUpUnhealthy(oldest, leeway, sizes)) return []
  shrinkByAvailability(oldest, sumAvailable(active) + (newSet.status?.availableReplicas ?? 0) - wanted, sizes)
  const resizes: Resize[] = []
  for (const [set, replicas] of sizes) {
    invariant(replicas >= 0 && replicas < desiredReplicas(set), 'controllers: a rollout only shrinks old sets', {
      set: set.metadata.name,
      replicas,
    })
    resizes.push({ set, replicas })
  }
  return resizes
}

/**
 * Shrinks by what is not available anyway. False when a set has more available than it is meant to have: its status lags behind its
 * last resize and cannot be counted on, so the whole step is put off (upstream fails there as on an invalid request).
 */
function cleanUpUnhealthy(sets: readonly ReplicaSet[], most: number, sizes: Map<ReplicaSet, number>): boolean {
  let left = most
  for (const set of sets) {
    if (left <= 0) return true
    const size = desiredReplicas(set)
    const unhealthy = size - (set.status?.availableReplicas ?? 0)
    if (size === 0 || unhealthy === 0) continue
    if (unhealthy < 0) return false
    const going = Math.min(left, unhealthy)
    sizes.set(set, size - going)
    left -= going
  }
  return true
}

function shrinkByAvailability(sets: readonly ReplicaSet[], most: number, sizes: Map<ReplicaSet, number>): void {
  let left = most
  for (const set of sets) {
    if (left <= 0) return
    const size = sizes.get(set) ?? desiredReplicas(set)
    if (size === 0) continue
    const going = Math.min(size, left)
    sizes.set(set, size - going)
    left -= going
  }
}
