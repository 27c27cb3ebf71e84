/**
 * The bounds of a rolling update. Models kubernetes pkg/controller/deployment/util ResolveFenceposts, MaxSurge, MaxUnavailable and
 * NewRSNewReplicas, v1.33. Surge rounds up, unavailability down; if both come to 0, one pod may be unavailable.
 */
import { invariant } from '../../kernel/index.ts'
import type { Deployment, ReplicaSet } from '../../objects/index.ts'
import { scaledCount } from '../../objects/intorstring.ts'

export interface Fenceposts {
  /** Pods above `spec.replicas` that may exist. */
  readonly maxSurge: number
  /** Pods below `spec.replicas` that may be unavailable. */
  readonly maxUnavailable: number
}

const NO_LEEWAY: Fenceposts = Object.freeze({ maxSurge: 0, maxUnavailable: 0 })

/** `spec.replicas`, 1 when left out. */
export function desiredReplicas(object: Deployment | ReplicaSet): number {
  return object.spec.replicas ?? 1
}

/** True unless the strategy is Recreate. */
export function isRollingUpdate(deployment: Deployment): boolean {
  return deployment.spec.strategy?.type !== 'Recreate'
}

/** The two bounds for this deployment at its present size; both 0 for Recreate. */
export function resolveFenceposts(deployment: Deployment): Fenceposts {
  if (!isRollingUpdate(deployment)) return NO_LEEWAY
  const replicas = desiredReplicas(deployment)
  const parameters = deployment.spec.strategy?.rollingUpdate
  const maxSurge = scaledCount(parameters?.maxSurge ?? '25%', replicas, 'up')
  let maxUnavailable = scaledCount(parameters?.maxUnavailable ?? '25%', replicas, 'down')
  if (maxSurge === 0 && maxUnavailable === 0) maxUnavailable = 1
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) }
}

/** Pods that must be available at every moment of the rollout. */
export function minAvailable(deployment: Deployment, fenceposts: Fenceposts): number {
  return desiredReplicas(deployment) - fenceposts.maxUnavailable
}

/** How large the new ReplicaSet may be now, given the sizes of all sets (the new one included). */
export function computeNewReplicas(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newReplicas: number,
  fenceposts: Fenceposts,
): number {
  const replicas = desiredReplicas(deployment)
  if (!isRollingUpdate(deployment)) return replicas
  const allowed = replicas + fenceposts.maxSurge - sumDesired(all)
  if (allowed <= 0) return newReplicas
  const size = newReplicas + Math.min(allowed, replicas - newReplicas)
  invariant(size <= replicas, 'controllers: a new set never grows past the deployment', { size, replicas })
  return size
}

export function sumDesired(sets: readonly ReplicaSet[]): number {
  let sum = 0
  for (const set of sets) sum += desiredReplicas(set)
  return sum
}

export function sumAvailable(sets: readonly ReplicaSet[]): number {
  let sum = 0
  for (const set of sets) sum += set.status?.availableReplicas ?? 0
  return sum
}
