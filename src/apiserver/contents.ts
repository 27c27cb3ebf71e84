/** The objects of one watch cache by key, and again by namespace and (pods) by node, so that no list scans what it does not want. */
import type { KubeObject } from '../objects/index.ts'
import { nodeNameOf, type Selection, selects } from './selection.ts'

/** Where an object stands in all indexes: a new version of it is entered once. */
interface Place {
  readonly key: string
  object: KubeObject
}

type Bucket = Map<string, Place>

export class Contents {
  readonly #byKey: Bucket = new Map()
  readonly #byNamespace = new Map<string, Bucket>()
  readonly #byNode: Map<string, Bucket> | undefined

  constructor(indexedByNode: boolean) {
    this.#byNode = indexedByNode ? new Map() : undefined
  }

  get size(): number {
    return this.#byKey.size
  }

  get(key: string): KubeObject | undefined {
    return this.#byKey.get(key)?.object
  }

  /** Stores the object and gives what was there before. */
  set(key: string, object: KubeObject): KubeObject | undefined {
    const place = this.#byKey.get(key)
    if (place === undefined) {
      this.#enter({ key, object })
      return undefined
    }
    const previous = place.object
    place.object = object
    if (this.#byNode !== undefined && nodeNameOf(previous) !== nodeNameOf(object)) {
      take(this.#byNode, nodeNameOf(previous), key)
      put(this.#byNode, nodeNameOf(object), place)
    }
    return previous
  }

  delete(key: string, previous: KubeObject): void {
    this.#byKey.delete(key)
    if (previous.metadata.namespace !== undefined) take(this.#byNamespace, previous.metadata.namespace, key)
    if (this.#byNode !== undefined) take(this.#byNode, nodeNameOf(previous), key)
  }

  clear(): void {
    this.#byKey.clear()
    this.#byNamespace.clear()
    this.#byNode?.clear()
  }

  /** The selected objects in order of their keys, as etcd would list them. */
  list(selection: Selection): KubeObject[] {
    const bucket = this.#bucket(selection)
    if (bucket === undefined) return []
    const found: Place[] = []
    for (const place of bucket.values()) if (selects(selection, place.object)) found.push(place)
    found.sort(byKey)
    return found.map((place) => place.object)
  }

  #enter(place: Place): void {
    const { key, object } = place
    this.#byKey.set(key, place)
    const { namespace } = object.metadata
    if (namespace !== undefined) put(this.#byNamespace, namespace, place)
    if (this.#byNode !== undefined) put(this.#byNode, nodeNameOf(object), place)
  }

  #bucket(selection: Selection): Bucket | undefined {
    if (selection.nodeName !== undefined && this.#byNode !== undefined) return this.#byNode.get(selection.nodeName)
    if (selection.namespace !== undefined) return this.#byNamespace.get(selection.namespace)
    return this.#byKey
  }
}

function put(index: Map<string, Bucket>, value: string, place: Place): void {
  const bucket = index.get(value)
  if (bucket === undefined) index.set(value, new Map([[place.key, place]]))
  else bucket.set(place.key, place)
}

function take(index: Map<string, Bucket>, value: string, key: string): void {
  const bucket = index.get(value)
  if (bucket?.delete(key) === true && bucket.size === 0) index.delete(value)
}

function byKey(a: Place, b: Place): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}
