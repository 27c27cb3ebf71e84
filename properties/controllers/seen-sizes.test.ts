/** What the deployment controller may still believe of its replica sets, told as histories of writes, news and statuses. */
import { expect, test } from 'vitest'
import type { Deployment, ReplicaSet } from '../../src/objects/index.ts'
import { ToldCluster } from '../testing.ts'
import { SeenSizes } from './seen-sizes.ts'

/** A set and its deployment, and what the leader is shown of them. */
class History {
  readonly #told = new ToldCluster()
  #revision = 0
  #set: ReplicaSet | undefined
  #deployment: Deployment | undefined
  readonly seen = new SeenSizes(this.#told.cluster)

  resize(replicas: number): this {
    return this.#write(replicas, this.#set?.status?.availableReplicas ?? 0)
  }

  /** The set's own status is written. */
  available(availableReplicas: number): this {
    return this.#write(this.#set?.spec.replicas ?? 1, availableReplicas)
  }

  #write(replicas: number, availableReplicas: number): this {
    const previous = this.#set
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd', controller: true }]
    const metadata = { name: 'web-1', namespace: 'default', uid: 'r', ownerReferences }
    const current = { metadata, spec: { replicas }, status: { replicas, availableReplicas } } as unknown as ReplicaSet
    this.#set = current
    return this.#tell('replicasets', { key: 'default/web-1', revision: ++this.#revision, previous, current })
  }

  /** The leader's informer comes to the newest write. */
  show(): this {
    const fact = { process: 'controller-manager-0', resource: 'replicasets', key: 'default/web-1' }
    return this.#tell('informer-event', { ...fact, resourceVersion: String(this.#revision) })
  }

  status(): this {
    const previous = this.#deployment
    const current = { metadata: { name: 'web', uid: 'd', generation: 1 } } as Deployment
    this.#deployment = current
    return this.#tell('deployments', { revision: ++this.#revision, previous, current })
  }

  lead(): this {
    return this.#tell('leader-started', { lease: 'kube-system/kube-controller-manager' })
  }

  get least(): number {
    return this.seen.least(this.#set as ReplicaSet)
  }

  get lagged(): boolean {
    return this.seen.mayHaveLagged(this.#set as ReplicaSet)
  }

  #tell(what: string, fact: unknown): this {
    this.#told.tell(what, fact)
    return this
  }
}

/** A set of two pods that everybody knows of. */
function known(): History {
  return new History().status().resize(2).show().status().status()
}

test.each([
  ['it is as it was', known(), 2],
  ['it grew, and nobody was shown', known().resize(3), 2],
  ['it grew and was shown, but the pass may have begun before', known().resize(3).show(), 2],
  ['one status may be written at the beginning of a pass', known().resize(3).show().status(), 2],
  ['a second one ends a pass that began with the news', known().resize(3).show().status().status(), 3],
  ['statuses before the news say nothing', known().resize(3).status().status().show(), 2],
  ['it shrank unseen: the least counts', known().resize(1), 1],
  ['it was just created', new History().status().resize(4).show(), 0],
  ['a new leader has seen nothing yet', known().resize(3).show().status().status().lead(), 0],
  ['until it lists, and no pass begins before', known().resize(3).lead().show(), 3],
  ['its list may come from a server that lags', known().lead().show().resize(3), 2],
])('%s', (_story, history, least) => {
  expect(history.least).toBe(least)
})

test.each([
  ['its status counts what it has', known().available(2), false],
  ['it shrank and its status does not say so yet', known().available(2).resize(1), true],
  ['its status follows, but nobody was shown', known().available(2).resize(1).available(1), true],
  [
    'once it was surely shown, that is over',
    known().available(2).resize(1).available(1).show().status().status(),
    false,
  ],
])('a status that lags: %s', (_story, history, lagged) => {
  expect(history.lagged).toBe(lagged)
})
