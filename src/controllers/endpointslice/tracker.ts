/**
 * Remembers the slices that the controller wrote, to see when its cache has not caught up with them. Models k8s.io/endpointslice
 * util EndpointSliceTracker, v1.33; but versions are compared by resourceVersion, where upstream uses the generation (an
 * EndpointSlice has no spec to count changes of, and our servers count only those).
 */
import type { EndpointSlice } from '../../objects/index.ts'
import { SERVICE_NAME_LABEL } from './slices.ts'

const DELETION_EXPECTED = -1

export class SliceTracker {
  readonly #byService = new Map<string, Map<string, number>>()
  readonly #serviceUids = new Map<string, string | undefined>()

  /** The server confirmed this version of a slice. */
  wrote(slice: EndpointSlice): void {
    const key = serviceKeyOf(slice)
    let versions = this.#byService.get(key)
    if (versions === undefined) {
      versions = new Map()
      this.#byService.set(key, versions)
    }
    versions.set(slice.metadata.uid as string, versionOf(slice))
  }

  /** The server confirmed the deletion of a slice. */
  expectDeletion(slice: EndpointSlice): void {
    this.#byService.get(serviceKeyOf(slice))?.set(slice.metadata.uid as string, DELETION_EXPECTED)
  }

  /** A slice left the cache. True when that was expected or the slice was not known. */
  deletionSeen(slice: EndpointSlice): boolean {
    const versions = this.#byService.get(serviceKeyOf(slice))
    const known = versions?.get(slice.metadata.uid as string)
    versions?.delete(slice.metadata.uid as string)
    return known === undefined || known === DELETION_EXPECTED
  }

  /** True when the cache shows a version that the controller did not write: somebody else changed the slice. */
  isForeign(slice: EndpointSlice): boolean {
    const known = this.#byService.get(serviceKeyOf(slice))?.get(slice.metadata.uid as string)
    return known === undefined || versionOf(slice) > known
  }

  /** True when the cached slices of a service lag behind what was written: an old version, a deleted one, or a missing one. */
  isStale(serviceKey: string, serviceUid: string | undefined, cached: readonly EndpointSlice[]): boolean {
    if (this.#serviceUids.get(serviceKey) !== serviceUid) {
      this.#byService.delete(serviceKey)
      this.#serviceUids.set(serviceKey, serviceUid)
    }
    const versions = this.#byService.get(serviceKey)
    if (versions === undefined) return false
    let found = 0
    for (const slice of cached) {
      const known = versions.get(slice.metadata.uid as string)
      if (known === undefined) continue
      if (known === DELETION_EXPECTED || known > versionOf(slice)) return true
      found++
    }
    let expected = 0
    for (const version of versions.values()) if (version !== DELETION_EXPECTED) expected++
    return found < expected
  }

  forgetService(serviceKey: string): void {
    this.#byService.delete(serviceKey)
    this.#serviceUids.delete(serviceKey)
  }
}

/** `namespace/name` of the service that a slice says it belongs to. */
export function serviceKeyOf(slice: EndpointSlice): string {
  return `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME_LABEL] ?? ''}`
}

function versionOf(slice: EndpointSlice): number {
  return Number(slice.metadata.resourceVersion ?? 0)
}
