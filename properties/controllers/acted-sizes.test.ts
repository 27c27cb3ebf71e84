/** By which sizes the replica set controller may still go, told as histories of writes, news and statuses. */
import { expect, test } from 'vitest'
import type { ReplicaSet } from '../../src/objects/index.ts'
import { ToldCluster } from '../testing.ts'
import { ActedSizes } from './acted-sizes.ts'

const FIRST = 1
const SECOND = 2

/** One set, and what the leaders are shown of it. */
class History {
  readonly #told = new ToldCluster()
  readonly #sizes = new ActedSizes(this.#told.cluster)
  #revision = 0
  #generation = 0
  #replicas = 0
  #observed = 0

  resize(replicas: number): this {
    this.#replicas = replicas
    this.#generation++
    return this.#write()
  }

  /** A status is written at the end of a pass that went by the newest generation, or one of `behind` before it. */
  status(behind = 0): this {
    this.#observed = this.#generation - behind
    return this.#write()
  }

  /** The informer of a controller manager comes to the newest write, or to one of `behind` before it. */
  show(process = FIRST, behind = 0): this {
    const fact = { process: 'controller-manager', resource: 'replicasets', key: 'default/web', uid: 'r' }
    return this.#tell('informer-event', { ...fact, resourceVersion: String(this.#revision - behind) }, process)
  }

  lead(process = FIRST): this {
    return this.#tell('leader-started', { lease: 'kube-system/kube-controller-manager' }, process)
  }

  get largest(): number {
    return this.#sizes.largest('r')
  }

  #write(): this {
    const metadata = { name: 'web', namespace: 'default', uid: 'r', generation: this.#generation }
    const status = { replicas: 0, observedGeneration: this.#observed }
    const current = { metadata, spec: { replicas: this.#replicas }, status } as unknown as ReplicaSet
    return this.#tell('replicasets', { key: 'default/web', revision: ++this.#revision, current })
  }

  #tell(what: string, fact: unknown, process = FIRST): this {
    this.#told.tell(what, fact, process)
    return this
  }
}

/** A set of five pods that the leader has long worked on. */
function known(): History {
  return new History().lead().resize(5).show().status().show()
}

test.each([
  ['nobody knows of it', new History().lead(), 0],
  ['it is as it was', known(), 5],
  ['it shrank, and nobody was shown', known().resize(2), 5],
  ['it shrank and was shown, but a pass may have begun before', known().resize(2).show(), 5],
  ['the status of that pass tells of the old generation', known().resize(2).show().status(1), 5],
  ['the status of a pass that went by the new one', known().resize(2).show().status(), 2],
  ['it grew again, unseen: who was shown may act on it', known().resize(2).show().status().resize(3), 3],
  ['what is over does not come back', known().resize(2).show().status().resize(1).show(), 2],
  ['a new leader has been shown nothing', known().resize(2).show().status().lead(SECOND), 5],
  ['its first list shows it the newest', known().resize(2).show().status().lead(SECOND).show(SECOND), 2],
  ['its first list comes from a server that lags', known().resize(2).show().status().lead(SECOND).show(SECOND, 2), 5],
  ['what the former leader is shown', known().resize(2).show().status().lead(SECOND).show(FIRST), 5],
  [
    'a status of the former leader, of what the new one has not been shown',
    known().resize(2).lead(SECOND).show(SECOND, 1).status(),
    5,
  ],
])('%s', (_story, history, largest) => {
  expect(history.largest).toBe(largest)
})
