/**
 * Pods that wait for a node: ready ones by priority and age, those that back off, those that nothing has changed for.
 * Models kubernetes pkg/scheduler/backend/queue (active, backoff, unschedulable, in-flight events), v1.33. Every waiting pod is
 * in exactly one of the three, or in flight. Not modelled: gated pods, popping from the backoff queue ahead of time.
 */
import { doubled, KeyedHeap } from '../client/index.ts'
import { invariant } from '../kernel/invariant.ts'
import type { Out, Timer, TimerTarget } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'
import type { FilterName } from './filters.ts'
import { type ClusterEvent, mayHelp } from './hints.ts'
import type { PodInfo } from './podinfo.ts'

/** A waiting pod with its history. */
export interface QueuedPod {
  readonly info: PodInfo
  /** When it came to the queue, or back to it. */
  readonly since: Micros
  /** Cycles it has had. */
  readonly attempts: number
  /** The filters that ruled nodes out in its last cycle; empty after an error. */
  readonly rejectedBy: ReadonlySet<FilterName>
  readonly order: number
}

export interface QueueOptions {
  readonly podInitialBackoffMicros: Micros
  readonly podMaxBackoffMicros: Micros
  readonly unschedulableFlushMicros: Micros
}

export interface QueueListener {
  /** There is a pod to schedule. */
  onPodReady(out: Out): void
}

interface BackingOff {
  readonly pod: QueuedPod
  readonly until: Micros
}

const BACKOFF = 1
const FLUSH = 2
const NOTHING: ReadonlySet<FilterName> = new Set()

