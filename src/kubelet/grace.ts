/**
 * Grace periods as arithmetic: how long a pod, a container and the rest after its hook get. Models kubernetes pkg/kubelet
 * pod_workers.go calculateEffectiveGracePeriod and kuberuntime_container.go setTerminationGracePeriod, v1.33. Pure.
 */
import { type Micros, SECOND } from '../kernel/index.ts'
import type { Container, Pod } from '../objects/index.ts'
import { MINIMUM_GRACE_SECONDS } from './decisions.ts'
import type { StopReason } from './facts.ts'

const DEFAULT_POD_GRACE_SECONDS = 30

/**
 * The grace period of a terminating pod, in seconds, at least 1. It can only shrink: `current` is the one in force, 0 when
 * termination begins.
 */
export function effectiveGraceSeconds(pod: Pod, current: number): number {
  let seconds = current
  const asked = pod.metadata.deletionTimestamp === undefined ? undefined : pod.metadata.deletionGracePeriodSeconds
  if (asked !== undefined && (seconds === 0 || asked < seconds)) seconds = asked
  if (asked === undefined && seconds === 0)
    seconds = pod.spec.terminationGracePeriodSeconds ?? DEFAULT_POD_GRACE_SECONDS
  return Math.max(1, seconds)
}

/** The grace period of one container that is stopped while its pod goes on: the probe's own, or the pod's. */
export function containerGraceSeconds(pod: Pod, container: Container, reason: StopReason): number {
  const deletion = pod.metadata.deletionGracePeriodSeconds
  if (pod.metadata.deletionTimestamp !== undefined && deletion !== undefined) return deletion
  const probe =
    reason === 'liveness' ? container.livenessProbe : reason === 'startup' ? container.startupProbe : undefined
  return probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? MINIMUM_GRACE_SECONDS
}

/** Whole seconds spent, cut as upstream cuts them. */
export function spentSeconds(since: Micros, now: Micros): number {
  return Math.floor((now - since) / SECOND)
}
