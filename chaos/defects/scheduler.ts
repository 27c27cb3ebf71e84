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
]
