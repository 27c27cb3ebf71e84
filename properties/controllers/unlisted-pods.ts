/**
 * Pods that a new leader's first list did not show it, because the server that answered lagged behind: a former leader had them
 * made. Once that server has caught up, the watch shows one change after the other, and a pass between two of them makes pods
 * for those that it has seen go and not yet seen come.
 */
import type { ClientFact, LeaderFact } from '../../src/client/index.ts'
import type { Cluster } from '../../src/cluster/index.ts'
import type { ProcessId } from '../../src/kernel/index.ts'
import { CONTROLLER_LEASE, onFact } from '../define.ts'

/** By uid of the owner: its active pods by key, each with the revision at which it was created. */
export type ActivePods = ReadonlyMap<string, ReadonlyMap<string, number>>

export class UnlistedPods {
  /** By uid of the owner, for the present leader. */
  readonly #counts = new Map<string, number>()
  /** The present leader, until its first list of pods has come. */
  #beginner: ProcessId | undefined

  constructor(cluster: Cluster, active: ActivePods) {
    onFact<LeaderFact, 'leader-started'>(cluster, 'leader-started', ({ lease }, _at, process) => {
      if (lease !== CONTROLLER_LEASE) return
      this.#beginner = process
      this.#counts.clear()
    })
    onFact<ClientFact, 'reflector-list'>(cluster, 'reflector-list', ({ resource, resourceVersion }, _at, process) => {
      if (resource !== 'pods' || process !== this.#beginner) return
      this.#beginner = undefined
      for (const [owner, pods] of active)
        this.#counts.set(owner, [...pods.values()].filter((created) => created > Number(resourceVersion)).length)
    })
  }

  /** How many pods of this owner the present leader may make once more. */
  of(owner: string): number {
    return this.#counts.get(owner) ?? 0
  }
}
