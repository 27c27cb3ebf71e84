/**
 * Mistakes that nobody is known to have made, planted so that every property is seen to fail at least once. They are no
 * historical bugs, so they are not in chaos/defects and no command knows them.
 */
import { resolveFenceposts } from '../src/controllers/index.ts'
import type { Defect } from '../src/trial/registry.ts'

function planted(id: string, title: string, suite: string, caughtBy: string, decisions: Defect['decisions']): Defect {
  return { id: `planted-${id}`, title, subsystem: 'planted', sources: [], decisions, suite, caughtBy: [caughtBy] }
}

export const PLANTED: readonly Defect[] = [
  planted(
    'kept-conflict',
    'the first entry in conflict stays, only what follows it is cut',
    'etcd',
    'raft-log-matching',
    {
      raft: { cutsLogFrom: (firstConflict) => (firstConflict === 0 ? 0 : firstConflict + 1) },
    },
  ),
  planted('idle-leaders', 'no leader but the first commits anything', 'etcd-clients', 'etcd-writes-commit', {
    raft: { commitsByCounting: (_entryTerm, leaderTerm) => leaderTerm === 1 },
  }),
  planted('unheard-leaders', 'a leader that hears nobody leads on', 'quiet-core', 'eventually-stable-reconciliation', {
    raft: { leadsUnheard: () => true },
  }),
  planted('late-renewals', 'a lease is renewed while it ends', 'etcd-leases', 'etcd-lease-outlives-renewals', {
    etcd: { expiredLeaseMayBeRenewed: () => true },
  }),
  planted('generous-lessor', 'a renewal gives a lease hours', 'etcd-leases', 'etcd-nothing-outlives-its-lease', {
    etcd: { renewedUntil: (now, ttlMicros) => now + 1_000 * ttlMicros },
  }),
  planted('any-list', 'a later list may be of any version', 'control-plane', 'informer-never-goes-back', {
    client: { relistVersion: () => '0' },
  }),
  planted('blind-update', 'an update replaces whatever is there', 'stale-reads', 'no-lost-update', {
    apiServer: { updateGuard: () => undefined },
  }),
  planted('restless-binding', 'a binding without an answer is tried anew, and takes', 'crowded', 'pod-bound-once', {
    scheduler: { afterUnknownBinding: () => 'forget' },
    apiServer: { mayRebind: () => true },
  }),
  planted('too-much-surge', 'a rollout may surge by one pod more', 'calm-rollout', 'deployment-surge-bound', {
    controllers: {
      deploymentFenceposts(deployment) {
        const { maxSurge, maxUnavailable } = resolveFenceposts(deployment)
        return { maxSurge: maxSurge + 1, maxUnavailable }
      },
    },
  }),
  planted(
    'too-few-available',
    'a rollout may take away one pod more',
    'calm-rollout',
    'deployment-unavailability-bound',
    {
      controllers: {
        deploymentFenceposts(deployment) {
          const { maxSurge, maxUnavailable } = resolveFenceposts(deployment)
          return { maxSurge, maxUnavailable: maxUnavailable + 1 }
        },
      },
    },
  ),
  planted('weightless-pods', 'bound pods take up no room', 'crowded', 'node-not-overcommitted', {
    scheduler: { countsPod: () => false },
  }),
  planted('hasty-term', 'TERM does not wait for the preStop hook', 'termination', 'kubelet-term-after-prestop', {
    kubelet: { hookTimeoutSeconds: () => 0 },
  }),
  planted('lasting-endpoints', 'a leaving pod stays a ready endpoint', 'calm-rollout', 'endpoints-only-ready-pods', {
    controllers: { endpointIsReady: (serving) => serving },
  }),
  planted('stingy-budget', 'no eviction is ever allowed', 'node-loss', 'check-drain-ends', {
    apiServer: {
      takeFromBudget: () => ({ verdict: 'refused', cause: 'planted', retryAfterSeconds: 10 }),
    },
  }),
]
