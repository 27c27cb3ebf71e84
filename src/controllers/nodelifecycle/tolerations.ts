/**
 * For how long a pod puts up with the NoExecute taints of its node. Models kubernetes pkg/controller/tainteviction
 * getMinTolerationTime and component-helpers GetMatchingTolerations, v1.33.
 */
import { type Micros, SECOND } from '../../kernel/index.ts'
import type { Node, Pod, Taint, Toleration } from '../../objects/index.ts'

/** `now`: not tolerated. A number of microseconds: tolerated that long. `forever`: no reason to go. */
export type Patience = 'now' | 'forever' | Micros

const NONE: readonly Taint[] = Object.freeze([])

/** The NoExecute taints of a node; the same empty array for none. */
export function noExecuteTaints(node: Node): readonly Taint[] {
  const taints = node.spec.taints
  if (taints === undefined) return NONE
  for (const taint of taints)
    if (taint.effect === 'NoExecute') return taints.filter((entry) => entry.effect === 'NoExecute')
  return NONE
}

/** The shortest patience over all taints. Of the tolerations of one taint the first that matches counts. */
export function computePatience(pod: Pod, taints: readonly Taint[]): Patience {
  let shortest: Patience = 'forever'
  for (const taint of taints) {
    const toleration = pod.spec.tolerations?.find((entry) => tolerates(entry, taint))
    if (toleration === undefined) return 'now'
    const seconds = toleration.tolerationSeconds
    if (seconds === undefined) continue
    const micros = Math.max(0, seconds) * SECOND
    if (shortest === 'forever' || micros < shortest) shortest = micros
  }
  return shortest
}

/** True when the toleration covers the taint's key, value and effect. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false
  const anyKey = toleration.key === undefined || toleration.key === ''
  if (!anyKey && toleration.key !== taint.key) return false
  if (toleration.operator === 'Exists') return true
  return !anyKey && (toleration.value ?? '') === (taint.value ?? '')
}

/** An eviction that is going to happen unless the taint goes first. */
export interface PlannedEviction {
  readonly since: Micros
  readonly at: Micros
}

/**
 * The plan after looking at a pod again. A plan made earlier stays as it is, even for another patience: a taint that is rewritten
 * grants no more time. Undefined: no eviction.
 */
export function computePlan(
  before: PlannedEviction | undefined,
  patience: Patience,
  now: Micros,
): PlannedEviction | undefined {
  if (patience === 'forever') return undefined
  if (patience === 'now') return before !== undefined && before.at <= now ? before : { since: now, at: now }
  return before ?? { since: now, at: now + patience }
}
