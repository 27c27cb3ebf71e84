/** Historical bugs of the kubelet and the scheduler, each as the decision that it replaced. */
import type { Defect } from '../../src/trial/registry.ts'

export const NODE_DEFECTS: readonly Defect[] = [
  {
    id: 'kubelet-prestop-time-not-deducted',
    title: 'The full grace period is granted again after the preStop hook',
    subsystem: 'kubelet',
    sources: ['kubernetes/kubernetes#117798', 'kubernetes/kubernetes#117373', 'kubernetes/kubernetes#115817'],
    decisions: { kubelet: { stopTimeoutSeconds: (graceSeconds) => graceSeconds } },
    suite: 'termination',
    caughtBy: ['kubelet-stopped-by-grace-plus-2s'],
  },
  {
    id: 'kubelet-prestop-hangs-past-grace',
    title: 'A preStop hook that does not return holds up the end of the pod beyond its grace period',
    subsystem: 'kubelet',
    sources: ['kubernetes/kubernetes#127339', 'kubernetes/kubernetes#116753'],
    decisions: { kubelet: { hookTimeoutSeconds: () => 3_600 } },
    suite: 'termination',
    caughtBy: ['kubelet-stopped-by-grace-plus-2s'],
  },
  {
    id: 'kubelet-ready-true-on-terminal-pod',
    title: 'A pod reaches a terminal phase with Ready still true',
    subsystem: 'kubelet',
    sources: ['kubernetes/kubernetes#108594 (fix PR 110256)'],
    decisions: {
      kubelet: {
        storedConditions: (phase, computed, previous) =>
          phase === 'Succeeded' || phase === 'Failed' ? (previous ?? computed) : computed,
      },
    },
    suite: 'termination',
    caughtBy: ['terminal-pod-is-not-ready'],
  },
  {
    id: 'kubelet-reruns-init-containers',
    title: 'Init containers run again when their dead containers were collected',
    subsystem: 'kubelet',
    sources: [
      'kubernetes/kubernetes PR 96572',
      'kubernetes/kubernetes#62362',
      'kubernetes/kubernetes#90271',
      'kubernetes/kubernetes#86531',
    ],
    decisions: { kubelet: { isInitialized: () => false } },
    suite: 'termination',
    caughtBy: ['init-containers-run-first'],
  },
  {
    id: 'kubelet-probes-kill-terminating-pod',
    title: 'Liveness failures during termination kill the container early',
    subsystem: 'kubelet',
    sources: ['kubernetes/kubernetes#52817', 'kubernetes/kubernetes#107473'],
    decisions: { kubelet: { probesWhileTerminating: () => true } },
    suite: 'termination',
    caughtBy: ['kubelet-kill-not-before-grace'],
  },
  {
    id: 'kubelet-restarts-finished-pods',
    title: 'After a restart the kubelet treats finished pods as new',
    subsystem: 'kubelet',
    sources: ['kubernetes/kubernetes#105523 (fix PR 105527)', 'kubernetes/kubernetes#37447'],
    decisions: { kubelet: { isFinished: () => false } },
    suite: 'termination',
    caughtBy: ['no-container-starts-after-the-end', 'pod-phase-is-final'],
  },
  {
    id: 'kubelet-terminal-before-stopped',
    title: 'A pod is reported as over while it is still being stopped, and whoever is given its room is rejected',
    subsystem: 'kubelet',
    sources: ['kubernetes/kubernetes#106884', 'kubernetes/kubernetes PR 108366'],
    decisions: { kubelet: { storedPhase: (computed) => computed } },
    suite: 'blind-scheduler',
    caughtBy: ['terminal-pod-has-stopped', 'fitting-pod-is-not-rejected'],
  },
]
