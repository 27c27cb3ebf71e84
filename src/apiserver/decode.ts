/**
 * Stored values and objects. What is stored has no resourceVersion; what is served has the version of its last write. The served object is
 * made once for each version and shared by every cache and every server. Models apiserver pkg/storage versioner, v1.33.
 */
import { copyWith, deepFreeze, type KubeObject, withIdentity, withVersion } from '../objects/index.ts'

/** The last versions that were decoded, found by their revision. Far cheaper than a weak map, and large enough for what is under way. */
const SLOTS = 4096
const values: unknown[] = new Array(SLOTS).fill(undefined)
const objects: (KubeObject | undefined)[] = new Array(SLOTS).fill(undefined)

/** The object that a stored value is at `revision`. */
export function decode(stored: unknown, revision: number): KubeObject {
  const slot = revision & (SLOTS - 1)
  const known = objects[slot]
  if (known !== undefined && values[slot] === stored && revisionOf(known) === revision) return known
  const object = withResourceVersion(stored as KubeObject, revision)
  values[slot] = stored
  objects[slot] = object
  return object
}

/** The value to store for an object: without its resourceVersion, frozen. */
export function encode(object: KubeObject): KubeObject {
  const { metadata } = object
  if (metadata.resourceVersion === undefined) return deepFreeze(object)
  return deepFreeze(copyWith(object, { metadata: withIdentity(metadata, metadata) }))
}

/** The object as of `revision`: a copy of its top and its metadata, everything else shared. */
export function withResourceVersion(object: KubeObject, revision: number): KubeObject {
  return Object.freeze({
    ...object,
    metadata: Object.freeze(withVersion(object.metadata, String(revision))),
  })
}

/** The revision of a served object. */
export function revisionOf(object: KubeObject): number {
  return Number(object.metadata.resourceVersion)
}

/** A resourceVersion of a request as a number; undefined when it is none. */
export function parseRevision(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
