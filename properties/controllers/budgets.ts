/**
 * Disruption budgets, held against the pods themselves: what evictions leave. A budget knows nothing of what it has not been
 * shown yet, so pods that were lost in other ways shortly before are not counted against it.
 */
import type { ApiRequestHandled } from '../../src/apiserver/index.ts'
import type { Cluster } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import { isPodReady, keyOf, type Pod, type PodDisruptionBudget, selectorMatches } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

/** Longer than any fault keeps the disruption controller from news, and than its budget remembers an eviction. */
const MEMORY_MICROS: Micros = 120_000_000

/** A healthy pod of a budget that is healthy no more. */
interface Loss {
  readonly at: Micros
  readonly uid: string
  readonly budget: string
  /** Healthy pods that the budget asked for then, and that were left. */
  readonly desired: number
  readonly left: number
  /** The budget was asked; one that is not ready yet is evicted without, and may become ready just before it goes. */
  readonly isCharged: boolean
  isEvicted: boolean
}

export const budgetHolds: PropertyDefinition = {
  id: 'disruption-budget-holds',
  mode: 'always',
  claim:
    'no granted eviction takes the ready pods of a PodDisruptionBudget below what it asks for; pods that were lost in other ways in the two minutes before are not counted',
  source: 'kubernetes pkg/registry/core/pod/storage/eviction.go and pkg/controller/disruption, v1.33; PR 36196',
  trigger: 'a ready pod of a budget was evicted',
  catches: ['pdb-recompute-overwrites-eviction'],
  monitor(cluster, report) {
    /** By key of the pod, the last of that name. */
    const byPod = new Map<string, Loss>()
    let losses: Loss[] = []
    cluster.truth.onChange('pods', ({ key, previous, current }) => {
      if (previous === undefined || !isHealthy(previous) || (current !== undefined && isHealthy(current))) return
      const budget = budgetOf(cluster, previous)
      if (budget === undefined) return
      const at = cluster.kernel.now
      const loss: Loss = {
        at,
        uid: previous.metadata.uid ?? '',
        budget: keyOf(budget),
        desired: budget.status?.desiredHealthy ?? 0,
        left: healthyPods(cluster, budget),
        isCharged: budget.status?.disruptedPods?.[previous.metadata.name] !== undefined,
        isEvicted: false,
      }
      losses = losses.filter((each) => at - each.at <= MEMORY_MICROS)
      losses.push(loss)
      byPod.set(key, loss)
    })
    onFact<ApiRequestHandled, 'api-request'>(cluster, 'api-request', (fact) => {
      if (fact.subresource !== 'eviction' || fact.code !== 201) return
      const loss = byPod.get(`${fact.namespace}/${fact.name}`)
      if (loss === undefined || loss.isEvicted || !loss.isCharged) return
      loss.isEvicted = true
      report.reached()
      const others = losses.filter(({ budget, isEvicted, at }) => budget === loss.budget && !isEvicted && at <= loss.at)
      if (loss.left + others.length >= loss.desired) return
      report.fail({
        subject: `PodDisruptionBudget ${loss.budget}`,
        shape: 'too-few-left',
        message: `the eviction of ${fact.namespace}/${fact.name} was granted and left ${loss.left} ready pods, but ${loss.budget} asks for ${loss.desired}`,
      })
    })
    return {}
  },
}

function isHealthy(pod: Pod): boolean {
  return isPodReady(pod) && pod.metadata.deletionTimestamp === undefined
}

function selects({ metadata, spec }: PodDisruptionBudget, pod: Pod): boolean {
  if (metadata.namespace !== pod.metadata.namespace || spec.selector === undefined) return false
  return selectorMatches(spec.selector, pod.metadata.labels)
}

function budgetOf(cluster: Cluster, pod: Pod): PodDisruptionBudget | undefined {
  for (const budget of cluster.truth.list('poddisruptionbudgets')) if (selects(budget, pod)) return budget
  return undefined
}

function healthyPods(cluster: Cluster, budget: PodDisruptionBudget): number {
  let count = 0
  for (const pod of cluster.truth.list('pods')) if (selects(budget, pod) && isHealthy(pod)) count++
  return count
}
