/**
 * A local copy of one resource and the handlers that hear of its changes. Models client-go tools/cache shared_informer.go
 * and controller.go, v1.33. Changes are handled at once unless the consumer is slow (`setLag`); then they wait in the
 * delta queue, one key at a time. Every handler hears add (update)* delete of each key, in order.
 * Not modelled: handlers with queues of their own (all hear a change in one step).
 */
import type { Out, Timer, TimerTarget } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'
import { type KubeObject, keyOf, type ListSelectors, type Resource } from '../objects/index.ts'
import type { ApiClient } from './apiclient.ts'
import type { ClientDecisions } from './decisions.ts'
import { type Delta, DeltaFifo, isTombstone, type Popped, type Tombstone, unwrapped } from './deltafifo.ts'
import type { InformerEventFact } from './facts.ts'
import { Indexer, type IndexFunction, type Tally } from './indexer.ts'
import { Reflector, type ReflectorTarget, type WatchFate } from './reflector.ts'

/** Hears of changes. The store already holds the new state when it is called. */
export interface Handler<T> {
  /** `isInitial`: part of the first list. */
  onAdd?(object: T, isInitial: boolean, out: Out): void
  onUpdate?(previous: T, current: T, out: Out): void
  /** A tombstone when the delete was concluded from a list: its object may be old. */
  onDelete?(object: T | Tombstone<T>, out: Out): void
}

export interface InformerOptions<T> extends ListSelectors {
  readonly namespace?: string
  /** Named indexes over the store. */
  readonly indexers?: Readonly<Record<string, IndexFunction<T>>>
  /** Default: the factory's. */
  readonly firstListVersion?: '0' | ''
}

export interface InformerSetup extends ListSelectors {
  readonly client: ApiClient
  readonly resource: Resource
  readonly namespace?: string
  readonly name: string
  readonly observe: boolean
  readonly firstListVersion: '0' | ''
  readonly resyncMicros: Micros
  readonly decisions: ClientDecisions
  /** Told once, when the first list has been handled. */
  readonly onSynced: (out: Out) => void
}

const POP = 1
const RESYNC = 2

export class Informer<T extends KubeObject> implements ReflectorTarget, TimerTarget {
  readonly resource: Resource
  readonly #setup: InformerSetup
  readonly #store = new Indexer<T>()
  readonly #fifo: DeltaFifo<T>
  readonly #reflector: Reflector
  readonly #handlers: Handler<T>[] = []
  #lagMicros: Micros = 0
  #popTimer: Timer = 0
  #resyncTimer: Timer = 0
  #synced = false

  /** Informers are made by an InformerFactory, which shares them. */
  constructor(setup: InformerSetup) {
    this.#setup = setup
    this.resource = setup.resource
    this.#fifo = new DeltaFifo(this.#store, setup.decisions)
    this.#reflector = new Reflector({ target: this, ...setup })
  }

  get(key: string): T | undefined {
    return this.#store.get(key)
  }

  /** All objects, in the order in which they first came. Do not keep the iterator over a change. */
  list(): Iterable<T> {
    return this.#store.values()
  }

  get size(): number {
    return this.#store.size
  }

  /** The objects under a value of a named index: a snapshot. */
  byIndex(name: string, value: string): readonly T[] {
    return this.#store.byIndex(name, value)
  }

  /** It shows a part of the resource only: a namespace, or what a selector matches. */
  get isSelective(): boolean {
    const { namespace, labelSelector, fieldSelector } = this.#setup
    return namespace !== undefined || labelSelector !== undefined || fieldSelector !== undefined
  }

