/** What the garbage collector may delete: nothing that has an owner which lives. */
import type { Truth } from '../../src/cluster/index.ts'
import type { ControllerFact } from '../../src/controllers/index.ts'
import { type KubeObject, RESOURCE_NAMES, RESOURCES } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

const FOREGROUND = 'foregroundDeletion'

export const ownedIsNotCollected: PropertyDefinition = {
  id: 'owned-objects-are-not-collected',
  mode: 'always',
  claim:
    'the garbage collector deletes no object while one of its owners exists, in its namespace or without one, unless that owner waits for its dependents to go first',
  source: 'kubernetes pkg/controller/garbagecollector (attemptToDeleteItem), v1.33; kubernetes PR 92743',
  trigger: 'the garbage collector deleted an object',
  catches: ['gc-virtual-owner-wrong-namespace'],
  monitor(cluster, report) {
    onFact<ControllerFact, 'gc-deleted'>(cluster, 'gc-deleted', ({ resource, key, owners }) => {
      report.reached()
      const namespace = key.includes('/') ? key.slice(0, key.indexOf('/')) : undefined
      const owner = liveOwner(cluster.truth, new Set(owners), namespace)
      if (owner === undefined) return
      report.fail({
        subject: `${resource} ${key}`,
        shape: 'live-owner',
        message: `the garbage collector deleted ${RESOURCES[resource].kind} ${key} although its owner, ${owner.kind} ${owner.metadata.name}, exists`,
      })
    })
    return {}
  },
}

/** An owner by uid that is where an owner may be. One that is deleted in the foreground is waiting for just such deletions. */
function liveOwner(truth: Truth, uids: ReadonlySet<string>, namespace: string | undefined): KubeObject | undefined {
  for (const resource of RESOURCE_NAMES)
    for (const object of truth.list(resource)) {
      const { metadata } = object
      if (!uids.has(metadata.uid ?? '')) continue
      if (metadata.namespace !== undefined && metadata.namespace !== namespace) continue
      if (metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(FOREGROUND)) continue
      return object
    }
  return undefined
}
