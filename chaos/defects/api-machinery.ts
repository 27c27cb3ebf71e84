/** Historical bugs of API servers and of the client library, each as the decision that it replaced. */
import type { Defect } from '../../src/trial/registry.ts'

export const API_MACHINERY_DEFECTS: readonly Defect[] = [
  {
    id: 'informer-stale-list-time-travel',
    title: 'The first list after a restart may come from a lagging server: a deleted pod starts again',
    subsystem: 'api-machinery',
    sources: ['kubernetes/kubernetes#59848', 'kubernetes/kubernetes PR 60478'],
    decisions: { client: { firstListVersion: () => '0' } },
    suite: 'stale-reads',
    caughtBy: ['no-container-starts-after-the-end'],
  },
  {
    id: 'informer-relist-drops-queued-delete',
    title: 'A relist forgets to delete an object that is only in the queue',
    subsystem: 'api-machinery',
    sources: ['kubernetes/kubernetes#115658', 'kubernetes/kubernetes PR 115620'],
    decisions: {
      client: {
        keysDeletedByReplace: (listed, _queued, stored) => [...stored].filter((key) => !listed.has(key)),
      },
    },
    suite: 'watch-gaps',
    caughtBy: ['informers-end-equal', 'eventually-stable-reconciliation'],
  },
  {
    id: 'controller-ignores-tombstone',
    title: 'The delete handler drops a tombstone, so the owner is not woken',
    subsystem: 'api-machinery',
    sources: ['kubernetes/kubernetes PR 8822'],
    decisions: { controllers: { deletedObject: (deleted) => ('tombstone' in deleted ? undefined : deleted) } },
    suite: 'watch-gaps',
    caughtBy: ['eventually-stable-reconciliation'],
  },
  {
    id: 'apiserver-stale-finalizer-bypass',
    title: 'A delete decided on a cached object removes it although it has gained a finalizer',
    subsystem: 'api-machinery',
    sources: ['kubernetes/kubernetes PR 77619', 'kubernetes/kubernetes PR 76346'],
    decisions: { apiServer: { repeatsLive: () => false, removalGuard: () => undefined } },
    suite: 'finalizers',
    caughtBy: ['finalizers-are-kept'],
  },
  {
    id: 'leader-keeps-acting-after-losing-lease',
    title: 'An elected component goes on as leader after its lease was taken',
    subsystem: 'controllers',
    sources: ['kubernetes/kubernetes#23731', 'kubernetes/kubernetes#44887'],
    decisions: { client: { stopsLeading: () => false } },
    suite: 'control-plane',
    caughtBy: ['one-leader-per-lease'],
  },
]
