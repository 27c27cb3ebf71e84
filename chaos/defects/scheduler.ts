/** Historical bugs of the scheduler, each as the decision that it replaced. */
import type { Defect } from '../../src/trial/registry.ts'

export const SCHEDULER_DEFECTS: readonly Defect[] = [
  {
    id: 'scheduler-counts-deleted-pods',
    title: 'Pods that have ended still take up room in the fit check',
    subsystem: 'scheduler',
    sources: ['kubernetes/kubernetes#22398', 'kubernetes/kubernetes#31977'],
    decisions: { scheduler: { countsPod: () => true } },
    suite: 'crowded',
    caughtBy: ['scheduler-charges-what-is-bound', 'eventually-stable-reconciliation'],
  },
  {
    id: 'scheduler-assumed-pod-expires',
    title: 'An assumed pod loses its place after 30 s, although its binding may have taken effect',
    subsystem: 'scheduler',
    sources: ['kubernetes/kubernetes#106361', 'kubernetes/kubernetes PR 110925'],
    decisions: { scheduler: { assumedPodTtlMicros: () => 30_000_000 } },
    suite: 'blind-scheduler',
    caughtBy: ['node-not-overcommitted'],
  },
  {
    id: 'scheduler-ghost-pod-after-missed-delete',
    title: 'A pod that was bound and deleted while nobody looked stays charged to its node',
    subsystem: 'scheduler',
    sources: ['kubernetes/kubernetes#55587', 'kubernetes/kubernetes#51313', 'kubernetes/kubernetes PR 106102'],
    decisions: {
      scheduler: {
        forgetsDeleted: ({ spec: { nodeName = '' } }) => ({ cache: nodeName !== '', queue: nodeName === '' }),
      },
    },
    suite: 'blind-scheduler',
    caughtBy: ['scheduler-charges-what-is-bound'],
  },
  {
    id: 'scheduler-generation-collision',
    title: 'A node that was made anew with as many changes as before is taken for the old one',
    subsystem: 'scheduler',
    sources: ['kubernetes/kubernetes#63262'],
    decisions: { scheduler: { nextGeneration: (nodeGeneration) => nodeGeneration + 1 } },
    suite: 'replaced-nodes',
    caughtBy: ['scheduling-cycle-sees-the-cache'],
  },
]
