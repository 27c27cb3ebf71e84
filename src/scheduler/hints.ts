/**
 * Which events may make an unschedulable pod schedulable. Models the queueing hints of the filter plugins (EventsToRegister)
 * and kubernetes pkg/scheduler/framework/events.go, v1.33. A hint may say yes too often, never no where yes is right.
 */
import type { Node } from '../objects/index.ts'
import type { FilterName } from './filters.ts'
import type { NodeInfo } from './nodeinfo.ts'
import { nodeAffinityMatches, tolerates, untolerated } from './nodeselection.ts'
import { type PodInfo, portsConflict } from './podinfo.ts'

export type ClusterEvent =
  | { readonly kind: 'node-added'; readonly node: NodeInfo }
  | {
      readonly kind: 'node-changed'
      readonly node: NodeInfo
      readonly allocatable: boolean
      readonly labels: boolean
      readonly taints: boolean
    }
  /** A pod was bound here or elsewhere, or a bound pod's labels changed. */
  | { readonly kind: 'pod-bound' }
  /** A bound or assumed pod gave its place back. */
  | { readonly kind: 'pod-gone'; readonly pod: PodInfo | undefined }

/** What changed in a node that filters read; undefined when nothing did. */
export function nodeChange(before: Node, after: Node, info: NodeInfo): ClusterEvent | undefined {
  const allocatable = !sameText(before.status?.allocatable, after.status?.allocatable)
  const labels = !sameText(before.metadata.labels, after.metadata.labels)
  const taints =
    before.spec.unschedulable !== after.spec.unschedulable || !sameTaints(before.spec.taints, after.spec.taints)
  if (!allocatable && !labels && !taints) return undefined
  return { kind: 'node-changed', node: info, allocatable, labels, taints }
}

/** True when the event may change that filter's mind about the pod. */
export function mayHelp(filter: FilterName, event: ClusterEvent, pod: PodInfo): boolean {
  switch (event.kind) {
    case 'node-added':
      return admits(filter, event.node, pod)
    case 'node-changed':
      return isReadBy(filter, event) && admits(filter, event.node, pod)
    case 'pod-bound':
      return filter === 'InterPodAffinity'
    case 'pod-gone':
      if (filter === 'NodePorts') return event.pod === undefined || portsConflict(pod.hostPorts, event.pod.hostPorts)
      return filter === 'NodeResourcesFit' || filter === 'InterPodAffinity'
  }
}

function isReadBy(filter: FilterName, event: Extract<ClusterEvent, { kind: 'node-changed' }>): boolean {
  switch (filter) {
    case 'NodeResourcesFit':
      return event.allocatable
    case 'NodeAffinity':
    case 'InterPodAffinity':
      return event.labels
    case 'TaintToleration':
    case 'NodeUnschedulable':
      return event.taints
    default:
      return false
  }
}

/** Whether the node as such, taken alone, passes the filter. */
function admits(filter: FilterName, node: NodeInfo, pod: PodInfo): boolean {
  switch (filter) {
    case 'NodeResourcesFit':
      return pod.milliCpu <= node.allocatableMilliCpu && pod.memoryBytes <= node.allocatableMemoryBytes
    case 'NodeAffinity':
      return nodeAffinityMatches(pod, node)
    case 'TaintToleration':
      return untolerated(node.hardTaints, pod.tolerations) === undefined
    case 'NodeUnschedulable':
      return !node.unschedulable || pod.tolerations.some((toleration) => tolerates(toleration, UNSCHEDULABLE_TAINT))
    default:
      return true
  }
}

const UNSCHEDULABLE_TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const

function sameText(
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>> | undefined,
): boolean {
  if (a === b) return true
  const left = Object.keys(a ?? {})
  if (left.length !== Object.keys(b ?? {}).length) return false
  return left.every((key) => a?.[key] === b?.[key])
}

function sameTaints(a: Node['spec']['taints'] = [], b: Node['spec']['taints'] = []): boolean {
  if (a === b) return true
  return (
    a.length === b.length &&
    a.every((taint, index) => {
      const other = b[index]
      return taint.key === other?.key && taint.value === other.value && taint.effect === other.effect
    })
  )
}