export class SchedulingQueue implements TimerTarget {
  readonly #options: QueueOptions
  readonly #listener: QueueListener
  readonly #active = new KeyedHeap<QueuedPod>(comesFirst)
  readonly #backoff = new KeyedHeap<BackingOff>(
    (a, b) => a.until < b.until || (a.until === b.until && a.pod.order < b.pod.order),
  )
  readonly #unschedulable = new Map<string, QueuedPod>()
  /** Unschedulable pods that wait for company, or for none: a binding concerns no others. */
  #unschedulableByPods = 0
  /** Pods in a cycle, with how many events had happened when they were taken. */
  readonly #inFlight = new Map<string, number>()
  /** Events since the oldest pod in flight was taken; the number of those dropped before. */
  #events: ClusterEvent[] = []
  #eventsDropped = 0
  #order = 0
  #backoffTimer: Timer = 0
  #backoffTimerAt: Micros = 0
  #flushTimer: Timer = 0

  constructor(options: QueueOptions, listener: QueueListener) {
    this.#options = options
    this.#listener = listener
  }

  get activeCount(): number {
    return this.#active.size
  }

  get backoffCount(): number {
    return this.#backoff.size
  }

  get unschedulableCount(): number {
    return this.#unschedulable.size
  }

  /** True when the pod waits here or is in flight. */
  has(id: string): boolean {
    return this.#active.has(id) || this.#backoff.has(id) || this.#unschedulable.has(id) || this.#inFlight.has(id)
  }

  /** A new pod. One that is known already stays where it is. */
  add(info: PodInfo, out: Out): void {
    if (this.has(info.id)) return
    this.#activate({ info, since: out.now, attempts: 0, rejectedBy: NOTHING, order: this.#order++ }, out)
  }

  /** The pod itself has changed. One that was unschedulable is tried again where `mayFit` says so. */
  update(info: PodInfo, mayFit: boolean, out: Out): void {
    const { id } = info
    const active = this.#active.get(id)
    const backing = this.#backoff.get(id)
    const stuck = this.#unschedulable.get(id)
    if (active !== undefined) this.#active.set(id, { ...active, info })
    else if (backing !== undefined) this.#backoff.set(id, { ...backing, pod: { ...backing.pod, info } })
    else if (stuck !== undefined) {
      this.#unschedulable.set(id, { ...stuck, info })
      if (mayFit) this.#requeue({ ...stuck, info }, out)
    } else if (!this.#inFlight.has(id)) this.add(info, out)
  }

  /** The pod needs no node any more. */
  delete(id: string): void {
    if (!this.#active.delete(id) && !this.#backoff.delete(id)) this.#unpark(id)
  }

  /** Takes the first ready pod; it is in flight until `done`, or until it is given back. */
  pop(): QueuedPod | undefined {
    const pod = this.#active.pop()
    if (pod === undefined) return undefined
    invariant(!this.#inFlight.has(pod.info.id), 'scheduler: a pod is in flight once', { pod: pod.info.key })
    this.#inFlight.set(pod.info.id, this.#eventsDropped + this.#events.length)
    return { ...pod, attempts: pod.attempts + 1 }
  }

  /** The pod is bound or gone: it leaves the queue. */
  done(id: string): void {
    this.#inFlight.delete(id)
    if (this.#inFlight.size > 0) return
    this.#eventsDropped += this.#events.length
    this.#events = []
  }

  /**
   * Gives back a pod that got no node. With `rejectedBy` empty (an error) it backs off; else it waits for an event that may
   * help, unless one has happened since it was taken.
   */
  giveBack(pod: QueuedPod, rejectedBy: ReadonlySet<FilterName>, out: Out): void {
    const { id } = pod.info
    const from = (this.#inFlight.get(id) ?? 0) - this.#eventsDropped
    const back: QueuedPod = { ...pod, since: out.now, rejectedBy }
    const helped = this.#events.some((event, index) => index >= from && this.#helps(event, back))
    this.done(id)
    if (rejectedBy.size === 0 || helped) this.#requeue(back, out)
    else {
      this.#unschedulable.set(id, back)
      if (rejectedBy.has('InterPodAffinity')) this.#unschedulableByPods++
      if (this.#flushTimer === 0) {
        this.#flushTimer = out.after(this.#options.unschedulableFlushMicros, this, FLUSH)
      }
    }
  }

  /** Something has changed in the cluster: whoever it may help is tried again. */
  onEvent(event: ClusterEvent, out: Out): void {
    if (this.#inFlight.size > 0) this.#events.push(event)
    if (this.#unschedulable.size === 0 || (event.kind === 'pod-bound' && this.#unschedulableByPods === 0)) return
    let helped: QueuedPod[] | undefined
    for (const pod of this.#unschedulable.values()) {
      if (!this.#helps(event, pod)) continue
      helped ??= []
      helped.push(pod)
    }
    for (const pod of helped ?? []) this.#requeue(pod, out)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (kind === BACKOFF) {
      this.#backoffTimer = 0
      for (let next = this.#backoff.peek(); next !== undefined; next = this.#backoff.peek()) {
        if (next.until > out.now) break
        this.#backoff.delete(next.pod.info.id)
        this.#activate(next.pod, out)
      }
      this.#armBackoff(out)
    } else {
      this.#flushTimer = 0
      this.#flush(out)
    }
  }

  /** Forgets everything, timers included: the process starts over. */
  clear(out: Out): void {
    out.cancel(this.#backoffTimer)
    out.cancel(this.#flushTimer)
    this.#backoffTimer = 0
    this.#flushTimer = 0
    while (this.#active.pop() !== undefined);
    while (this.#backoff.pop() !== undefined);
    this.#unschedulable.clear()
    this.#unschedulableByPods = 0
    this.#inFlight.clear()
    this.#eventsDropped += this.#events.length
    this.#events = []
  }

  #unpark(id: string): void {
    const pod = this.#unschedulable.get(id)
    if (pod === undefined) return
    this.#unschedulable.delete(id)
    if (pod.rejectedBy.has('InterPodAffinity')) this.#unschedulableByPods--
  }

  #helps(event: ClusterEvent, { info, rejectedBy }: QueuedPod): boolean {
    for (const filter of rejectedBy) if (mayHelp(filter, event, info)) return true
    return false
  }

  #requeue(pod: QueuedPod, out: Out): void {
    const { id } = pod.info
    this.#unpark(id)
    const until = pod.since + this.#backoffOf(pod)
    if (until <= out.now) {
      this.#activate(pod, out)
      return
    }
    this.#backoff.set(id, { pod, until })
    this.#armBackoff(out)
  }

  #backoffOf({ attempts }: QueuedPod): Micros {
    if (attempts === 0) return 0
    return doubled(this.#options.podInitialBackoffMicros, attempts - 1, this.#options.podMaxBackoffMicros)
  }

  #activate(pod: QueuedPod, out: Out): void {
    this.#active.set(pod.info.id, pod)
    this.#listener.onPodReady(out)
  }

  #flush(out: Out): void {
    const { unschedulableFlushMicros } = this.#options
    let oldest = Number.POSITIVE_INFINITY
    for (const pod of [...this.#unschedulable.values()]) {
      if (pod.since + unschedulableFlushMicros <= out.now) this.#requeue(pod, out)
      else oldest = Math.min(oldest, pod.since)
    }
    if (this.#unschedulable.size > 0) {
      this.#flushTimer = out.after(oldest + unschedulableFlushMicros - out.now, this, FLUSH)
    }
  }

  #armBackoff(out: Out): void {
    const next = this.#backoff.peek()
    if (next === undefined || (this.#backoffTimer !== 0 && this.#backoffTimerAt <= next.until)) return
    out.cancel(this.#backoffTimer)
    this.#backoffTimerAt = next.until
    this.#backoffTimer = out.after(next.until - out.now, this, BACKOFF)
  }
}

/** Higher priority first, then who has waited longer. */
function comesFirst(a: QueuedPod, b: QueuedPod): boolean {
  if (a.info.priority !== b.info.priority) return a.info.priority > b.info.priority
  if (a.since !== b.since) return a.since < b.since
  return a.order < b.order
}
