/** Historical bugs of the scheduler, each as the decision that it replaced. */
import type { Defect } from '../../src/trial/registry.ts'

const ASSUMED_MICROS = 30_000_000

export const SCHEDULER_DEFECTS: readonly Defect[] = [
  {
    id: 'scheduler-assumed-pod-expires',
    title: 'An assumed pod loses its place after 30 s although its binding is under way or done',
    subsystem: 'scheduler',
    sources: ['kubernetes/kubernetes#106361', 'kubernetes/kubernetes PR 110925'],
    decisions: { scheduler: { assumedPodTtlMicros: () => ASSUMED_MICROS } },
    suite: 'crowded',
    caughtBy: ['node-not-overcommitted'],
  },
  {
    id: 'scheduler-ghost-pod-after-missed-delete',
    title: 'A pod whose deletion was learned from a list is only looked for where its last known copy says',
    subsystem: 'scheduler',
    sources: ['kubernetes/kubernetes#55587', 'kubernetes/kubernetes#51313', 'kubernetes/kubernetes PR 106102'],
    decisions: {
      scheduler: {
        forgetsDeleted: (lastKnown) =>
          lastKnown.spec.nodeName === undefined ? { cache: false, queue: true } : { cache: true, queue: false },
      },
    },
    suite: 'crowded',
    caughtBy: ['scheduler-charges-what-is-bound', 'eventually-stable-reconciliation'],
  },
  {
    id: 'scheduler-counts-deleted-pods',
    title: 'Pods that have ended still take up room in the fit check',
    subsystem: 'scheduler',
    sources: ['kubernetes/kubernetes#22398', 'kubernetes/kubernetes#31977'],
    decisions: { scheduler: { countsPod: () => true } },
    suite: 'crowded',
    caughtBy: ['scheduler-charges-what-is-bound', 'eventually-stable-reconciliation'],
  },
]
