/**
 * The queue of a controller: a key waits at most once, is never with two workers at once, and one that changes while a
 * worker has it comes back when the worker is done. Models client-go util/workqueue (queue, delaying_queue,
 * rate_limiting_queue), v1.33. Not modelled: shutting down and draining (a process just dies), metrics, priorities.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, Timer, TimerTarget } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'
import { KeyedHeap } from './heap.ts'
import { DefaultRateLimiter, type RateLimiter } from './ratelimiter.ts'

export interface WorkQueueOptions {
  /** Default: 5 ms to 1,000 s an item, 10/s with a burst of 100 over all. */
  readonly rateLimiter?: RateLimiter
  /** Told when the queue has a key to give. */
  readonly listener?: WorkQueueListener
}

interface Delayed {
  readonly key: string
  readonly due: Micros
  readonly order: number
}

export interface WorkQueueListener {
  onWork(out: Out): void
}

export class WorkQueue implements TimerTarget {
  readonly #rateLimiter: RateLimiter
  #listener: WorkQueueListener | undefined
  /** Every key that needs work and is not with a worker, or has changed since it went to one. */
  readonly #dirty = new Set<string>()
  readonly #processing = new Set<string>()
  /** The keys that are dirty and not processing, first come first served, from `#head` on. */
  #queue: string[] = []
  #head = 0
  readonly #delayed = new KeyedHeap<Delayed>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order))
  #delays = 0
  #timer: Timer = 0
  #timerAt: Micros = 0

  constructor(options: WorkQueueOptions = {}) {
    this.#rateLimiter = options.rateLimiter ?? new DefaultRateLimiter()
    this.#listener = options.listener
  }

  /** Who is told when there is work. */
  listen(listener: WorkQueueListener): void {
    this.#listener = listener
  }

  /** Keys that can be taken now. */
  get length(): number {
    return this.#queue.length - this.#head
  }

  /** Keys that wait for their time. */
  get delayed(): number {
    return this.#delayed.size
  }

  add(key: string, out: Out): void {
    if (this.#dirty.has(key)) return
    this.#dirty.add(key)
    if (this.#processing.has(key)) return
    this.#queue.push(key)
    this.#listener?.onWork(out)
  }

  /** Adds after a delay; of several delays of one key the earliest counts. */
  addAfter(key: string, micros: Micros, out: Out): void {
    if (micros <= 0) {
      this.add(key, out)
      return
    }
    const due = out.now + micros
    const known = this.#delayed.get(key)
    if (known !== undefined && known.due <= due) return
    this.#delayed.set(key, { key, due, order: this.#delays++ })
    this.#arm(due, out)
  }

  /** Adds after the wait that the rate limiter gives this key. */
  addRateLimited(key: string, out: Out): void {
    this.addAfter(key, this.#rateLimiter.when(key, out.now), out)
  }

  /** The key has succeeded: its next failure waits shortly again. Does not take it out of the queue. */
  forget(key: string): void {
    this.#rateLimiter.forget(key)
  }

  /** Failures of the key since it was last forgotten. */
  failures(key: string): number {
    return this.#rateLimiter.failures(key)
  }

  /** Takes the next key, which is with the caller until `done`. Undefined when there is none. */
  get(): string | undefined {
    const key = this.#queue[this.#head]
    if (key === undefined) return undefined
    this.#head++
    if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    if (this.#processing.has(key)) invariant(false, 'client: a key is never with two workers at once', { key })
    this.#processing.add(key)
    this.#dirty.delete(key)
    return key
  }

  /** The caller has finished with a key that it got. */
  done(key: string, out: Out): void {
    invariant(this.#processing.delete(key), 'client: only a key that was taken can be done', { key })
    if (!this.#dirty.has(key)) return
    this.#queue.push(key)
    this.#listener?.onWork(out)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#timer = 0
    for (let first = this.#delayed.peek(); first !== undefined; first = this.#delayed.peek()) {
      if (first.due > out.now) {
        this.#arm(first.due, out)
        return
      }
      this.#delayed.delete(first.key)
      this.add(first.key, out)
    }
  }

  #arm(due: Micros, out: Out): void {
    if (this.#timer !== 0 && this.#timerAt <= due) return
    out.cancel(this.#timer)
    this.#timerAt = due
    this.#timer = out.after(due - out.now, this, 0)
  }
}
