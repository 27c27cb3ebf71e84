/** The objects of one watch cache by key, and again by namespace and (pods) by node, so that no list scans what it does not want. */
import type { KubeObject } from '../objects/index.ts'
import { nodeNameOf, type Selection, selects } from './selection.ts'

type Bucket = Map<string, KubeObject>

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
    return this.#byKey.get(key)
  }

  set(key: string, object: KubeObject, previous: KubeObject | undefined): void {
    this.#byKey.set(key, object)
    const { namespace } = object.metadata
    if (namespace !== undefined) put(this.#byNamespace, namespace, key, object)
    if (this.#byNode === undefined) return
    const node = nodeNameOf(object)
    if (previous !== undefined && nodeNameOf(previous) !== node) take(this.#byNode, nodeNameOf(previous), key)
    put(this.#byNode, node, key, object)
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
    const found: [string, KubeObject][] = []
    for (const entry of bucket) if (selects(selection, entry[1])) found.push(entry)
    found.sort(byKey)
    return found.map((entry) => entry[1])
  }

  #bucket(selection: Selection): Bucket | undefined {
    if (selection.nodeName !== undefined && this.#byNode !== undefined) return this.#byNode.get(selection.nodeName)
    if (selection.namespace !== undefined) return this.#byNamespace.get(selection.namespace)
    return this.#byKey
  }
}

function put(index: Map<string, Bucket>, value: string, key: string, object: KubeObject): void {
  const bucket = index.get(value)
  if (bucket === undefined) index.set(value, new Map([[key, object]]))
  else bucket.set(key, object)
}

function take(index: Map<string, Bucket>, value: string, key: string): void {
  const bucket = index.get(value)
  if (bucket?.delete(key) === true && bucket.size === 0) index.delete(value)
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}
