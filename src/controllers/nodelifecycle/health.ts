/**
 * Whether a node is still heard of. Models kubernetes pkg/controller/nodelifecycle tryUpdateNodeHealth, v1.33. Heartbeats are judged
 * by when this controller saw them, on its own clock, never by the stamps inside: skew between hosts does not matter.
 */
import type { Micros } from '../../kernel/index.ts'
import { type Condition, findCondition, type Lease, type Node, timestamp } from '../../objects/index.ts'

/** What the controller remembers of a node between two passes. */
export interface NodeHealth {
  /** When the last heartbeat (status or lease) was noticed; kernel time. */
  readonly probeMicros: Micros
  readonly heartbeat: string | undefined
  readonly transition: string | undefined
  readonly renewal: string | undefined
}

const NEVER_UPDATED = 'NodeStatusNeverUpdated'
const UNKNOWN_TOO = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const

/** The memory after looking at the node and its lease once more. `before` is undefined for a node not seen so far. */
export function observeHealth(
  before: NodeHealth | undefined,
  node: Node,
  lease: Lease | undefined,
  now: Micros,
): NodeHealth {
  const ready = readyCondition(node)
  const heartbeat = ready?.lastHeartbeatTime
  const transition = ready?.lastTransitionTime
  const renewal = lease?.spec.renewTime
  if (before === undefined) return { probeMicros: now, heartbeat, transition, renewal }
  const renewed = renewal !== undefined && (before.renewal === undefined || before.renewal < renewal)
  const reported = before.heartbeat !== heartbeat && ready?.reason !== NEVER_UPDATED
  if (!renewed && !reported && before.transition === transition) return before
  return {
    probeMicros: renewed || reported ? now : before.probeMicros,
    heartbeat,
    transition,
    renewal: renewed ? renewal : before.renewal,
  }
}

/** True when nothing was heard for longer than the grace period that this node is entitled to. */
export function isSilent(
  health: NodeHealth,
  node: Node,
  graceMicros: Micros,
  startupGraceMicros: Micros,
  now: Micros,
): boolean {
  const grace = readyCondition(node) === undefined ? startupGraceMicros : graceMicros
  return now > health.probeMicros + grace
}

/** The conditions of a silent node: Unknown, except for those that the control plane itself keeps. Same array when already so. */
export function computeUnknownConditions(node: Node, wall: Micros): readonly Condition[] {
  const stamp = timestamp(wall)
  let conditions: Condition[] | undefined
  for (const type of UNKNOWN_TOO) {
    const before = findCondition(node.status?.conditions, type)
    if (before?.status === 'Unknown') continue
    conditions ??= [...(node.status?.conditions ?? [])]
    if (before === undefined) {
      conditions.push({
        type,
        status: 'Unknown',
        reason: NEVER_UPDATED,
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: stamp,
      })
      continue
    }
    conditions[conditions.indexOf(before)] = {
      ...before,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: stamp,
    }
  }
  return conditions ?? node.status?.conditions ?? []
}

/** The node's Ready condition; undefined until the kubelet or this controller wrote one. */
export function readyCondition(node: Node): Condition | undefined {
  return findCondition(node.status?.conditions, 'Ready')
}
