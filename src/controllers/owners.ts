/** Owner references as controllers read and write them. Models apimachinery metav1.GetControllerOf and NewControllerRef, v1.33. */
import type { KubeObject, OwnerReference } from '../objects/index.ts'

/** The reference marked as controller, if any; at most one may be. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  const references = object.metadata.ownerReferences
  if (references === undefined) return undefined
  for (const reference of references) if (reference.controller === true) return reference
  return undefined
}

/** True when the object's controller is the one with that uid. */
export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  const uid = owner.metadata.uid
  return uid !== undefined && controllerOf(object)?.uid === uid
}

/** The reference that makes `owner` the controller of what carries it. */
export function controllerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid as string,
    controller: true,
    blockOwnerDeletion: true,
  }
}

/** Index values for "objects of one controller": the controller's uid, or `orphan/<namespace>` for what has none. */
export function ownerIndexValues(object: KubeObject): readonly string[] {
  const reference = controllerOf(object)
  return [reference === undefined ? orphanIndexValue(object.metadata.namespace) : reference.uid]
}

/** The index value under which the orphans of a namespace are found. */
export function orphanIndexValue(namespace: string | undefined): string {
  return `orphan/${namespace ?? ''}`
}
