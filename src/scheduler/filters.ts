/**
 * May a pod run on a node. Models the filter plugins of kubernetes pkg/scheduler/framework/plugins, v1.33, in the order of
 * the default profile. Not modelled: volumes, topology spread, dynamic resources, node declared features.
 */

import type { NodeInfo } from './nodeinfo.ts'
import { nodeAffinityMatches, tolerates, untolerated } from './nodeselection.ts'
import { type PodAffinityState, podAffinityAllows } from './podaffinity.ts'
import { type PodInfo, portsConflict } from './podinfo.ts'

export type FilterName =
  | 'NodeUnschedulable'
  | 'NodeName'
  | 'TaintToleration'
  | 'NodeAffinity'
  | 'NodePorts'
  | 'NodeResourcesFit'
  | 'InterPodAffinity'

/** Why a node was ruled out, in the words that `kubectl describe` shows. One frozen object a reason. */
export interface Rejection {
  readonly filter: FilterName
  readonly reason: string
}

const rejection = (filter: FilterName, reason: string): Rejection => Object.freeze({ filter, reason })

export const REJECTIONS = {
  unschedulable: rejection('NodeUnschedulable', 'node(s) were unschedulable'),
  nodeName: rejection('NodeName', "node(s) didn't match the requested node name"),
  nodeAffinity: rejection('NodeAffinity', "node(s) didn't match Pod's node affinity/selector"),
  ports: rejection('NodePorts', "node(s) didn't have free ports for the requested pod ports"),
  pods: rejection('NodeResourcesFit', 'Too many pods'),
  cpu: rejection('NodeResourcesFit', 'Insufficient cpu'),
  memory: rejection('NodeResourcesFit', 'Insufficient memory'),
  podAffinity: rejection('InterPodAffinity', "node(s) didn't match pod affinity/anti-affinity rules"),
} as const

const UNSCHEDULABLE_TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const
const taintRejections = new Map<string, Rejection>()

/** The first filter's reason against the node, or undefined: the pod may run there. */
export function rejectionOf(
  pod: PodInfo,
  node: NodeInfo,
  affinity: PodAffinityState | undefined,
): Rejection | undefined {
  if (node.unschedulable && !pod.tolerations.some((toleration) => tolerates(toleration, UNSCHEDULABLE_TAINT))) {
    return REJECTIONS.unschedulable
  }
  const { nodeName, nodeSelector } = pod.pod.spec
  if (nodeName !== undefined && nodeName !== '' && nodeName !== node.name) return REJECTIONS.nodeName
  if (node.hardTaints.length > 0) {
    const taint = untolerated(node.hardTaints, pod.tolerations)
    if (taint !== undefined) return taintRejection(taint.key, taint.value ?? '')
  }
  if ((nodeSelector !== undefined || pod.requiredNodeTerms !== undefined) && !nodeAffinityMatches(pod, node)) {
    return REJECTIONS.nodeAffinity
  }
  if (pod.hostPorts.length > 0 && portsConflict(pod.hostPorts, node.hostPorts)) return REJECTIONS.ports
  const lacking = lackOf(pod, node)
  if (lacking !== undefined) return lacking
  if (affinity !== undefined && !podAffinityAllows(affinity, pod, node)) return REJECTIONS.podAffinity
  return undefined
}

/** What the node has too little of. A request of zero fits where nothing is left, even where too much is taken. */
export function lackOf(pod: PodInfo, node: NodeInfo): Rejection | undefined {
  if (node.pods.length + 1 > node.allocatablePods) return REJECTIONS.pods
  if (pod.milliCpu > 0 && pod.milliCpu > node.allocatableMilliCpu - node.requestedMilliCpu) return REJECTIONS.cpu
  if (pod.memoryBytes > 0 && pod.memoryBytes > node.allocatableMemoryBytes - node.requestedMemoryBytes) {
    return REJECTIONS.memory
  }
  return undefined
}

function taintRejection(key: string, value: string): Rejection {
  const text = `node(s) had untolerated taint {${key}: ${value}}`
  let known = taintRejections.get(text)
  if (known === undefined) {
    known = rejection('TaintToleration', text)
    taintRejections.set(text, known)
  }
  return known
}
