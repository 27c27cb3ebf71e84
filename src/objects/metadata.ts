/** Metadata as a closed set of fields: copies and comparisons that do not walk what they need not. */
import { sameValue } from './equal.ts'
import type { ObjectMeta } from './meta.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A copy of `given` as a client may set it, with the identity and the deletion marks of `kept`, and no resourceVersion. */
export function withIdentity(given: ObjectMeta, kept: ObjectMeta): ObjectMeta {
  const made: Mutable<ObjectMeta> = {
    name: given.name,
    uid: given.uid ?? kept.uid,
    creationTimestamp: kept.creationTimestamp,
  }
  const namespace = given.namespace ?? kept.namespace
  if (namespace !== undefined) made.namespace = namespace
  if (given.labels !== undefined) made.labels = given.labels
  if (kept.generation !== undefined) made.generation = kept.generation
  if (given.generateName !== undefined) made.generateName = given.generateName
  if (given.annotations !== undefined) made.annotations = given.annotations
  if (given.ownerReferences !== undefined) made.ownerReferences = given.ownerReferences
  if (given.finalizers !== undefined) made.finalizers = given.finalizers
  if (kept.deletionTimestamp !== undefined) made.deletionTimestamp = kept.deletionTimestamp
  if (kept.deletionGracePeriodSeconds !== undefined) made.deletionGracePeriodSeconds = kept.deletionGracePeriodSeconds
  return made
}

/** A copy of `given` as it is served, at a version. */
export function withVersion(given: ObjectMeta, resourceVersion: string): ObjectMeta {
  const made: Mutable<ObjectMeta> = {
    name: given.name,
    uid: given.uid,
    resourceVersion,
    creationTimestamp: given.creationTimestamp,
  }
  if (given.namespace !== undefined) made.namespace = given.namespace
  if (given.labels !== undefined) made.labels = given.labels
  if (given.generation !== undefined) made.generation = given.generation
  if (given.generateName !== undefined) made.generateName = given.generateName
  if (given.annotations !== undefined) made.annotations = given.annotations
  if (given.ownerReferences !== undefined) made.ownerReferences = given.ownerReferences
  if (given.finalizers !== undefined) made.finalizers = given.finalizers
  if (given.deletionTimestamp !== undefined) made.deletionTimestamp = given.deletionTimestamp
  if (given.deletionGracePeriodSeconds !== undefined) made.deletionGracePeriodSeconds = given.deletionGracePeriodSeconds
  return made
}

/** True when what clients may set (names, labels, annotations, finalizers, owners) is the same. */
export function sameClientMetadata(a: ObjectMeta, b: ObjectMeta): boolean {
  return (
    a === b ||
    (a.name === b.name &&
      a.namespace === b.namespace &&
      sameValue(a.labels, b.labels) &&
      sameValue(a.annotations, b.annotations) &&
      sameValue(a.finalizers, b.finalizers) &&
      sameValue(a.ownerReferences, b.ownerReferences))
  )
}

/** True when everything but the resourceVersion is the same. */
export function sameButVersion(a: ObjectMeta, b: ObjectMeta): boolean {
  return (
    sameClientMetadata(a, b) &&
    a.uid === b.uid &&
    a.generation === b.generation &&
    a.generateName === b.generateName &&
    a.creationTimestamp === b.creationTimestamp &&
    a.deletionTimestamp === b.deletionTimestamp &&
    a.deletionGracePeriodSeconds === b.deletionGracePeriodSeconds
  )
}
