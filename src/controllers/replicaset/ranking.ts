/**
 * Which pods go first when a ReplicaSet shrinks. Models kubernetes pkg/controller ActivePodsWithRanks and replica_set.go
 * getPodsRankedByRelatedPodsOnSameNode, v1.33 (PodDeletionCost and LogarithmicScaleDown on, as by default).
 */
import type { Micros } from '../../kernel/index.ts'
import { findCondition } from '../../objects/conditions.ts'
import type { Pod } from '../../objects/index.ts'
import { isPodActive, isPodReady } from '../../objects/podutil.ts'
import { parseTime } from '../../objects/time.ts'

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

interface Ranked {
  readonly pod: Pod
  readonly assigned: number
  readonly phase: number
  readonly ready: number
  readonly cost: number
  readonly sameNode: number
  readonly readyTime: Micros
  readonly restarts: number
  readonly created: Micros
}

/**
 * The `count` pods of `pods` to delete, first to go first. `related` are the pods of every ReplicaSet with the same owner: a node
 * that holds many of them gives one up first. `wall` is the controller's wall clock in Unix microseconds.
 */
export function computePodsToDelete(
  pods: readonly Pod[],
  related: readonly Pod[],
  count: number,
  wall: Micros,
): readonly Pod[] {
  if (count >= pods.length) return pods
  const onNode = new Map<string, number>()
  for (const pod of related) {
    const node = pod.spec.nodeName ?? ''
    if (isPodActive(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1)
  }
  const ranked = pods.map((pod) => rank(pod, onNode.get(pod.spec.nodeName ?? '') ?? 0))
  ranked.sort((a, b) => compare(a, b, wall))
  return ranked.slice(0, count).map((entry) => entry.pod)
}

function rank(pod: Pod, sameNode: number): Ranked {
  const ready = isPodReady(pod)
  const readySince = ready ? findCondition(pod.status?.conditions, 'Ready')?.lastTransitionTime : undefined
  let restarts = 0
  for (const status of pod.status?.containerStatuses ?? []) restarts = Math.max(restarts, status.restartCount)
  const cost = Number(pod.metadata.annotations?.[DELETION_COST] ?? 0)
  return {
    pod,
    assigned: pod.spec.nodeName === undefined || pod.spec.nodeName === '' ? 0 : 1,
    phase: PHASE_ORDER[pod.status?.phase ?? 'Pending'] ?? 0,
    ready: ready ? 1 : 0,
    cost: Number.isInteger(cost) ? cost : 0,
    sameNode,
    readyTime: readySince === undefined ? 0 : parseTime(readySince),
    restarts,
    created: pod.metadata.creationTimestamp === undefined ? 0 : parseTime(pod.metadata.creationTimestamp),
  }
}

function compare(a: Ranked, b: Ranked, wall: Micros): number {
  if (a.assigned !== b.assigned) return a.assigned - b.assigned
  if (a.phase !== b.phase) return a.phase - b.phase
  if (a.ready !== b.ready) return a.ready - b.ready
  if (a.cost !== b.cost) return a.cost - b.cost
  if (a.sameNode !== b.sameNode) return b.sameNode - a.sameNode
  if (a.ready === 1 && a.readyTime !== b.readyTime) return compareAges(a, b, a.readyTime, b.readyTime, wall)
  if (a.restarts !== b.restarts) return b.restarts - a.restarts
  if (a.created !== b.created) return compareAges(a, b, a.created, b.created, wall)
  return compareUids(a, b)
}

/** Younger first, by powers of two of the age; within one power the uid decides, so no pod is preferred for long. */
function compareAges(a: Ranked, b: Ranked, atA: Micros, atB: Micros, wall: Micros): number {
  if (atA === 0 || atB === 0) return atA - atB
  const difference = magnitude(wall - atA) - magnitude(wall - atB)
  return difference !== 0 ? difference : compareUids(a, b)
}

function compareUids(a: Ranked, b: Ranked): number {
  const left = a.pod.metadata.uid ?? a.pod.metadata.name
  const right = b.pod.metadata.uid ?? b.pod.metadata.name
  return left < right ? -1 : left > right ? 1 : 0
}

/** The whole part of the base-2 logarithm of an age, in nanoseconds; -1 for none. Halving is exact, a logarithm would not be. */
function magnitude(ageMicros: Micros): number {
  let rest = ageMicros * 1_000
  let power = -1
  while (rest >= 1) {
    rest /= 2
    power++
  }
  return power
}
