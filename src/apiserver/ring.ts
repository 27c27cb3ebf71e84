/**
 * The last events of a watch cache, in order of revision. Grows up to its capacity, then overwrites the oldest.
 * Models apiserver pkg/storage/cacher watch_cache.go, v1.33. The capacity is fixed; upstream adapts it to the rate of events.
 */
import { invariant } from '../kernel/invariant.ts'
import type { KubeObject, WatchEvent } from '../objects/index.ts'
import type { RingState } from './decisions.ts'

/** One change of one object, as every watcher of a resource shares it. */
export interface CacheEvent {
  readonly revision: number
  /** Undefined for a removal. */
  readonly current: KubeObject | undefined
  /** Undefined for a creation. */
  readonly previous: KubeObject | undefined
  /** What a watcher without a selector receives. */
  readonly whole: WatchEvent
}

export class EventRing {
  readonly #capacity: number
  #events: CacheEvent[] = []
  /** Position of the oldest event once the ring is full. */
  #start = 0
  #wrapped = false

  constructor(capacity: number) {
    invariant(capacity >= 1, 'apiserver: a ring holds at least one event', { capacity })
    this.#capacity = capacity
  }

  push(event: CacheEvent): void {
    const { length } = this.#events
    if (length > 0) {
      invariant(
        event.revision >= this.#at(length - 1).revision,
        'apiserver: events enter a ring in order',
        event.revision,
      )
    }
    if (length < this.#capacity) {
      this.#events.push(event)
      return
    }
    this.#events[this.#start] = event
    this.#start = (this.#start + 1) % length
    this.#wrapped = true
  }

  /** Forgets everything: the cache was filled from a new list. */
  clear(): void {
    this.#events = []
    this.#start = 0
    this.#wrapped = false
  }

  state(listRevision: number): RingState {
    const size = this.#events.length
    return { size, wrapped: this.#wrapped, oldestEventRevision: size === 0 ? 0 : this.#at(0).revision, listRevision }
  }

  /** Calls `visit` with every event after `revision`, oldest first. */
  after(revision: number, visit: (event: CacheEvent) => void): void {
    const size = this.#events.length
    let low = 0
    let high = size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#at(middle).revision <= revision) low = middle + 1
      else high = middle
    }
    for (let i = low; i < size; i++) visit(this.#at(i))
  }

  #at(position: number): CacheEvent {
    return this.#events[(this.#start + position) % this.#events.length] as CacheEvent
  }
}
