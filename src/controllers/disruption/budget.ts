/**
 * How many pods of a budget may be disrupted. Models kubernetes pkg/controller/disruption getExpectedPodCount, countHealthyPods,
 * buildDisruptedPodMap, updatePdbStatus, v1.33. Times are wall-clock Unix microseconds.
 */
import { MINUTE, type Micros } from '../../kernel/index.ts'
import {
  isPodReady,
  type Labels,
  type Pod,
  type PodDisruptionBudget,
  parseTime,
  sameValue,
  scaledCount,
} from '../../objects/index.ts'

export type BudgetStatus = NonNullable<PodDisruptionBudget['status']>

/** An evicted pod that has not begun to go after so long is counted as healthy again. */
export const DELETION_TIMEOUT_MICROS: Micros = 2 * MINUTE

export interface BudgetComputation {
  readonly status: BudgetStatus
  /** When an evicted pod's time runs out; undefined for none. */
  readonly recheckMicros: Micros | undefined
}

/**
 * The status from the selected pods. `expectedScale` is the sum of the desired sizes of the controllers behind them; it is
 * asked for only when the budget needs it, and undefined from it means that one of them was not found: nothing is allowed then.
 */
export function computeBudgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  expectedScale: () => number | undefined,
  wall: Micros,
): BudgetComputation {
  const expected = computeExpected(budget, pods, expectedScale)
  if (expected === undefined) return { status: failSafe(budget), recheckMicros: undefined }
  const { disruptedPods, recheckMicros } = keepDisrupted(budget, pods, wall)
  let currentHealthy = 0
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue
    if (disruptedPods[pod.metadata.name] !== undefined) continue
    if (isPodReady(pod)) currentHealthy++
  }
  const spare = currentHealthy - expected.desiredHealthy
  return {
    status: {
      disruptionsAllowed: expected.expectedPods > 0 && spare > 0 ? spare : 0,
      currentHealthy,
      desiredHealthy: expected.desiredHealthy,
      expectedPods: expected.expectedPods,
      observedGeneration: budget.metadata.generation,
      disruptedPods,
    },
    recheckMicros,
  }
}

/** True when there is nothing to write. */
export function sameBudgetStatus(before: PodDisruptionBudget['status'], after: BudgetStatus): boolean {
  return (
    before !== undefined &&
    before.currentHealthy === after.currentHealthy &&
    before.desiredHealthy === after.desiredHealthy &&
    before.expectedPods === after.expectedPods &&
    before.disruptionsAllowed === after.disruptionsAllowed &&
    before.observedGeneration === after.observedGeneration &&
    sameValue(before.disruptedPods ?? NO_PODS, after.disruptedPods ?? NO_PODS)
  )
}

const NO_PODS: Labels = Object.freeze({})

function computeExpected(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  expectedScale: () => number | undefined,
): { readonly expectedPods: number; readonly desiredHealthy: number } | undefined {
  const { minAvailable, maxUnavailable } = budget.spec
  if (maxUnavailable !== undefined) {
    const expectedPods = expectedScale()
    if (expectedPods === undefined) return undefined
    return { expectedPods, desiredHealthy: Math.max(0, expectedPods - scaledCount(maxUnavailable, expectedPods, 'up')) }
  }
  if (minAvailable === undefined) return { expectedPods: 0, desiredHealthy: 0 }
  if (typeof minAvailable === 'number') return { expectedPods: pods.length, desiredHealthy: minAvailable }
  const expectedPods = expectedScale()
  if (expectedPods === undefined) return undefined
  return { expectedPods, desiredHealthy: scaledCount(minAvailable, expectedPods, 'up') }
}

/** Pods that were evicted and have neither begun to go nor used up their time. */
function keepDisrupted(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  wall: Micros,
): { readonly disruptedPods: Labels; readonly recheckMicros: Micros | undefined } {
  const before = budget.status?.disruptedPods
  if (before === undefined) return { disruptedPods: NO_PODS, recheckMicros: undefined }
  const disruptedPods: Record<string, string> = {}
  let recheck: Micros | undefined
  for (const pod of pods) {
    const since = before[pod.metadata.name]
    if (since === undefined || pod.metadata.deletionTimestamp !== undefined) continue
    const deadline = parseTime(since) + DELETION_TIMEOUT_MICROS
    if (deadline < wall) continue
    disruptedPods[pod.metadata.name] = since
    if (recheck === undefined || deadline < recheck) recheck = deadline
  }
  return { disruptedPods, recheckMicros: recheck === undefined ? undefined : recheck - wall }
}

/** When the budget cannot be computed, it must at least not allow anything. */
function failSafe(budget: PodDisruptionBudget): BudgetStatus {
  return {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...budget.status,
    disruptionsAllowed: 0,
  }
}
