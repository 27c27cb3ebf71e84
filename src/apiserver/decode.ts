/**
 * Stored values and objects. What is stored has no resourceVersion; what is served has the version of its last write. The served object is
 * made once for each version and shared by every cache and every server. Models apiserver pkg/storage versioner, v1.33.
 */
import { deepFreeze, type KubeObject, type ObjectMeta } from '../objects/index.ts'

const remembered = new WeakMap<object, KubeObject>()

/** The object that a stored value is at `revision`. */
export function decode(stored: unknown, revision: number): KubeObject {
  const value = stored as KubeObject
  const known = remembered.get(value)
  if (known !== undefined && revisionOf(known) === revision) return known
  const object = withResourceVersion(value, revision)
  remembered.set(value, object)
  return object
}

/** The value to store for an object: without its resourceVersion, frozen. */
export function encode(object: KubeObject): KubeObject {
  const { metadata } = object
  if (metadata.resourceVersion === undefined) return deepFreeze(object)
  const { resourceVersion: _version, ...rest } = metadata
  return deepFreeze({ ...object, metadata: rest as ObjectMeta })
}

/** The object as of `revision`: a copy of its top and its metadata, everything else shared. */
export function withResourceVersion(object: KubeObject, revision: number): KubeObject {
  return Object.freeze({
    ...object,
    metadata: Object.freeze({ ...object.metadata, resourceVersion: String(revision) }),
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
