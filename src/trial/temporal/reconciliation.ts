/**
 * Eventually stable reconciliation, for any controller: once the cluster is left alone, each object of a kind comes to be as
 * it asks to be, within a bound, and stays so. The claim is Anvil's (OSDI 2024): from some time on the desired state holds
 * for ever, if it stops changing.
 */
import { MINUTE, type Micros } from '../../kernel/index.ts'
import { RESOURCES, type Resource, type ResourceTypes } from '../../objects/index.ts'
import type { PropertyDefinition } from '../registry.ts'
import { forEach } from './claim.ts'
import { quiet } from './cluster-atoms.ts'
import { always, leadsTo, within } from './formula.ts'
import { type PropertyOptions, property } from './property.ts'
import type { View } from './view.ts'

export interface ReconciliationOptions<R extends Resource, K extends Resource>
  extends Partial<Pick<PropertyOptions, 'id' | 'claim' | 'source' | 'catches' | 'onlyByName'>> {
  /** Desired equals actual. Default: `isReconciled`, for kinds whose status says so. */
  readonly reconciled?: (object: ResourceTypes[R], view: View<K>) => boolean
  /** Other kinds that `reconciled` reads. */
  readonly reads?: readonly K[]
  /** Only these objects; asked when they are created. */
  readonly where?: (object: ResourceTypes[R]) => boolean
  /** From the beginning of the quiet phase (or the object's creation, if later) on. Default: 5 minutes. */
  readonly withinMicros?: Micros
}

/** A property: after all faults have healed, every object of the kind is reconciled within the bound and stays reconciled. */
export function eventuallyStable<R extends Resource, const K extends Resource = never>(
  kind: R,
  options: ReconciliationOptions<R, K> = {},
): PropertyDefinition {
  const { reconciled, reads = [], where, withinMicros = 5 * MINUTE, ...rest } = options
  const name = RESOURCES[kind].kind
  const isDone = reconciled ?? ((object: ResourceTypes[R]) => isReconciled(object))
  return property({
    id: `${RESOURCES[kind].singular}-eventually-stable`,
    claim: `once the cluster is left alone every ${name} comes to be as it asks to be, and stays so`,
    source: 'Anvil (OSDI 2024), eventually stable reconciliation',
    ...rest,
    formula: forEach(
      kind,
      (object) => leadsTo(quiet, within(withinMicros, always(object.is('reconciled', reads, isDone)))),
      where === undefined ? {} : { where },
    ),
  })
}

/** What many kinds have in common, as far as a status can say that an object has what it asks for. */
interface Reporting {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string }
  readonly spec?: { readonly replicas?: number; readonly paused?: boolean }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

/**
 * The object is not being deleted, its controller has seen its newest generation, and what its status counts are the
 * replicas that its spec asks for; one that is paused in the middle of a rollout asks to stay there. Of a kind that counts none, the condition Ready says it, where there is one.
 */
export function isReconciled(object: object): boolean {
  const { metadata, spec, status } = object as Reporting
  if (metadata.deletionTimestamp !== undefined) return false
  if (metadata.generation !== undefined && (status?.observedGeneration ?? metadata.generation) < metadata.generation)
    return false
  if (spec?.replicas !== undefined) {
    if (metadata.generation !== undefined && status?.observedGeneration === undefined) return false
    if (spec.paused === true) return true
    const { replicas = 0, readyReplicas = 0, availableReplicas = 0, updatedReplicas = replicas } = status ?? {}
    return [replicas, updatedReplicas, readyReplicas, availableReplicas].every((count) => count === spec.replicas)
  }
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined || ready.status === 'True'
}
