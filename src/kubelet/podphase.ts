/**
 * A pod's phase from its containers' states: pure. Models kubernetes pkg/kubelet/kubelet_pods.go getPhase, v1.33.
 */
import { type ContainerStatus, isSidecar, type PodPhase, type PodSpec } from '../objects/index.ts'

/**
 * The phase. `ended`: the containers have been stopped for good and the restart policy no longer matters.
 */
export function phaseOf(
  spec: PodSpec,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  ended: boolean,
): PodPhase {
  let pendingInit = 0
  let failedInit = 0
  let pendingSidecars = 0
  let unknown = 0
  let running = 0
  let waiting = 0
  let stopped = 0
  let succeeded = 0
  for (const container of spec.initContainers ?? []) {
    const status = find(init, container.name)
    if (isSidecar(container)) {
      if (status === undefined) unknown++
      else if (status.state.running !== undefined) {
        if (status.started !== true) pendingSidecars++
        running++
      } else if (status.state.terminated === undefined && status.lastState?.terminated === undefined) {
        pendingSidecars++
        waiting++
      }
      continue
    }
    const ending =
      status?.state.terminated ?? (status?.state.running === undefined ? status?.lastState?.terminated : undefined)
    if (ending === undefined) pendingInit++
    else if (ending.exitCode !== 0) failedInit++
  }
  let mainRunning = 0
  for (const container of spec.containers) {
    const status = find(main, container.name)
    if (status === undefined) unknown++
    else if (status.state.running !== undefined) mainRunning++
    else if (status.state.terminated !== undefined) {
      stopped++
      if (status.state.terminated.exitCode === 0) succeeded++
    } else if (status.lastState?.terminated !== undefined) stopped++
    else waiting++
  }
  running += mainRunning
  if (failedInit > 0 && spec.restartPolicy === 'Never') return 'Failed'
  if (failedInit > 0 && mainRunning === 0 && stopped === 0) return ended ? 'Failed' : 'Pending'
  if (pendingInit > 0 || waiting > 0) return ended ? endedPhase(stopped, succeeded, true) : 'Pending'
  if (pendingSidecars > 0 && mainRunning === 0 && stopped === 0) return 'Pending'
  if (running > 0 && unknown === 0) return 'Running'
  if (running === 0 && stopped > 0 && unknown === 0) {
    if (ended) return endedPhase(stopped, succeeded, false)
    if (spec.restartPolicy === 'Always' || spec.restartPolicy === undefined) return 'Running'
    if (stopped === succeeded) return 'Succeeded'
    return spec.restartPolicy === 'Never' ? 'Failed' : 'Running'
  }
  return 'Pending'
}

/** A pod that never got as far as its main containers did not succeed. */
function endedPhase(stopped: number, succeeded: number, someNeverRan: boolean): PodPhase {
  return !someNeverRan && stopped === succeeded ? 'Succeeded' : 'Failed'
}

function find(statuses: readonly ContainerStatus[], name: string): ContainerStatus | undefined {
  for (const status of statuses) if (status.name === name) return status
  return undefined
}
