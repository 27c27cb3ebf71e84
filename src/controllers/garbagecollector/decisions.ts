/** The decisions of the garbage collector that a historical bug replaces. Source: kubernetes pkg/controller/garbagecollector, v1.33 (PR 92743). */
import { type OwnerReference, resourceOfKind } from '../../objects/index.ts'

/** Where an object is to be found. `namespace` is empty for what is cluster-scoped. */
export interface Coordinates {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

export interface GarbageCollectorDecisions {
  /** Where the owner that a reference names is to be looked for. `dependentNamespace` is empty for a cluster-scoped dependent. */
  gcOwnerCoordinates(reference: OwnerReference, dependentNamespace: string): Coordinates
  /** Under which key an absence is remembered: what else may be concluded from it. */
  gcAbsenceKey(uid: string, coordinates: Coordinates): string
  /** Whether a dependent that means `meant` has lost its owner when nothing was found at `absent`. */
  gcAbsenceConcerns(absent: Coordinates, meant: Coordinates): boolean
}

export const GARBAGE_COLLECTOR_DECISIONS: GarbageCollectorDecisions = {
  gcOwnerCoordinates(reference, dependentNamespace) {
    const namespaced = resourceOfKind(reference.apiVersion, reference.kind)?.namespaced ?? true
    return {
      apiVersion: reference.apiVersion,
      kind: reference.kind,
      namespace: namespaced ? dependentNamespace : '',
      name: reference.name,
    }
  },
  gcAbsenceKey(uid, coordinates) {
    return `${uid} ${coordinates.apiVersion} ${coordinates.kind} ${coordinates.namespace}/${coordinates.name}`
  },
  gcAbsenceConcerns(absent, meant) {
    return (
      absent.name === meant.name &&
      absent.namespace === meant.namespace &&
      absent.kind === meant.kind &&
      absent.apiVersion === meant.apiVersion
    )
  },
}
