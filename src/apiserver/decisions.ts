/**
 * What historical bugs of API servers replaced. Each function is the right behaviour; a defect puts another in its place.
 */
import { isPodReady, type Pod, type PodDisruptionBudget } from '../objects/index.ts'

/** What a watch cache knows when it is asked how far back it can serve. */
export interface RingState {
  /** Events in the ring. */
  readonly size: number
  /** True once an event was dropped to make room. */
  readonly wrapped: boolean
  /** The revision of the oldest event in the ring; 0 when it is empty. */
  readonly oldestEventRevision: number
  /** The revision of the list that the cache was filled from. */
  readonly listRevision: number
}

/** A budget's answer to an eviction. */
export type BudgetVerdict =
  | { readonly verdict: 'without-budget' }
  | { readonly verdict: 'refused'; readonly cause: string; readonly retryAfterSeconds: number }
  | { readonly verdict: 'taken'; readonly budget: PodDisruptionBudget }

export interface ApiServerDecisions {
  /** The oldest event revision that the cache can serve completely: a watch from V is accepted when V + 1 is not below it. */
  oldestServableRevision(ring: RingState): number
  /** Whether all watchers of a cache are closed at this moment of its re-initialisation. */
  closesWatchers(moment: 'broken' | 'replaced'): boolean
  /** Whether a watch may be registered while the cache is being filled anew. */
  mayRegisterWatchWhileBroken(): boolean
  /** Whether a refusal or a "nothing to do" that came from a cached copy is decided again on the live object. */
  repeatsLive(outcome: 'refuse' | 'keep'): boolean
  /** The revision that an update must find unchanged, as for a removal. */
  updateGuard(decidedOnRevision: number): number | undefined
  /** The revision that a removal must find unchanged: that of the copy it was decided on. Undefined removes whatever is there. */
  removalGuard(decidedOnRevision: number): number | undefined
  /** Whether a pod that has a node may be bound again. */
  mayRebind(): boolean
  /** Whether a pod may be evicted under a budget, and what the budget looks like afterwards. `stamp` is the time of the eviction. */
  takeFromBudget(budget: PodDisruptionBudget, pod: Pod, stamp: string): BudgetVerdict
}

const RETRY_AFTER_SECONDS = 10
const DISRUPTED_PODS_MAX = 2000

export const API_SERVER_DECISIONS: ApiServerDecisions = {
  oldestServableRevision(ring) {
    return ring.wrapped ? ring.oldestEventRevision : ring.listRevision + 1
  },
  closesWatchers(moment) {
    return moment === 'replaced'
  },
  mayRegisterWatchWhileBroken() {
    return false
  },
  repeatsLive() {
    return true
  },
  updateGuard(decidedOnRevision) {
    return decidedOnRevision
  },
  removalGuard(decidedOnRevision) {
    return decidedOnRevision
  },
  mayRebind() {
    return false
  },
  takeFromBudget(budget, pod, stamp) {
    const { status } = budget
    const { name } = budget.metadata
    const allowed = status?.disruptionsAllowed ?? 0
    const healthy = status?.currentHealthy ?? 0
    const desired = status?.desiredHealthy ?? 0
    if (!isPodReady(pod) && healthy >= desired && desired > 0) return { verdict: 'without-budget' }
    if ((status?.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
      const cause = `The disruption budget ${name} is still being processed by the server.`
      return { verdict: 'refused', cause, retryAfterSeconds: RETRY_AFTER_SECONDS }
    }
    const disrupted = status?.disruptedPods ?? {}
    if (allowed <= 0 || Object.keys(disrupted).length > DISRUPTED_PODS_MAX) {
      const cause = `The disruption budget ${name} needs ${desired} healthy pods and has ${healthy} currently`
      // Nobody knows when there will be room again: no Retry-After, so client libraries hand the refusal on at once.
      return { verdict: 'refused', cause, retryAfterSeconds: 0 }
    }
    return {
      verdict: 'taken',
      budget: {
        ...budget,
        status: {
          currentHealthy: healthy,
          desiredHealthy: desired,
          expectedPods: 0,
          ...status,
          disruptionsAllowed: allowed - 1,
          disruptedPods: { ...disrupted, [pod.metadata.name]: stamp },
        },
      },
    }
  },
}
