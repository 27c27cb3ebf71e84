/** One informer per resource and selection, shared by all who ask. Models client-go informers factory.go, v1.33. */
import { invariant } from '../kernel/invariant.ts'
import type { Out } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'
import type { KubeObject, Resource, ResourceTypes } from '../objects/index.ts'
import type { ApiClient } from './apiclient.ts'
import { Informer, type InformerOptions } from './informer.ts'
import { completeInformerFactoryOptions, type InformerFactoryOptions } from './options.ts'

export class InformerFactory {
  readonly #client: ApiClient
  readonly #options: ReturnType<typeof completeInformerFactoryOptions>
  readonly #informers = new Map<string, Informer<KubeObject>>()
  readonly #waiting: ((out: Out) => void)[] = []
  #unsynced = 0
  #started = 0

  constructor(client: ApiClient, options: InformerFactoryOptions = {}) {
    this.#client = client
    this.#options = completeInformerFactoryOptions(options, client.name)
  }

  /** The shared informer of that resource and selection; made when first asked for, running after the next `start`. */
  informer<R extends Resource>(
    resource: R,
    options: InformerOptions<ResourceTypes[R]> = {},
  ): Informer<ResourceTypes[R]> {
    const { namespace, labelSelector, fieldSelector, indexers, firstListVersion } = options
    const identity = `${resource}|${namespace ?? ''}|${labelSelector ?? ''}|${fieldSelector ?? ''}`
    let informer = this.#informers.get(identity) as Informer<ResourceTypes[R]> | undefined
    if (informer === undefined) {
      const { name, observe, resyncMicros, decisions } = this.#options
      informer = new Informer<ResourceTypes[R]>({
        client: this.#client,
        resource,
        namespace,
        labelSelector,
        fieldSelector,
        name,
        observe,
        resyncMicros,
        decisions,
        firstListVersion: firstListVersion ?? this.#options.firstListVersion,
        onSynced: (out) => this.#onSynced(out),
      })
      this.#informers.set(identity, informer as unknown as Informer<KubeObject>)
      this.#unsynced++
    }
    for (const index in indexers) informer.addIndex(index, indexers[index] as (typeof indexers)[string])
    return informer
  }

  /** Starts every informer that does not run yet. */
  start(out: Out): void {
    let index = 0
    for (const informer of this.#informers.values()) {
      if (index >= this.#started) informer.start(out)
      index++
    }
    this.#started = index
  }

  /** Stops every informer; their stores stay as they are. `start` lists again. */
  stop(out: Out): void {
    for (const informer of this.#informers.values()) informer.stop(out)
    this.#started = 0
  }

  /** True once every informer has handled its first list. */
  allSynced(): boolean {
    return this.#unsynced === 0
  }

  /** Calls back once, when every informer has handled its first list; at once if that is so already. */
  whenSynced(callback: (out: Out) => void, out?: Out): void {
    if (out !== undefined && this.allSynced()) callback(out)
    else this.#waiting.push(callback)
  }

  /** Makes the consumer of every informer slow (see `Informer.setLag`). */
  setLag(micros: Micros): void {
    for (const informer of this.#informers.values()) informer.setLag(micros)
  }

  /** Every informer, for oracles that compare caches with the truth. */
  informers(): Iterable<Informer<KubeObject>> {
    return this.#informers.values()
  }

  #onSynced(out: Out): void {
    this.#unsynced--
    invariant(this.#unsynced >= 0, 'client: an informer fills its store for the first time once')
    if (this.#unsynced > 0) return
    for (const callback of this.#waiting.splice(0)) callback(out)
  }
}
