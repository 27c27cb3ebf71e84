/** What a predicate may look at beside its object: the stored objects of the kinds that it has declared, and the clock. */
import type { Cluster } from '../../cluster/index.ts'
import type { Micros } from '../../kernel/index.ts'
import type { Resource, ResourceTypes } from '../../objects/index.ts'

export interface View<R extends Resource> {
  /** Virtual time since the trial began. Time alone is no change: nobody asks a predicate again only because it passes. */
  readonly now: Micros
  get<K extends R>(kind: K, key: string): ResourceTypes[K] | undefined
  list<K extends R>(kind: K): Iterable<ResourceTypes[K]>
}

/** A view of declared kinds only: what is read undeclared would not be seen to change. Its functions may be taken out of it. */
export function declaredView(cluster: Cluster, declared: readonly Resource[]): View<Resource> {
  const checked = <K extends Resource>(kind: K): K => {
    if (declared.includes(kind)) return kind
    throw new Error(`it reads ${kind} without saying so; add '${kind}' to what it reads`)
  }
  return {
    get now() {
      return cluster.kernel.now
    },
    get: (kind, key) => cluster.truth.get(checked(kind), key),
    list: (kind) => cluster.truth.list(checked(kind)),
  }
}
