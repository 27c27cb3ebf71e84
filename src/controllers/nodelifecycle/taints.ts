/**
 * The taints that a node's conditions call for. Models kubernetes pkg/controller/nodelifecycle doNoScheduleTaintingPass and
 * processTaintBaseEviction, v1.33. NoSchedule follows the conditions at once; NoExecute waits for a permit of the zone.
 */
import { findCondition, type Node, type Taint } from '../../objects/index.ts'
import { readyCondition } from './health.ts'

export const NOT_READY = 'node.kubernetes.io/not-ready'
export const UNREACHABLE = 'node.kubernetes.io/unreachable'
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable'

const BY_CONDITION: readonly (readonly [type: string, status: string, key: string])[] = [
  ['Ready', 'False', NOT_READY],
  ['Ready', 'Unknown', UNREACHABLE],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
]
const OWN_KEYS: ReadonlySet<string> = new Set([...BY_CONDITION.map((row) => row[2]), UNSCHEDULABLE])

/** What a pass decided about the NoExecute taint of a node. */
export type NoExecuteDecision = 'taint' | 'untaint' | 'leave'

/** The NoExecute taint that fits the Ready condition; undefined for a ready node or one that never reported. */
export function noExecuteKey(node: Node): string | undefined {
  const ready = readyCondition(node)
  return ready?.status === 'False' ? NOT_READY : ready?.status === 'Unknown' ? UNREACHABLE : undefined
}

/** True when the node carries a NoExecute taint of that key, or with no key given either of the two. */
export function hasNoExecute(node: Node, key?: string): boolean {
  for (const taint of node.spec.taints ?? []) {
    if (taint.effect !== 'NoExecute') continue
    if (key === undefined ? taint.key === NOT_READY || taint.key === UNREACHABLE : taint.key === key) return true
  }
  return false
}

/**
 * The taints that the node should have. Taints of others stay as they are. A node already tainted NoExecute for the opposite reason
 * is switched at once, without a permit. `stamp` is put on taints added now. The same array when nothing changes.
 */
export function computeTaints(node: Node, decision: NoExecuteDecision, stamp: string): readonly Taint[] {
  const before = node.spec.taints ?? NO_TAINTS
  const after: Taint[] = []
  const scheduleKeys = noScheduleKeys(node)
  const executeKey = noExecuteKey(node)
  const wantsExecute =
    executeKey !== undefined && decision !== 'untaint' && (decision === 'taint' || hasNoExecute(node))
      ? executeKey
      : undefined
  const present = new Set<string>()
  for (const taint of before) {
    const own = isOwn(taint)
    const wanted = taint.effect === 'NoSchedule' ? scheduleKeys.includes(taint.key) : taint.key === wantsExecute
    if (own && !wanted) continue
    if (own) present.add(`${taint.key}/${taint.effect}`)
    after.push(taint)
  }
  for (const key of scheduleKeys) {
    if (!present.has(`${key}/NoSchedule`)) after.push({ key, effect: 'NoSchedule', timeAdded: stamp })
  }
  if (wantsExecute !== undefined && !present.has(`${wantsExecute}/NoExecute`)) {
    after.push({ key: wantsExecute, effect: 'NoExecute', timeAdded: stamp })
  }
  return after.length === before.length && after.every((taint, index) => taint === before[index]) ? before : after
}

/** True when the conditions call for no other taints than the node has (permits for NoExecute apart). */
export function hasRightTaints(node: Node): boolean {
  return computeTaints(node, 'leave', '') === (node.spec.taints ?? NO_TAINTS)
}

const NO_TAINTS: readonly Taint[] = Object.freeze([])

function isOwn(taint: Taint): boolean {
  if (taint.effect === 'NoSchedule') return OWN_KEYS.has(taint.key)
  return taint.effect === 'NoExecute' && (taint.key === NOT_READY || taint.key === UNREACHABLE)
}

function noScheduleKeys(node: Node): readonly string[] {
  const keys: string[] = []
  for (const [type, status, key] of BY_CONDITION) {
    if (findCondition(node.status?.conditions, type)?.status === status) keys.push(key)
  }
  if (node.spec.unschedulable === true) keys.push(UNSCHEDULABLE)
  return keys
}
