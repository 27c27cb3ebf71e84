/**
 * A deployment's status and what its conditions say of the rollout's progress. Models kubernetes pkg/controller/deployment
 * sync.go calculateStatus, progress.go syncRolloutStatus, v1.33. Times are wall-clock Unix microseconds.
 */
import { type Micros, SECOND } from '../../kernel/index.ts'
import { findCondition, withCondition, withoutCondition } from '../../objects/conditions.ts'
import type { Condition, Deployment, ReplicaSet } from '../../objects/index.ts'
import { copyWith } from '../../objects/index.ts'
import { parseTime, timestamp } from '../../objects/time.ts'
import { desiredReplicas, type Fenceposts, sumAvailable, sumDesired } from './fenceposts.ts'

export type DeploymentStatus = NonNullable<Deployment['status']>

/** No deadline: the value that upstream's clients use for "none". */
const NO_DEADLINE_SECONDS = 2_147_483_647
const PROGRESSING = 'Progressing'

/** The counts and the Available condition, without judging progress. */
export function computeDeploymentStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  fenceposts: Fenceposts,
  wall: Micros,
): DeploymentStatus {
  const availableReplicas = sumAvailable(all)
  let replicas = 0
  let readyReplicas = 0
  for (const set of all) {
    replicas += set.status?.replicas ?? 0
    readyReplicas += set.status?.readyReplicas ?? 0
  }
  const available = availableReplicas >= desiredReplicas(deployment) - fenceposts.maxUnavailable
  const condition: Condition = available
    ? condition3('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
    : condition3('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.')
  return {
    observedGeneration: deployment.metadata.generation,
    replicas,
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas,
    availableReplicas,
    unavailableReplicas: Math.max(0, sumDesired(all) - availableReplicas),
    collisionCount: deployment.status?.collisionCount,
    conditions: setCondition(deployment.status?.conditions, condition, wall),
  }
}

/** The status with the Progressing and ReplicaFailure conditions as a rollout's pass sets them. */
export function computeRolloutStatus(
  deployment: Deployment,
  status: DeploymentStatus,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  wall: Micros,
): DeploymentStatus {
  let conditions = status.conditions
  const current = findCondition(deployment.status?.conditions, PROGRESSING)
  const finished = status.replicas === status.updatedReplicas && current?.reason === 'NewReplicaSetAvailable'
  if (!hasProgressDeadline(deployment)) conditions = withoutCondition(conditions, PROGRESSING)
  else if (!finished) conditions = progressConditions(deployment, status, conditions, current, newSet, wall)
  return copyWith(status, { conditions: withReplicaFailure(conditions, all, newSet, wall) })
}

/** True when the rollout is done: every replica is of the present template, available, and seen by the controller. */
export function isDeploymentComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const replicas = desiredReplicas(deployment)
  return (
    status.updatedReplicas === replicas &&
    status.replicas === replicas &&
    status.availableReplicas === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  )
}

/** How long until the progress deadline must be looked at again; undefined when there is nothing to judge. */
export function nextProgressCheckMicros(
  deployment: Deployment,
  status: DeploymentStatus,
  wall: Micros,
): Micros | undefined {
  const current = findCondition(deployment.status?.conditions, PROGRESSING)
  if (!hasProgressDeadline(deployment) || current?.lastUpdateTime === undefined) return undefined
  if (isDeploymentComplete(deployment, status) || current.reason === 'ProgressDeadlineExceeded') return undefined
  if (deployment.spec.paused === true) return undefined
  const deadline = parseTime(current.lastUpdateTime) + (deployment.spec.progressDeadlineSeconds as number) * SECOND
  return Math.max(0, deadline - wall) + SECOND
}

/** The Progressing condition that pausing or resuming calls for; undefined when nothing changes. */
export function computePauseCondition(deployment: Deployment): Condition | undefined {
  if (!hasProgressDeadline(deployment)) return undefined
  const current = findCondition(deployment.status?.conditions, PROGRESSING)
  if (current?.reason === 'ProgressDeadlineExceeded') return undefined
  const saysPaused = current?.reason === 'DeploymentPaused'
  if (deployment.spec.paused === true && !saysPaused) {
    return condition3(PROGRESSING, 'Unknown', 'DeploymentPaused', 'Deployment is paused')
  }
  if (deployment.spec.paused !== true && saysPaused) {
    return condition3(PROGRESSING, 'Unknown', 'DeploymentResumed', 'Deployment is resumed')
  }
  return undefined
}

/** Sets a condition as deployments do: nothing changes while status and reason stay; the update time moves with either. */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  condition: Condition,
  wall: Micros,
): readonly Condition[] {
  const before = findCondition(conditions, condition.type)
  if (conditions !== undefined && before?.status === condition.status && before.reason === condition.reason)
    return conditions
  const stamp = timestamp(wall)
  return withCondition(conditions, copyWith(condition, { lastUpdateTime: stamp }), stamp)
}

export function hasProgressDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec.progressDeadlineSeconds
  return seconds !== undefined && seconds !== NO_DEADLINE_SECONDS
}

function progressConditions(
  deployment: Deployment,
  status: DeploymentStatus,
  conditions: readonly Condition[] | undefined,
  current: Condition | undefined,
  newSet: ReplicaSet | undefined,
  wall: Micros,
): readonly Condition[] | undefined {
  const subject =
    newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`
  if (isDeploymentComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`
    return setCondition(conditions, condition3(PROGRESSING, 'True', 'NewReplicaSetAvailable', message), wall)
  }
  if (hasProgressed(deployment.status, status)) {
    const stamp = timestamp(wall)
    const condition = condition3(PROGRESSING, 'True', 'ReplicaSetUpdated', `${subject} is progressing.`)
    return withCondition(conditions, copyWith(condition, { lastUpdateTime: stamp }), stamp)
  }
  if (hasTimedOut(deployment, current, wall)) {
    const message = `${subject} has timed out progressing.`
    return setCondition(conditions, condition3(PROGRESSING, 'False', 'ProgressDeadlineExceeded', message), wall)
  }
  return conditions
}

function hasProgressed(before: Deployment['status'], after: DeploymentStatus): boolean {
  const oldBefore = (before?.replicas ?? 0) - (before?.updatedReplicas ?? 0)
  const oldAfter = (after.replicas ?? 0) - (after.updatedReplicas ?? 0)
  return (
    (after.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    oldAfter < oldBefore ||
    (after.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  )
}

function hasTimedOut(deployment: Deployment, current: Condition | undefined, wall: Micros): boolean {
  if (current?.lastUpdateTime === undefined || current.reason === 'NewReplicaSetAvailable') return false
  if (current.reason === 'ProgressDeadlineExceeded') return true
  return parseTime(current.lastUpdateTime) + (deployment.spec.progressDeadlineSeconds as number) * SECOND < wall
}

function withReplicaFailure(
  conditions: readonly Condition[] | undefined,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  wall: Micros,
): readonly Condition[] | undefined {
  let failure = findCondition(newSet?.status?.conditions, 'ReplicaFailure')
  for (const set of all) failure ??= findCondition(set.status?.conditions, 'ReplicaFailure')
  if (failure === undefined) return withoutCondition(conditions, 'ReplicaFailure')
  const { status, reason, message } = failure
  return setCondition(conditions, { type: 'ReplicaFailure', status, reason, message }, wall)
}

function condition3(type: string, status: Condition['status'], reason: string, message: string): Condition {
  return { type, status, reason, message }
}