  /** Adds a named index; one of that name that is there already stays. */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    this.#store.addIndex(name, valuesOf)
  }

  /** Counts what is under each value of a named index. Before `start`; answers how to ask for a value's count. */
  addTally<S extends Tally<T>>(index: string, make: () => S): (value: string) => S | undefined {
    return this.#store.addTally(index, make)
  }

  /** True once the first list has been handled. */
  hasSynced(): boolean {
    return this.#synced
  }

  /** The version that the reflector has received; handled only up to `queued` keys. */
  get lastVersion(): string {
    return this.#reflector.lastVersion
  }

  /** Keys that wait for a slow consumer. */
  get queued(): number {
    return this.#fifo.length
  }

  /** Adds a handler. Add them before `start`: one that comes later hears only of later changes. */
  addHandler(handler: Handler<T>): void {
    this.#handlers.push(handler)
  }

  /** Makes the consumer slow: each key takes so long to be handled. 0 (the default): at once; what waits follows with the next event. */
  setLag(micros: Micros): void {
    this.#lagMicros = micros
  }

  /** A fault's hook: what becomes of its watch. */
  setWatchFate(fate: WatchFate, out: Out): void {
    this.#reflector.setFate(fate, out)
  }

  /** What such faults have done so far: events that came late, watches that were cut. */
  get disturbed(): number {
    return this.#reflector.disturbed
  }

  start(out: Out): void {
    this.#reflector.start(out)
    if (this.#setup.resyncMicros > 0) this.#resyncTimer = out.after(this.#setup.resyncMicros, this, RESYNC)
  }

  /** Stops for good: the store stays as it is, and what still waits for a slow consumer is never shown. */
  stop(out: Out): void {
    this.#reflector.stop(out)
    out.cancel(this.#popTimer)
    out.cancel(this.#resyncTimer)
  }

  onReplace(objects: readonly KubeObject[], out: Out): void {
    const items = new Map<string, T>()
    for (const object of objects) items.set(keyOf(object), object as T)
    this.#fifo.replace(items)
    this.#drain(out)
    this.#checkSynced(out)
  }

  onEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject, out: Out): void {
    const key = keyOf(object)
    if (this.#lagMicros === 0 && this.#fifo.length === 0) {
      // The queue would be popped at once: the same without it.
      if (type !== 'DELETED') this.#store1(key, object as T, false, out)
      else if (this.#store.has(key)) this.#delete1(key, object as T, out)
      return
    }
    if (type === 'ADDED') this.#fifo.add(key, object as T)
    else if (type === 'MODIFIED') this.#fifo.update(key, object as T)
    else this.#fifo.delete(key, object as T)
    this.#drain(out)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (kind === RESYNC) {
      this.#resyncTimer = out.after(this.#setup.resyncMicros, this, RESYNC)
      this.#fifo.resync()
      this.#drain(out)
      return
    }
    this.#popTimer = 0
    const popped = this.#fifo.pop()
    if (popped !== undefined) this.#handle(popped, out)
    this.#drain(out)
    this.#checkSynced(out)
  }

  #drain(out: Out): void {
    if (this.#lagMicros > 0) {
      if (this.#fifo.length > 0 && this.#popTimer === 0) this.#popTimer = out.after(this.#lagMicros, this, POP)
      return
    }
    for (let popped = this.#fifo.pop(); popped !== undefined; popped = this.#fifo.pop()) this.#handle(popped, out)
  }

  #checkSynced(out: Out): void {
    if (this.#synced || !this.#fifo.hasSynced) return
    this.#synced = true
    this.#setup.onSynced(out)
  }

  #handle({ key, deltas, isInitial }: Popped<T>, out: Out): void {
    for (const delta of deltas) this.#handleDelta(key, delta, isInitial, out)
  }

  #handleDelta(key: string, delta: Delta<T>, isInitial: boolean, out: Out): void {
    if (delta.type === 'Deleted') this.#delete1(key, delta.object, out)
    else this.#store1(key, unwrapped(delta.object), isInitial, out, delta.type === 'Sync')
  }

  #store1(key: string, object: T, isInitial: boolean, out: Out, resync = false): void {
    const previous = this.#store.set(key, object)
    if (previous === undefined) {
      this.#observe('add', key, object, false, out)
      for (const handler of this.#handlers) handler.onAdd?.(object, isInitial, out)
      return
    }
    // An unchanged object that a list brings again is news to nobody.
    if (!resync && previous.metadata.resourceVersion === object.metadata.resourceVersion) return
    this.#observe('update', key, object, false, out)
    for (const handler of this.#handlers) handler.onUpdate?.(previous, object, out)
  }

  #delete1(key: string, object: T | Tombstone<T>, out: Out): void {
    // Deltas of a key that came and went while it waited: nobody has heard of it.
    if (this.#store.delete(key) === undefined) return
    this.#observe('delete', key, unwrapped(object), isTombstone(object), out)
    for (const handler of this.#handlers) handler.onDelete?.(object, out)
  }

  #observe(change: InformerEventFact['change'], key: string, object: T, tombstone: boolean, out: Out): void {
    if (!this.#setup.observe) return
    const { name, client, resource } = this.#setup
    const { uid = '', resourceVersion = '' } = object.metadata
    const fact: InformerEventFact = {
      type: 'informer-event',
      process: name,
      resource,
      key,
      uid,
      resourceVersion,
      change,
      tombstone,
      server: client.server,
    }
    out.note(fact)
  }
}
