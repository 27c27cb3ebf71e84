/**
 * What the scheduler knows of a node: what it offers, what is taken, which pods are there. Records are values: a change makes
 * a new one, so a snapshot is the list of records of a moment. Models kubernetes pkg/scheduler/framework types.go (NodeInfo),
 * v1.33. Not modelled: images, extended resources, volumes.
 */
import { invariant } from '../kernel/invariant.ts'
import { type Labels, milliValue, type Node, type Taint, wholeValue } from '../objects/index.ts'
import type { HostPort, PodInfo } from './podinfo.ts'

export interface NodeInfo {
  readonly name: string
  /** Undefined: pods are bound to a node that is not (or no longer) known. */
  readonly node: Node | undefined
  readonly labels: Labels
  /** NoSchedule and NoExecute. */
  readonly hardTaints: readonly Taint[]
  /** PreferNoSchedule. */
  readonly softTaints: readonly Taint[]
  readonly unschedulable: boolean
  readonly allocatableMilliCpu: number
  readonly allocatableMemoryBytes: number
  readonly allocatablePods: number
  readonly requestedMilliCpu: number
  readonly requestedMemoryBytes: number
  readonly scoredMilliCpu: number
  readonly scoredMemoryBytes: number
  readonly pods: readonly PodInfo[]
  readonly hostPorts: readonly HostPort[]
  /** Pods here with a required anti-affinity term. */
  readonly antiAffinityPods: number
  /** Grows with every change of any node; equal generations mean equal records. */
  readonly generation: number
}

const NO_TAINTS: readonly Taint[] = Object.freeze([])
const NO_LABELS: Labels = Object.freeze({})

/** A node nobody has described yet. */
export function unknownNode(name: string): NodeInfo {
  return {
    name,
    node: undefined,
    labels: NO_LABELS,
    hardTaints: NO_TAINTS,
    softTaints: NO_TAINTS,
    unschedulable: false,
    allocatableMilliCpu: 0,
    allocatableMemoryBytes: 0,
    allocatablePods: 0,
    requestedMilliCpu: 0,
    requestedMemoryBytes: 0,
    scoredMilliCpu: 0,
    scoredMemoryBytes: 0,
    pods: [],
    hostPorts: [],
    antiAffinityPods: 0,
    generation: 0,
  }
}

/** The record with the Node object read anew; undefined takes it away and leaves the pods. */
export function withNode(info: NodeInfo, node: Node | undefined, generation: number): NodeInfo {
  const taints = node?.spec.taints ?? NO_TAINTS
  const allocatable = node?.status?.allocatable
  return {
    ...info,
    node,
    labels: node?.metadata.labels ?? NO_LABELS,
    hardTaints: taints.length === 0 ? NO_TAINTS : taints.filter(({ effect }) => effect !== 'PreferNoSchedule'),
    softTaints: taints.length === 0 ? NO_TAINTS : taints.filter(({ effect }) => effect === 'PreferNoSchedule'),
    unschedulable: node?.spec.unschedulable === true,
    allocatableMilliCpu: allocatable?.cpu === undefined ? 0 : milliValue(allocatable.cpu),
    allocatableMemoryBytes: allocatable?.memory === undefined ? 0 : wholeValue(allocatable.memory),
    allocatablePods: allocatable?.pods === undefined ? 0 : wholeValue(allocatable.pods),
    generation,
  }
}

/** The record with one pod more. */
export function withPod(info: NodeInfo, pod: PodInfo, generation: number): NodeInfo {
  return changed(info, [...info.pods, pod], pod, 1, generation)
}

/** The record without a pod that is there. */
export function withoutPod(info: NodeInfo, pod: PodInfo, generation: number): NodeInfo {
  const pods = info.pods.filter(({ id }) => id !== pod.id)
  invariant(pods.length === info.pods.length - 1, 'scheduler: a pod that leaves a node was there once', {
    pod: pod.key,
  })
  const after = changed(info, pods, pod, -1, generation)
  invariant(
    after.requestedMilliCpu >= 0 && after.requestedMemoryBytes >= 0,
    'scheduler: what is taken of a node is never negative',
    { node: info.name },
  )
  return after
}

function changed(info: NodeInfo, pods: readonly PodInfo[], pod: PodInfo, sign: 1 | -1, generation: number): NodeInfo {
  return {
    name: info.name,
    node: info.node,
    labels: info.labels,
    hardTaints: info.hardTaints,
    softTaints: info.softTaints,
    unschedulable: info.unschedulable,
    allocatableMilliCpu: info.allocatableMilliCpu,
    allocatableMemoryBytes: info.allocatableMemoryBytes,
    allocatablePods: info.allocatablePods,
    requestedMilliCpu: info.requestedMilliCpu + sign * pod.milliCpu,
    requestedMemoryBytes: info.requestedMemoryBytes + sign * pod.memoryBytes,
    scoredMilliCpu: info.scoredMilliCpu + sign * pod.scoredMilliCpu,
    scoredMemoryBytes: info.scoredMemoryBytes + sign * pod.scoredMemoryBytes,
    pods,
    hostPorts: pod.hostPorts.length === 0 ? info.hostPorts : pods.flatMap(({ hostPorts }) => hostPorts),
    antiAffinityPods: info.antiAffinityPods + (pod.antiAffinityTerms.length > 0 ? sign : 0),
    generation,
  }
}
