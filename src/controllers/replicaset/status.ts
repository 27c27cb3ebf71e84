/** A ReplicaSet's status from its pods. Models kubernetes pkg/controller/replicaset replica_set_utils.go calculateStatus, v1.33. */
import { type Micros, SECOND } from '../../kernel/index.ts'
import { findCondition, withCondition, withoutCondition } from '../../objects/conditions.ts'
import type { Condition, Labels, Pod, ReplicaSet } from '../../objects/index.ts'
import { parseTime, timestamp } from '../../objects/time.ts'

export type ReplicaSetStatus = NonNullable<ReplicaSet['status']>

/** Why the last attempt to reach the desired number failed. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete'
  readonly message: string
}

/** When a pod becomes available, in Unix microseconds of the wall clock: ready for `minReadySeconds`. Undefined: not ready. */
export function availableAt(pod: Pod, minReadySeconds: number): Micros | undefined {
  const ready = findCondition(pod.status?.conditions, 'Ready')
  if (ready?.status !== 'True') return undefined
  if (minReadySeconds === 0) return 0
  return ready.lastTransitionTime === undefined
    ? undefined
    : parseTime(ready.lastTransitionTime) + minReadySeconds * SECOND
}

/** What a status counts of the set's pods. */
export interface PodCounts {
  readonly replicas: number
  readonly fullyLabeled: number
  readonly ready: number
  readonly available: number
}

/** The status to write, and how long until a ready pod becomes available (undefined: none is waiting). */
export function computeReplicaSetStatus(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  failure: ReplicaFailure | undefined,
  wall: Micros,
): { readonly status: ReplicaSetStatus; readonly nextAvailableMicros: Micros | undefined } {
  const counts = countPods(replicaSet, pods, wall)
  return {
    status: replicaSetStatusOf(replicaSet, counts, failure, wall),
    nextAvailableMicros: counts.nextAvailable === undefined ? undefined : counts.nextAvailable - wall,
  }
}

/** Counts pods one by one. `nextAvailable`: when the next of those that are ready becomes available. */
function countPods(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  wall: Micros,
): PodCounts & { readonly nextAvailable: Micros | undefined } {
  const templateLabels = replicaSet.spec.template.metadata?.labels
  const minReadySeconds = replicaSet.spec.minReadySeconds ?? 0
  let fullyLabeled = 0
  let ready = 0
  let available = 0
  let next: Micros | undefined
  for (const pod of pods) {
    if (carries(pod.metadata.labels, templateLabels)) fullyLabeled++
    const at = availableAt(pod, minReadySeconds)
    if (at === undefined) continue
    ready++
    if (at <= wall) available++
    else if (next === undefined || at < next) next = at
  }
  return { replicas: pods.length, fullyLabeled, ready, available, nextAvailable: next }
}

/** The status that says so. */
export function replicaSetStatusOf(
  replicaSet: ReplicaSet,
  counts: PodCounts,
  failure: ReplicaFailure | undefined,
  wall: Micros,
): ReplicaSetStatus {
  return {
    replicas: counts.replicas,
    fullyLabeledReplicas: counts.fullyLabeled,
    readyReplicas: counts.ready,
    availableReplicas: counts.available,
    observedGeneration: replicaSet.metadata.generation,
    conditions: failureConditions(replicaSet.status?.conditions, failure, timestamp(wall)),
  }
}

/** True when writing `after` over `before` would change nothing. Conditions keep their identity when unchanged. */
export function sameReplicaSetStatus(before: ReplicaSet['status'], after: ReplicaSetStatus): boolean {
  return (
    before !== undefined &&
    before.replicas === after.replicas &&
    (before.fullyLabeledReplicas ?? 0) === after.fullyLabeledReplicas &&
    (before.readyReplicas ?? 0) === after.readyReplicas &&
    (before.availableReplicas ?? 0) === after.availableReplicas &&
    before.observedGeneration === after.observedGeneration &&
    (before.conditions ?? NO_CONDITIONS) === (after.conditions ?? NO_CONDITIONS)
  )
}

const NO_CONDITIONS: readonly Condition[] = Object.freeze([])

function failureConditions(
  conditions: readonly Condition[] | undefined,
  failure: ReplicaFailure | undefined,
  stamp: string,
): readonly Condition[] | undefined {
  if (failure === undefined) return withoutCondition(conditions, 'ReplicaFailure')
  if (findCondition(conditions, 'ReplicaFailure') !== undefined) return conditions
  return withCondition(conditions, { type: 'ReplicaFailure', status: 'True', ...failure }, stamp)
}

/** True when `labels` has all that is wanted. */
export function carries(labels: Labels | undefined, wanted: Labels | undefined): boolean {
  if (labels === wanted) return true
  for (const key in wanted) if (labels?.[key] !== wanted[key]) return false
  return true
}
