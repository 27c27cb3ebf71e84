/**
 * Required pod affinity and anti-affinity: which pods are in which topology domain. Models kubernetes
 * pkg/scheduler/framework/plugins/interpodaffinity filtering.go, v1.33. Domains are any node label (hostname, zone, ...).
 * Costs a walk over all pods, but only for a pod that has such terms or while pods with anti-affinity exist.
 * Not modelled: preferred terms, namespace selectors, match label keys.
 */
import type { NodeInfo } from './nodeinfo.ts'
import { type AffinityTerm, type PodInfo, termMatches } from './podinfo.ts'
import type { Snapshot } from './snapshot.ts'

/** Counts by topology key and value. */
type DomainCounts = Map<string, Map<string, number>>

/** What must be known of all pods before one node can be judged. Undefined: there is nothing to judge. */
export interface PodAffinityState {
  /** Existing pods that match every affinity term of the pod. */
  readonly affinity: DomainCounts
  /** Existing pods that match an anti-affinity term of the pod, by that term's key. */
  readonly antiAffinity: DomainCounts
  /** Existing pods with an anti-affinity term that matches the pod. */
  readonly existingAntiAffinity: DomainCounts
}

export function podAffinityStateOf(pod: PodInfo, snapshot: Snapshot): PodAffinityState | undefined {
  const own = pod.affinityTerms.length > 0 || pod.antiAffinityTerms.length > 0
  if (!own && snapshot.antiAffinityPods === 0) return undefined
  const state: PodAffinityState = { affinity: new Map(), antiAffinity: new Map(), existingAntiAffinity: new Map() }
  for (const node of snapshot.nodes) {
    if (!own && node.antiAffinityPods === 0) continue
    for (const existing of node.pods) {
      if (own) countOwn(state, pod, existing, node)
      for (const term of existing.antiAffinityTerms) {
        if (termMatches(term, pod.pod)) count(state.existingAntiAffinity, term, node)
      }
    }
  }
  return state
}

/** True when the pod may be on that node as far as other pods are concerned. */
export function podAffinityAllows(state: PodAffinityState, pod: PodInfo, node: NodeInfo): boolean {
  for (const [key, domains] of state.existingAntiAffinity) {
    const value = node.labels[key]
    if (value !== undefined && domains.has(value)) return false
  }
  for (const { topologyKey } of pod.antiAffinityTerms) {
    const value = node.labels[topologyKey]
    if (value !== undefined && state.antiAffinity.get(topologyKey)?.has(value) === true) return false
  }
  if (pod.affinityTerms.length === 0) return true
  let company = true
  for (const { topologyKey } of pod.affinityTerms) {
    const value = node.labels[topologyKey]
    if (value === undefined) return false
    if (state.affinity.get(topologyKey)?.has(value) !== true) company = false
  }
  // The first pod of a series that wants its own kind may go anywhere.
  return company || (state.affinity.size === 0 && pod.affinityTerms.every((term) => termMatches(term, pod.pod)))
}

function countOwn(state: PodAffinityState, pod: PodInfo, existing: PodInfo, node: NodeInfo): void {
  if (pod.affinityTerms.length > 0 && pod.affinityTerms.every((term) => termMatches(term, existing.pod))) {
    for (const term of pod.affinityTerms) count(state.affinity, term, node)
  }
  for (const term of pod.antiAffinityTerms) {
    if (termMatches(term, existing.pod)) count(state.antiAffinity, term, node)
  }
}

function count(counts: DomainCounts, { topologyKey }: AffinityTerm, node: NodeInfo): void {
  const value = node.labels[topologyKey]
  if (value === undefined) return
  let domains = counts.get(topologyKey)
  if (domains === undefined) {
    domains = new Map()
    counts.set(topologyKey, domains)
  }
  domains.set(value, (domains.get(value) ?? 0) + 1)
}
