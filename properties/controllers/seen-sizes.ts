/**
 * The sizes of replica sets as the deployment controller may still see them. It decides by its informers, which follow the
 * store at their own pace: a set that it has just resized may look as before in its next pass. What it has been shown is
 * read off the informers' facts; that it had been shown it when a pass began is only certain if the pass wrote after the
 * deployment's last status but one, for a status is written at the end of a pass and at most once at its beginning.
 */
import type { ClientFact, LeaderFact } from '../../src/client/index.ts'
import type { Cluster } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import { keyOf, type ReplicaSet } from '../../src/objects/index.ts'
import { CONTROLLER_LEASE, onFact } from '../define.ts'

interface Size {
  readonly revision: number
  readonly replicas: number
  /** What the status says of it. */
  readonly available: number
  /** When the informer of the leading controller manager came to it; undefined until then. */
  shownAt: Micros | undefined
}

export class SeenSizes {
  /** By key of the set, oldest first; the last one is in force. */
  readonly #sizes = new Map<string, Size[]>()
  /** By uid of the deployment: its status was written then, last and before that. */
  readonly #statusWrites = new Map<string, readonly [last: Micros, before: Micros]>()
  /** Keys of sets that the present leader has not been shown at all. */
  readonly #unlisted = new Set<string>()

  constructor(cluster: Cluster) {
    cluster.truth.onChange('replicasets', ({ key, revision, previous, current }) => {
      if (current === undefined) {
        this.#sizes.delete(key)
        return
      }
      const isSame = previous?.metadata.uid === current.metadata.uid
      const size = { revision, replicas: current.spec.replicas ?? 1, available: current.status?.availableReplicas ?? 0 }
      const sizes = (isSame ? this.#sizes.get(key) : undefined) ?? [nothing()]
      const last = sizes[sizes.length - 1]
      if (isSame && last?.replicas === size.replicas && last.available === size.available) return
      sizes.push({ ...size, shownAt: undefined })
      this.#sizes.set(key, sizes)
    })
    cluster.truth.onChange('deployments', ({ previous, current }) => {
      const { uid = '', generation } = current?.metadata ?? {}
      if (current === undefined) return
      if (previous?.metadata.uid !== uid || previous.metadata.generation !== generation) return
      const [last] = this.#statusWrites.get(uid) ?? NEVER
      this.#statusWrites.set(uid, [cluster.kernel.now, last])
    })
    onFact<ClientFact, 'informer-event'>(cluster, 'informer-event', (fact, at) => {
      if (fact.resource !== 'replicasets' || !fact.process.startsWith('controller-manager')) return
      // No pass begins before the first list.
      const since = this.#unlisted.delete(fact.key) ? Number.NEGATIVE_INFINITY : at
      const sizes = this.#sizes.get(fact.key) ?? []
      for (let index = sizes.length - 1; index >= 0 && sizes[index]?.shownAt === undefined; index--) {
        const size = sizes[index] as Size
        if (size.revision <= Number(fact.resourceVersion)) size.shownAt = since
      }
    })
    // A new leader lists anew, perhaps from a server that lags behind.
    onFact<LeaderFact, 'leader-started'>(cluster, 'leader-started', (fact) => {
      if (fact.lease !== CONTROLLER_LEASE) return
      for (const [key, sizes] of this.#sizes) {
        this.#unlisted.add(key)
        for (const size of sizes) size.shownAt = undefined
      }
    })
  }

  /** The least size that the set may have seemed to have when the pass began in which the controller writes now. */
  least(set: ReplicaSet): number {
    return this.#possible(set).reduce((least, { replicas }) => Math.min(least, replicas), Number.MAX_SAFE_INTEGER)
  }

  /** Whether the set's status may have seemed to count pods that its size had already given up. */
  mayHaveLagged(set: ReplicaSet): boolean {
    return this.#possible(set).some(({ replicas, available }) => available > replicas)
  }

  /** The states that the controller may have gone by, oldest first: from the newest one that it had surely been shown. */
  #possible(set: ReplicaSet): readonly Size[] {
    const sizes = this.#sizes.get(keyOf(set)) ?? []
    const [, surely] = this.#statusWrites.get(deploymentOf(set) ?? '') ?? NEVER
    for (let index = sizes.length - 1; index > 0; index--) {
      const { shownAt } = sizes[index] as Size
      if (shownAt !== undefined && shownAt <= surely) return sizes.slice(index)
    }
    return sizes
  }
}

const seenByCluster = new WeakMap<Cluster, SeenSizes>()

/** The sizes seen in a cluster, followed once for all properties that ask before it runs. */
export function seenSizesOf(cluster: Cluster): SeenSizes {
  let seen = seenByCluster.get(cluster)
  if (seen === undefined) {
    seen = new SeenSizes(cluster)
    seenByCluster.set(cluster, seen)
  }
  return seen
}

/** The uid of the deployment that controls the set. */
export function deploymentOf(set: ReplicaSet): string | undefined {
  return set.metadata.ownerReferences?.find((owner) => owner.kind === 'Deployment' && owner.controller === true)?.uid
}

const NEVER = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY] as const

/** Before the set was created. */
function nothing(): Size {
  return { revision: 0, replicas: 0, available: 0, shownAt: undefined }
}
