/**
 * The queue between a reflector and its informer: for every key the changes not yet handled, keys in the order of their
 * first unhandled change. Models client-go tools/cache delta_fifo.go, v1.33. A key is queued exactly when it has deltas.
 * Not modelled: the transformer, the key function (keys are `namespace/name`).
 */
import { invariant } from '../kernel/invariant.ts'
import type { ClientDecisions } from './decisions.ts'

/** A delete that was not seen but concluded from a list: `object` is the last known copy, maybe old. */
export interface Tombstone<T> {
  readonly tombstone: true
  readonly key: string
  readonly object: T
}

export type DeltaType = 'Added' | 'Updated' | 'Deleted' | 'Replaced' | 'Sync'

export interface Delta<T> {
  readonly type: DeltaType
  readonly object: T | Tombstone<T>
}

/** What a key's consumer gets: all its deltas since it was last handled. */
export interface Popped<T> {
  readonly key: string
  readonly deltas: readonly Delta<T>[]
  /** The key was part of the first list. */
  readonly isInitial: boolean
}

/** The store behind the queue: what has been handled. */
export interface KnownObjects<T> {
  get(key: string): T | undefined
  has(key: string): boolean
  keys(): Iterable<string>
}

/** True for a delete that was concluded from a list. */
export function isTombstone<T>(object: T | Tombstone<T>): object is Tombstone<T> {
  return (object as Tombstone<T>).tombstone === true
}

/** The object of a delete, unwrapped. */
export function unwrapped<T>(object: T | Tombstone<T>): T {
  return isTombstone(object) ? object.object : object
}

export class DeltaFifo<T> {
  readonly #known: KnownObjects<T>
  readonly #decisions: ClientDecisions
  readonly #deltas = new Map<string, Delta<T>[]>()
  #queue: string[] = []
  #head = 0
  #populated = false
  /** Keys of the first list that have not been popped yet. */
  #initial = 0

  constructor(known: KnownObjects<T>, decisions: ClientDecisions) {
    this.#known = known
    this.#decisions = decisions
  }

  get length(): number {
    return this.#queue.length - this.#head
  }

  /** True once everything that the first list brought has been popped. */
  get hasSynced(): boolean {
    return this.#populated && this.#initial === 0
  }

  add(key: string, object: T): void {
    this.#populated = true
    this.#push(key, { type: 'Added', object })
  }

  update(key: string, object: T): void {
    this.#populated = true
    this.#push(key, { type: 'Updated', object })
  }

  /** A key that is neither stored nor queued is already gone: nothing happens. */
  delete(key: string, object: T): void {
    this.#populated = true
    if (this.#known.has(key) || this.#deltas.has(key)) this.#push(key, { type: 'Deleted', object })
  }

  /** Takes over a whole list: every item is Replaced, everything else that was known is Deleted by a tombstone. */
  replace(items: ReadonlyMap<string, T>): void {
    for (const [key, object] of items) this.#push(key, { type: 'Replaced', object })
    const gone = this.#decisions.keysDeletedByReplace(items, this.#deltas.keys(), this.#known.keys())
    for (const key of gone) {
      const newest = this.#deltas.get(key)?.at(-1)
      const object = newest === undefined ? this.#known.get(key) : unwrapped(newest.object)
      invariant(object !== undefined, 'client: only a known key is deleted by a list', { key })
      this.#push(key, { type: 'Deleted', object: { tombstone: true, key, object } })
    }
    if (!this.#populated) {
      this.#populated = true
      this.#initial = this.length
    }
  }

  /** Queues every stored object that has no delta waiting, for its handlers to see again. */
  resync(): void {
    for (const key of this.#known.keys()) {
      if (!this.#deltas.has(key)) this.#push(key, { type: 'Sync', object: this.#known.get(key) as T })
    }
  }

  /** The oldest key with all its deltas, or undefined. */
  pop(): Popped<T> | undefined {
    const key = this.#queue[this.#head]
    if (key === undefined) return undefined
    this.#head++
    if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    const deltas = this.#deltas.get(key)
    invariant(deltas !== undefined && deltas.length > 0, 'client: a queued key has deltas', { key })
    this.#deltas.delete(key)
    const isInitial = !this.hasSynced
    if (this.#initial > 0) this.#initial--
    return { key, deltas, isInitial }
  }

  #push(key: string, delta: Delta<T>): void {
    const deltas = this.#deltas.get(key)
    if (deltas === undefined) {
      this.#deltas.set(key, [delta])
      this.#queue.push(key)
      return
    }
    const last = deltas.at(-1)
    if (last?.type === 'Deleted' && delta.type === 'Deleted') {
      if (!isTombstone(delta.object)) deltas[deltas.length - 1] = delta
      return
    }
    deltas.push(delta)
  }
}
