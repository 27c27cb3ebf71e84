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
import { onFact } from '../define.ts'

interface Size {
  readonly revision: number
  readonly replicas: number
  /** When the informer of the leading controller manager came to it; undefined until then. */
  shownAt: Micros | undefined
}

const LEASE = 'kube-system/kube-controller-manager'

export class SeenSizes {
  /** By key of the set; the last one is in force. Those before the last one surely seen are dropped. */
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
      const replicas = current.spec.replicas ?? 1
      if (previous?.metadata.uid === current.metadata.uid && previous?.spec.replicas === current.spec.replicas) return
      const sizes = previous?.metadata.uid === current.metadata.uid ? (this.#sizes.get(key) ?? []) : [nothing()]
      this.#sizes.set(key, [...sizes, { revision, replicas, shownAt: undefined }])
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
      for (const size of this.#sizes.get(fact.key) ?? []) {
        if (size.revision <= Number(fact.resourceVersion)) size.shownAt ??= since
      }
    })
    // A new leader lists anew, perhaps from a server that lags behind.
    onFact<LeaderFact, 'leader-started'>(cluster, 'leader-started', (fact) => {
      if (fact.lease !== LEASE) return
      for (const [key, sizes] of this.#sizes) {
        this.#unlisted.add(key)
        for (const size of sizes) size.shownAt = undefined
      }
    })
  }

  /** The least size that the set may have seemed to have when the pass began in which the controller writes now. */
  least(set: ReplicaSet, deployment: string): number {
    const sizes = this.#sizes.get(keyOf(set)) ?? []
    const [, surely] = this.#statusWrites.get(deployment) ?? NEVER
    let least = Number.MAX_SAFE_INTEGER
    for (let index = sizes.length - 1; index >= 0; index--) {
      const { replicas, shownAt } = sizes[index] as Size
      least = Math.min(least, replicas)
      if (shownAt === undefined || shownAt > surely) continue
      if (index > 0) sizes.splice(0, index)
      break
    }
    return least
  }
}

const NEVER = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY] as const

/** Before the set was created. */
function nothing(): Size {
  return { revision: 0, replicas: 0, shownAt: undefined }
}
