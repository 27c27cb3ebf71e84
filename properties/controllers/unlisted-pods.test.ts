/** How many pods a new leader may make once more, told as histories of creations, leaders and their first lists. */
import { expect, test } from 'vitest'
import { ToldCluster } from '../testing.ts'
import { UnlistedPods } from './unlisted-pods.ts'

const FIRST = 1
const SECOND = 2

/** Two sets with pods that were created at these revisions and are still active. */
const ACTIVE = new Map([
  ['web', new Map(Object.entries({ a: 3, b: 5, c: 8, d: 9 }))],
  ['db', new Map(Object.entries({ e: 4 }))],
])

class History {
  readonly #told = new ToldCluster()
  readonly #unlisted = new UnlistedPods(this.#told.cluster, ACTIVE)

  lead(process = FIRST, lease = 'kube-system/kube-controller-manager'): this {
    this.#told.tell('leader-started', { lease }, process)
    return this
  }

  list(revision: number, process = FIRST, resource = 'pods'): this {
    this.#told.tell('reflector-list', { resource, resourceVersion: String(revision) }, process)
    return this
  }

  get counts(): readonly number[] {
    return ['web', 'db', 'another'].map((owner) => this.#unlisted.of(owner))
  }
}

test.each([
  ['nobody leads', new History().list(5), [0, 0, 0]],
  ['its first list is up to date', new History().lead().list(9), [0, 0, 0]],
  ['its first list is of before two pods', new History().lead().list(5), [2, 0, 0]],
  ['its first list is of before all of them', new History().lead().list(2), [4, 1, 0]],
  ['a later list of the same leader', new History().lead().list(5).list(2), [2, 0, 0]],
  ['a list of something else', new History().lead().list(2, FIRST, 'replicasets').list(5), [2, 0, 0]],
  ['a list of somebody else', new History().lead().list(2, SECOND), [0, 0, 0]],
  ['somebody takes another lease', new History().lead().lead(SECOND, 'kube-system/kube-scheduler').list(5), [2, 0, 0]],
  ['another leader, who has not listed yet', new History().lead().list(2).lead(SECOND), [0, 0, 0]],
  ['another leader, who is shown more', new History().lead().list(2).lead(SECOND).list(8, SECOND), [1, 0, 0]],
] as const)('%s', (_what, history, counts) => {
  expect(history.counts).toEqual(counts)
})
