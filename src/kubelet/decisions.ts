/**
 * The decisions of a kubelet that a historical bug replaces. Each is what upstream does today; a defect is a partial table
 * laid over this one. Models kubernetes pkg/kubelet (kuberuntime, status, prober, pod_workers), v1.33.
 */

import type { Condition, PodPhase } from '../objects/index.ts'
import { copyWith } from '../objects/index.ts'
import type { ProbeKind } from './probethreshold.ts'

export const MINIMUM_GRACE_SECONDS = 2

export interface KubeletDecisions {
  /**
   * How long TERM waits for the preStop hook, in seconds. Bugs: 0 (kubelet-term-before-prestop-ends), or longer than the grace
   * period (kubelet-prestop-hangs-past-grace).
   */
  hookTimeoutSeconds(graceSeconds: number): number
  /**
   * Seconds between TERM and KILL after `spentSeconds` (whole, cut) of the grace period went to the preStop hook and to waiting
   * for containers that must stop first. Bug kubelet-prestop-time-not-deducted: the whole grace period again.
   */
  stopTimeoutSeconds(graceSeconds: number, spentSeconds: number): number
  /**
   * The conditions to store beside a phase. `computed` come from the containers, `previous` were stored before. Bug
   * kubelet-ready-true-on-terminal-pod: the previous ones, from a view of the containers that has not been refreshed.
   */
  storedConditions(
    phase: PodPhase,
    computed: readonly Condition[],
    previous: readonly Condition[] | undefined,
  ): readonly Condition[]
  /**
   * Are the init containers over? `mainContainerSeen`: the runtime knows a main container of this sandbox. Otherwise the records
   * of init containers decide. Bug kubelet-reruns-init-containers: always false, so only those records decide.
   */
  isInitialized(mainContainerSeen: boolean): boolean
  /** May a probe of this kind go on once the pod terminates? Bug kubelet-probes-kill-terminating-pod: all of them. */
  probesWhileTerminating(kind: ProbeKind): boolean
  /** The phase to store. Bug kubelet-terminal-before-stopped: `computed`, whatever still runs. */
  storedPhase(computed: PodPhase, previous: PodPhase, containersMayRun: boolean): PodPhase
  /** Is a pod that a kubelet meets with a terminal phase over for good? Bug kubelet-restarts-finished-pods: no, it is as new. */
  isFinished(phase: PodPhase | undefined): boolean
}

export const KUBELET_DECISIONS: KubeletDecisions = Object.freeze({
  hookTimeoutSeconds(graceSeconds: number): number {
    return graceSeconds
  },
  stopTimeoutSeconds(graceSeconds: number, spentSeconds: number): number {
    return Math.max(MINIMUM_GRACE_SECONDS, graceSeconds - spentSeconds)
  },
  storedConditions(phase: PodPhase, computed: readonly Condition[]): readonly Condition[] {
    if (!isTerminal(phase)) return computed
    const reason = phase === 'Failed' ? 'PodFailed' : 'PodCompleted'
    return computed.map((condition) =>
      (condition.type === 'Ready' || condition.type === 'ContainersReady') && condition.status !== 'False'
        ? copyWith(condition, { status: 'False', reason, message: undefined })
        : condition,
    )
  },
  isInitialized(mainContainerSeen: boolean): boolean {
    return mainContainerSeen
  },
  probesWhileTerminating(kind: ProbeKind): boolean {
    return kind === 'readiness'
  },
  storedPhase(computed: PodPhase, previous: PodPhase, containersMayRun: boolean): PodPhase {
    return containersMayRun && isTerminal(computed) && !isTerminal(previous) ? previous : computed
  },
  isFinished(phase: PodPhase | undefined): boolean {
    return isTerminal(phase)
  },
})

/** True for the phases that a pod never leaves. */
export function isTerminal(phase: PodPhase | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}
