/** The list of conditions in a status. Models apimachinery pkg/api/meta conditions.go, v1.33: the transition time moves only with the status. */
import { copyWith } from './copy.ts'
import type { Condition } from './meta.ts'

/** The condition of that type, if present. */
export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  if (conditions === undefined) return undefined
  for (let i = 0; i < conditions.length; i++) if (conditions[i]?.type === type) return conditions[i]
  return undefined
}

/** True when the condition of that type is there and its status is "True". */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True'
}

/**
 * The conditions with `condition` set. `stamp` (RFC 3339) becomes its lastTransitionTime when the status differs from
 * before or the condition is new, unless `condition` brings its own. Returns the same array when nothing changed.
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  condition: Condition,
  stamp: string,
): readonly Condition[] {
  const before = findCondition(conditions, condition.type)
  if (before === undefined)
    return [...(conditions ?? []), copyWith(condition, { lastTransitionTime: condition.lastTransitionTime ?? stamp })]
  const lastTransitionTime =
    before.status === condition.status ? before.lastTransitionTime : (condition.lastTransitionTime ?? stamp)
  const after: Condition = copyWith(before, copyWith(condition, { lastTransitionTime }))
  if (sameCondition(before, after)) return conditions as readonly Condition[]
  return (conditions as readonly Condition[]).map((entry) => (entry === before ? after : entry))
}

/** The conditions without the one of that type; the same array when it was not there. */
export function withoutCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): readonly Condition[] | undefined {
  return findCondition(conditions, type) === undefined ? conditions : conditions?.filter((entry) => entry.type !== type)
}

function sameCondition(a: Condition, b: Condition): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.lastTransitionTime === b.lastTransitionTime &&
    a.lastUpdateTime === b.lastUpdateTime &&
    a.lastHeartbeatTime === b.lastHeartbeatTime &&
    a.lastProbeTime === b.lastProbeTime &&
    a.observedGeneration === b.observedGeneration
  )
}
