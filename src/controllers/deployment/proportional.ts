/**
 * What becomes of the sizes of a deployment's sets when the deployment is scaled while a rollout is under way or paused.
 * Models kubernetes pkg/controller/deployment sync.go scale and deployment_util.go GetReplicaSetFraction, v1.33.
 */
import { invariant } from '../../kernel/index.ts'
import type { Deployment, ReplicaSet } from '../../objects/index.ts'
import { DESIRED_REPLICAS, MAX_REPLICAS, numberAnnotation } from './annotations.ts'
import { desiredReplicas, type Fenceposts, isRollingUpdate, sumDesired } from './fenceposts.ts'
import { compareBySizeNewer, compareBySizeOlder } from './order.ts'
import type { Resize } from './rolling.ts'
import { findActiveOrLatest } from './sets.ts'

/** True when an active set was last sized for another number of replicas than the deployment wants now. */
export function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  for (const set of sets) {
    if (desiredReplicas(set) === 0) continue
    const sizedFor = numberAnnotation(set, DESIRED_REPLICAS)
    if (sizedFor !== undefined && sizedFor !== desiredReplicas(deployment)) return true
  }
  return false
}

/** The sizes to write, sets that only need their annotations renewed included. */
export function computeProportionalScale(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  fenceposts: Fenceposts,
): readonly Resize[] {
  const replicas = desiredReplicas(deployment)
  const single = findActiveOrLatest(newSet, old)
  if (single !== undefined) return desiredReplicas(single) === replicas ? [] : [{ set: single, replicas }]
  const activeOld = old.filter((set) => desiredReplicas(set) > 0)
  if (newSet !== undefined && isSaturated(deployment, newSet)) return activeOld.map((set) => ({ set, replicas: 0 }))
  if (!isRollingUpdate(deployment)) return []
  const active = newSet !== undefined && desiredReplicas(newSet) > 0 ? [...activeOld, newSet] : activeOld
  const allowed = replicas > 0 ? replicas + fenceposts.maxSurge : 0
  const toAdd = allowed - sumDesired(active)
  active.sort(toAdd > 0 ? compareBySizeNewer : compareBySizeOlder)
  let added = 0
  const sizes = active.map((set) => {
    const share = toAdd === 0 ? 0 : proportion(set, deployment, allowed, toAdd, added)
    added += share
    return desiredReplicas(set) + share
  })
  return active.map((set, index) => {
    const leftover = index === 0 ? toAdd - added : 0
    const size = Math.max(0, (sizes[index] as number) + leftover)
    invariant(Number.isInteger(size), 'controllers: sizes are whole', { size })
    return { set, replicas: size }
  })
}

/** True when the new set alone is at full size, wants nothing more, and all its pods are available. */
export function isSaturated(deployment: Deployment, newSet: ReplicaSet): boolean {
  const replicas = desiredReplicas(deployment)
  const sizedFor = numberAnnotation(newSet, DESIRED_REPLICAS)
  return desiredReplicas(newSet) === replicas && sizedFor === replicas && newSet.status?.availableReplicas === replicas
}

function proportion(set: ReplicaSet, deployment: Deployment, allowed: number, toAdd: number, added: number): number {
  const size = desiredReplicas(set)
  if (size === 0 || toAdd === added) return 0
  const fraction = fractionOf(set, size, deployment, allowed)
  return toAdd > 0 ? Math.min(fraction, toAdd - added) : Math.max(fraction, toAdd - added)
}

function fractionOf(set: ReplicaSet, size: number, deployment: Deployment, allowed: number): number {
  if (desiredReplicas(deployment) === 0) return -size
  const before = numberAnnotation(set, MAX_REPLICAS) || deployment.status?.replicas || 0
  if (before === 0) return 0
  return Math.floor((size * allowed * 2 + before) / (2 * before)) - size
}
