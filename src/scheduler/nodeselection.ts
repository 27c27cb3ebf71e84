/**
 * Does a node suit a pod's node selector, affinity terms and tolerations. Models component-helpers scheduling/corev1
 * (nodeaffinity, helpers.go), v1.33: terms are ORed, the requirements of one ANDed; an empty term matches nothing.
 */
import {
  type LabelRequirement,
  labelsInclude,
  type NodeSelectorTerm,
  requirementHolds,
  type Taint,
  type Toleration,
} from '../objects/index.ts'
import type { NodeInfo } from './nodeinfo.ts'
import type { PodInfo } from './podinfo.ts'

/** One term of a node selector. */
export function nodeTermMatches(term: NodeSelectorTerm, node: NodeInfo): boolean {
  const { matchExpressions = [], matchFields = [] } = term
  if (matchExpressions.length === 0 && matchFields.length === 0) return false
  for (const { key, operator, values = [] } of matchExpressions) {
    const requirement: LabelRequirement = { key, operator, values }
    if (!requirementHolds(requirement, node.labels)) return false
  }
  for (const { key, operator, values = [] } of matchFields) {
    if (!requirementHolds({ key, operator, values }, { 'metadata.name': node.name })) return false
  }
  return true
}

/** The node selector and the required node affinity. */
export function nodeAffinityMatches(pod: PodInfo, node: NodeInfo): boolean {
  const { nodeSelector } = pod.pod.spec
  if (nodeSelector !== undefined && !labelsInclude(nodeSelector, node.labels) && !isEmpty(nodeSelector)) return false
  const terms = pod.requiredNodeTerms
  return terms === undefined || terms.some((term) => nodeTermMatches(term, node))
}

/** True when one of the tolerations covers the taint. */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  for (const toleration of tolerations) if (tolerates(toleration, taint)) return true
  return false
}

/** The first of the taints that nothing tolerates. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined {
  for (const taint of taints) if (!isTolerated(taint, tolerations)) return taint
  return undefined
}

/** No effect tolerates every effect, no key (with Exists) every key. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = 'Equal', value = '', effect } = toleration
  if (effect !== undefined && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  if (key === '' && operator !== 'Exists') return false
  return operator === 'Exists' || value === (taint.value ?? '')
}

function isEmpty(labels: Readonly<Record<string, string>>): boolean {
  for (const _ in labels) return false
  return true
}
