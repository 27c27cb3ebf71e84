/** A cluster of which only the store's changes and the facts exist, for tests of what properties gather from them. */
import type { Cluster } from '../src/cluster/index.ts'
import type { Micros } from '../src/kernel/index.ts'

type Listener = (...facts: unknown[]) => void

export class ToldCluster {
  readonly #listeners = new Map<string, Listener[]>()
  #now = 0
  readonly cluster: Cluster

  /** `rest`: what else of a cluster is asked. */
  constructor(rest: object = {}) {
    const told = this
    this.cluster = {
      ...rest,
      keepsEvents: () => false,
      truth: { onChange: (resource: string, listener: Listener) => this.#listen(resource, listener) },
      kernel: {
        subscribe: (type: string, listener: Listener) => this.#listen(type, listener),
        get now() {
          return told.#now
        },
      },
    } as unknown as Cluster
  }

  get now(): Micros {
    return this.#now
  }

  /** A change of a resource, or a fact of a type, that `process` tells a moment after what was told before. */
  tell(what: string, fact: unknown, process = 1): void {
    this.#now++
    for (const listener of this.#listeners.get(what) ?? []) listener(fact, process, this.#now)
  }

  #listen(what: string, listener: Listener): void {
    this.#listeners.set(what, [...(this.#listeners.get(what) ?? []), listener])
  }
}
