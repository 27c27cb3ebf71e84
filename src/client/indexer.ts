/**
 * A store of objects by key, with named indexes kept up to date change by change. Models client-go tools/cache
 * thread_safe_store.go, v1.33.
 */
import { invariant } from '../kernel/invariant.ts'

/** The values under which an object is found; none when the index does not concern it. */
export type IndexFunction<T> = (object: T) => readonly string[]

/** What is counted of the objects under one value of an index. Told of every object that comes under the value, changes or leaves it. */
export interface Tally<T> {
  add(object: T): void
  remove(object: T): void
}

interface Bucket<T> {
  readonly objects: Map<string, T>
  readonly tally: Tally<T> | undefined
  /** The objects as a list, made when first asked for and dropped at the next change. */
  list: readonly T[] | undefined
}

interface Index<T> {
  readonly valuesOf: IndexFunction<T>
  readonly buckets: Map<string, Bucket<T>>
  makeTally: (() => Tally<T>) | undefined
}

const NONE: readonly never[] = Object.freeze([])

export class Indexer<T> {
  readonly #objects = new Map<string, T>()
  readonly #indexes = new Map<string, Index<T>>()
  /** The indexes again, for walking over them. */
  readonly #list: Index<T>[] = []

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  has(key: string): boolean {
    return this.#objects.has(key)
  }

  keys(): Iterable<string> {
    return this.#objects.keys()
  }

  values(): Iterable<T> {
    return this.#objects.values()
  }

  /** Adds an index; what is stored already is entered. Adding the same name again changes nothing. */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return
    const index: Index<T> = { valuesOf, buckets: new Map(), makeTally: undefined }
    this.#indexes.set(name, index)
    this.#list.push(index)
    for (const [key, object] of this.#objects) for (const value of valuesOf(object)) enter(index, value, key, object)
  }

  /** Counts from now on what is under each value of an index that is still empty; answers how to ask for a value's count. */
  addTally<S extends Tally<T>>(name: string, make: () => S): (value: string) => S | undefined {
    const index = this.#indexes.get(name)
    if (index === undefined) invariant(false, 'client: an index is declared before it is asked', { name })
    invariant(
      index.makeTally === undefined && this.#objects.size === 0,
      'client: an index is counted once, from the start',
    )
    index.makeTally = make
    return (value) => index.buckets.get(value)?.tally as S | undefined
  }

  /** The objects under `value` in the order in which they came; the list is a snapshot. */
  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name)
    if (index === undefined) invariant(false, 'client: an index is declared before it is asked', { name })
    const bucket = index.buckets.get(value)
    if (bucket === undefined) return NONE
    bucket.list ??= [...bucket.objects.values()]
    return bucket.list
  }

  /** Stores the object and answers what was there before. */
  set(key: string, object: T): T | undefined {
    const previous = this.#objects.get(key)
    this.#objects.set(key, object)
    const indexes = this.#list
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i] as Index<T>
      const values = index.valuesOf(object)
      if (previous !== undefined) {
        const former = index.valuesOf(previous)
        for (let at = 0; at < former.length; at++) {
          const value = former[at] as string
          if (value !== values[at] && !values.includes(value)) leave(index, value, key)
        }
      }
      for (let at = 0; at < values.length; at++) enter(index, values[at] as string, key, object)
    }
    return previous
  }

  /** Takes the object out and answers what was there. */
  delete(key: string): T | undefined {
    const previous = this.#objects.get(key)
    if (previous === undefined) return undefined
    this.#objects.delete(key)
    for (const index of this.#indexes.values()) {
      for (const value of index.valuesOf(previous)) leave(index, value, key)
    }
    return previous
  }
}

function enter<T>(index: Index<T>, value: string, key: string, object: T): void {
  let bucket = index.buckets.get(value)
  if (bucket === undefined) {
    bucket = { objects: new Map(), list: undefined, tally: index.makeTally?.() }
    index.buckets.set(value, bucket)
  }
  const { tally } = bucket
  if (tally !== undefined) {
    const previous = bucket.objects.get(key)
    if (previous !== undefined) tally.remove(previous)
    tally.add(object)
  }
  bucket.objects.set(key, object)
  bucket.list = undefined
}

function leave<T>(index: Index<T>, value: string, key: string): void {
  const bucket = index.buckets.get(value)
  const previous = bucket?.objects.get(key)
  invariant(bucket !== undefined && previous !== undefined, 'client: an index holds every stored object', {
    value,
    key,
  })
  bucket.objects.delete(key)
  bucket.tally?.remove(previous)
  bucket.list = undefined
  if (bucket.objects.size === 0) index.buckets.delete(value)
}
