/** Historical bugs of API servers and of the client library, each as the decision that it replaced. */
import { API_SERVER_DECISIONS } from '../../src/apiserver/index.ts'
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
    title: 'A list looks for deleted objects among the stored ones only: what is still queued stays for ever',
    subsystem: 'api-machinery',
    sources: ['kubernetes/kubernetes#115658', 'kubernetes/kubernetes PR 115620'],
    decisions: {
      client: { keysDeletedByReplace: (listed, _queued, stored) => [...stored].filter((key) => !listed.has(key)) },
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
    decisions: { apiServer: { removalGuard: () => undefined } },
    suite: 'finalizers',
    caughtBy: ['finalizers-are-kept'],
  },
  {
    id: 'apiserver-stale-precondition',
    title: 'A refusal that was decided on a cached object is not decided again on the live one',
    subsystem: 'api-machinery',
    sources: ['kubernetes/kubernetes PR 82303'],
    decisions: { apiServer: { repeatsLive: (outcome) => outcome !== 'refuse' } },
    suite: 'stale-reads',
    caughtBy: ['no-false-conflict'],
  },
  {
    id: 'watchcache-empty-history-off-by-one',
    title: 'A watch cache without events accepts a watch from a version that it cannot serve',
    subsystem: 'api-machinery',
    sources: ['kubernetes/kubernetes PR 49992', 'kubernetes/kubernetes#49956'],
    decisions: {
      apiServer: {
        oldestServableRevision: (ring) =>
          ring.size === 0 ? ring.listRevision : API_SERVER_DECISIONS.oldestServableRevision(ring),
      },
    },
    suite: 'watch-gaps',
    caughtBy: ['informer-sees-every-change', 'informers-end-equal', 'eventually-stable-reconciliation'],
  },
  {
    id: 'watchcache-reinit-orphans-watch',
    title: 'A watch that is registered while the cache fills itself anew misses what happened in between',
    subsystem: 'api-machinery',
    sources: ['kubernetes/kubernetes#116122', 'kubernetes/kubernetes PR 116172'],
    decisions: {
      apiServer: { mayRegisterWatchWhileBroken: () => true, closesWatchers: (moment) => moment === 'broken' },
    },
    suite: 'watch-gaps',
    caughtBy: ['informer-sees-every-change', 'informers-end-equal'],
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
