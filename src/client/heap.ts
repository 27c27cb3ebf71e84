/**
 * A binary heap whose items can be found, moved and taken out by key. Models client-go tools/cache heap.go, v1.33.
 * The order must be total (ties broken by the caller), so that what comes out never depends on what went in before.
 */
import { invariant } from '../kernel/invariant.ts'

interface Entry<T> {
  readonly key: string
  item: T
  index: number
}

export class KeyedHeap<T> {
  readonly #before: (a: T, b: T) => boolean
  readonly #entries = new Map<string, Entry<T>>()
  readonly #heap: Entry<T>[] = []

  /** `before(a, b)`: a comes out before b. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#heap.length
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.item
  }

  /** What comes out next. */
  peek(): T | undefined {
    return this.#heap[0]?.item
  }

  /** Adds, or replaces the item of that key and finds its new place. */
  set(key: string, item: T): void {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      known.item = item
      this.#up(known)
      this.#down(known)
      return
    }
    const entry: Entry<T> = { key, item, index: this.#heap.length }
    this.#entries.set(key, entry)
    this.#heap.push(entry)
    this.#up(entry)
  }

  pop(): T | undefined {
    const first = this.#heap[0]
    if (first === undefined) return undefined
    this.delete(first.key)
    return first.item
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#entries.delete(key)
    const last = this.#heap.pop() as Entry<T>
    if (last !== entry) {
      this.#place(last, entry.index)
      this.#up(last)
      this.#down(last)
    }
    invariant(this.#entries.size === this.#heap.length, 'client: a heap holds each key once')
    return true
  }

  /** The items, in no promised order (but the same for the same history). */
  *values(): Iterable<T> {
    for (const entry of this.#heap) yield entry.item
  }

  #place(entry: Entry<T>, index: number): void {
    this.#heap[index] = entry
    entry.index = index
  }

  #up(entry: Entry<T>): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1] as Entry<T>
      if (!this.#before(entry.item, parent.item)) return
      const index = parent.index
      this.#place(parent, entry.index)
      this.#place(entry, index)
    }
  }

  #down(entry: Entry<T>): void {
    for (;;) {
      const left = this.#heap[entry.index * 2 + 1]
      if (left === undefined) return
      const right = this.#heap[entry.index * 2 + 2]
      const child = right !== undefined && this.#before(right.item, left.item) ? right : left
      if (!this.#before(child.item, entry.item)) return
      const index = child.index
      this.#place(child, entry.index)
      this.#place(entry, index)
    }
  }
}
