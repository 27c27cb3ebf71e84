/**
 * How well feasible nodes suit a pod. Models the score plugins of kubernetes pkg/scheduler/framework/plugins with the default
 * weights, v1.33: least allocated (1), balanced allocation (1), taint toleration (3), node affinity (2); each 0 to 100.
 * Whole numbers only. Not modelled: image locality, topology spread, preferred pod affinity.
 */

import type { NodeInfo } from './nodeinfo.ts'
import { isTolerated, nodeTermMatches } from './nodeselection.ts'
import type { PodInfo } from './podinfo.ts'

export const SCORE_MAX = 100
const TAINT_WEIGHT = 3
const AFFINITY_WEIGHT = 2
const PPM = 1_000_000

/** The share of cpu and memory that would stay free, averaged. Pods without requests count as small ones. */
export function leastAllocated(pod: PodInfo, node: NodeInfo): number {
  const { allocatableMilliCpu: cpu, allocatableMemoryBytes: memory } = node
  let sum = 0
  let weights = 0
  if (cpu > 0) {
    const requested = node.scoredMilliCpu + pod.scoredMilliCpu
    if (requested <= cpu) sum += Math.floor(((cpu - requested) * SCORE_MAX) / cpu)
    weights++
  }
  if (memory > 0) {
    const requested = node.scoredMemoryBytes + pod.scoredMemoryBytes
    if (requested <= memory) sum += Math.floor(((memory - requested) * SCORE_MAX) / memory)
    weights++
  }
  return weights === 2 ? sum >> 1 : sum
}

/** 100 when cpu and memory would be taken in equal shares, less by half the difference of the shares. */
export function balancedAllocation(pod: PodInfo, node: NodeInfo): number {
  const { allocatableMilliCpu: cpu, allocatableMemoryBytes: memory } = node
  if (cpu === 0 || memory === 0) return SCORE_MAX
  const cpuPpm = Math.min(PPM, Math.floor(((node.requestedMilliCpu + pod.milliCpu) * PPM) / cpu))
  const memoryPpm = Math.min(PPM, Math.floor(((node.requestedMemoryBytes + pod.memoryBytes) * PPM) / memory))
  const difference = cpuPpm > memoryPpm ? cpuPpm - memoryPpm : memoryPpm - cpuPpm
  return Math.floor(((2 * PPM - difference) * SCORE_MAX) / (2 * PPM))
}

/** The part of the total that depends on the node alone, not on the others. */
export function ownScore(pod: PodInfo, node: NodeInfo): number {
  return leastAllocated(pod, node) + balancedAllocation(pod, node)
}

/** PreferNoSchedule taints that the pod does not tolerate. */
export function softTaintsAgainst(pod: PodInfo, node: NodeInfo): number {
  let count = 0
  for (const taint of node.softTaints) if (!isTolerated(taint, pod.tolerations)) count++
  return count
}

/** The weights of the preferred node affinity terms that match. */
export function preferredNodeAffinity(pod: PodInfo, node: NodeInfo): number {
  const terms = pod.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution
  let sum = 0
  for (const { weight, preference } of terms ?? []) if (nodeTermMatches(preference, node)) sum += weight
  return sum
}

/**
 * The total of each node, in their order, into `totals`. `softTaints`: whether any node has a PreferNoSchedule taint.
 */
export function scoreAll(pod: PodInfo, nodes: readonly NodeInfo[], softTaints: boolean, totals: number[]): void {
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index] as NodeInfo
    totals[index] = ownScore(pod, node)
  }
  if (softTaints)
    addNormalized(
      nodes.map((node) => softTaintsAgainst(pod, node)),
      TAINT_WEIGHT,
      true,
      totals,
    )
  else addConstant(nodes.length, SCORE_MAX * TAINT_WEIGHT, totals)
  const preferred = pod.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution
  if (preferred !== undefined && preferred.length > 0) {
    addNormalized(
      nodes.map((node) => preferredNodeAffinity(pod, node)),
      AFFINITY_WEIGHT,
      false,
      totals,
    )
  }
}

/** Scales raw scores so that the highest is 100 (or, reversed, the lowest gets the most) and adds them. */
function addNormalized(raw: readonly number[], weight: number, reverse: boolean, totals: number[]): void {
  let highest = 0
  for (const score of raw) highest = Math.max(highest, score)
  raw.forEach((score, index) => {
    const scaled = highest === 0 ? 0 : Math.floor((score * SCORE_MAX) / highest)
    totals[index] = (totals[index] as number) + weight * (reverse ? SCORE_MAX - scaled : scaled)
  })
}

function addConstant(length: number, value: number, totals: number[]): void {
  for (let index = 0; index < length; index++) totals[index] = (totals[index] as number) + value
}
