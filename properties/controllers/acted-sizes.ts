/**
 * The sizes of replica sets that the replica set controller may still act on. It makes pods for the size that its informer shows
 * when a pass begins, and writes at the end of the pass which generation that was: once it stands in the status, passes
 * that go by an older one are over. A new leader has informers of its own, which may begin with older sizes than the status
 * tells of; what its first list shows it is the oldest that it can go by.
 */
import type { ClientFact, LeaderFact } from '../../src/client/index.ts'
import type { Cluster } from '../../src/cluster/index.ts'
import type { ProcessId } from '../../src/kernel/index.ts'
import { CONTROLLER_LEASE, onFact } from '../define.ts'

interface Sizes {
  /** In the order of their generations. */
  readonly all: { readonly generation: number; readonly revision: number; readonly replicas: number }[]
  /** The newest generation that the present leader has been shown; undefined: it has not been shown the set. */
  shown: number | undefined
  /** No pass goes by an older generation any more; 0: nothing is known. */
  oldest: number
}

export class ActedSizes {
  /** By uid of the set. */
  readonly #sets = new Map<string, Sizes>()
  #leader: ProcessId | undefined

  constructor(cluster: Cluster) {
    cluster.truth.onChange('replicasets', ({ revision, current }) => {
      if (current === undefined) return
      const { uid = '', generation = 1 } = current.metadata
      const sizes = this.#sets.get(uid) ?? { all: [], shown: undefined, oldest: 0 }
      this.#sets.set(uid, sizes)
      if ((sizes.all.at(-1)?.generation ?? 0) < generation)
        sizes.all.push({ generation, revision, replicas: current.spec.replicas ?? 1 })
      // What a former leader observed says nothing of what the present one has been shown.
      const observed = Math.min(current.status?.observedGeneration ?? 0, sizes.shown ?? 0)
      if (observed > sizes.oldest) sizes.oldest = observed
    })
    onFact<ClientFact, 'informer-event'>(cluster, 'informer-event', (fact, _at, process) => {
      if (fact.resource !== 'replicasets' || process !== this.#leader) return
      const sizes = this.#sets.get(fact.uid)
      const shown = sizes?.all.findLast(({ revision }) => revision <= Number(fact.resourceVersion))?.generation
      if (sizes === undefined || shown === undefined) return
      // No pass begins before the set has been shown at all.
      if (sizes.shown === undefined) sizes.oldest = shown
      sizes.shown = shown
    })
    onFact<LeaderFact, 'leader-started'>(cluster, 'leader-started', ({ lease }, _at, process) => {
      if (lease !== CONTROLLER_LEASE) return
      this.#leader = process
      for (const sizes of this.#sets.values()) {
        sizes.shown = undefined
        sizes.oldest = 0
      }
    })
  }

  /** The most pods that the controller may still make for the set of this uid. */
  largest(uid: string): number {
    const { all, oldest } = this.#sets.get(uid) ?? NONE
    return all.reduce((most, size) => (size.generation < oldest ? most : Math.max(most, size.replicas)), 0)
  }
}

const NONE: Sizes = { all: [], shown: undefined, oldest: 0 }
