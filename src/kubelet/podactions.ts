/**
 * What to do with a pod's sandbox and containers, given what runs: pure. Models kubernetes pkg/kubelet/kuberuntime
 * kuberuntime_manager.go computePodActions and kuberuntime_container.go computeInitContainerActions, v1.33. Not modelled: ephemeral
 * containers, in-place resize, per-container restart rules.
 */
import { type Container, isSidecar, type Pod } from '../objects/index.ts'
import type { ContainerRecord } from './cri.ts'
import type { KubeletDecisions } from './decisions.ts'
import type { PodRecords } from './podrecords.ts'
import type { ProbeResult } from './probethreshold.ts'

export interface ContainerToKill {
  readonly container: ContainerRecord
  readonly reason: 'liveness' | 'startup' | 'changed'
}

export interface PodActions {
  /** Stop everything, the sandbox too. */
  killPod: boolean
  createSandbox: boolean
  /** The new sandbox's number, or the current one's. */
  attempt: number
  /** Indexes into spec.initContainers, in the order in which to start them. */
  startInit: number[]
  /** Indexes into spec.containers. */
  start: number[]
  kill: ContainerToKill[]
}

/** Results of probes by container id; undefined when there is no such probe or nothing is known yet. */
export interface ProbeView {
  livenessOf(containerId: string): ProbeResult | undefined
  startupOf(containerId: string): ProbeResult | undefined
}

/** The next steps for `pod`. Empty actions mean: leave it as it is. */
export function computePodActions(
  pod: Pod,
  records: PodRecords,
  probes: ProbeView,
  decisions: KubeletDecisions,
): PodActions {
  const sandbox = records.sandbox
  const changed = sandbox === undefined || sandbox.state !== 'ready'
  const actions: PodActions = {
    killPod: changed,
    createSandbox: changed,
    attempt: sandbox === undefined ? 0 : changed ? sandbox.attempt + 1 : sandbox.attempt,
    startInit: [],
    start: [],
    kill: [],
  }
  if (changed) return forNewSandbox(pod, records, actions)
  const initialized = computeInitActions(pod, records, probes, decisions, actions)
  if (actions.killPod || !initialized) return actions
  let kept = 0
  for (let index = 0; index < pod.spec.containers.length; index++) {
    const container = pod.spec.containers[index] as Container
    const record = records.latest(container.name)
    if (record === undefined || record.state !== 'running') {
      if (shouldStart(pod, container, record)) actions.start.push(index)
      continue
    }
    let restart = restartsOnFailure(pod)
    let reason: ContainerToKill['reason']
    if (record.spec.image !== container.image) {
      reason = 'changed'
      restart = true
    } else if (probes.livenessOf(record.id) === 'failure') reason = 'liveness'
    else if (probes.startupOf(record.id) === 'failure') reason = 'startup'
    else {
      kept++
      continue
    }
    if (restart) actions.start.push(index)
    actions.kill.push({ container: record, reason })
  }
  if (kept === 0 && actions.start.length === 0) {
    actions.killPod = true
    actions.startInit = []
  }
  return actions
}

/** True unless the policy is Never. */
export function restartsOnFailure(pod: Pod): boolean {
  return pod.spec.restartPolicy !== 'Never'
}

/** Should a container that does not run be started (again)? */
export function shouldStart(pod: Pod, container: Container, record: ContainerRecord | undefined): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false
  if (record === undefined) return true
  if (record.state === 'running') return false
  if (isSidecar(container)) return true
  if (pod.spec.restartPolicy === 'Never') return false
  return !(pod.spec.restartPolicy === 'OnFailure' && record.exitCode === 0)
}

function forNewSandbox(pod: Pod, records: PodRecords, actions: PodActions): PodActions {
  if (!restartsOnFailure(pod) && actions.attempt !== 0 && records.containers.length > 0) {
    actions.createSandbox = false
    return actions
  }
  const init = pod.spec.initContainers ?? []
  for (let index = 0; index < pod.spec.containers.length; index++) {
    const record = records.latest((pod.spec.containers[index] as Container).name)
    const succeeded = record !== undefined && record.state === 'exited' && record.exitCode === 0
    if (!(pod.spec.restartPolicy === 'OnFailure' && succeeded)) actions.start.push(index)
  }
  if (actions.start.length === 0) {
    // Every container has done its work: there is nothing to make a sandbox for.
    actions.createSandbox = false
    return actions
  }
  if (init.length > 0) {
    actions.start = []
    actions.startInit = [0]
  }
  return actions
}

/** Adds what init containers need to `actions`. Returns true when main containers may start. */
function computeInitActions(
  pod: Pod,
  records: PodRecords,
  probes: ProbeView,
  decisions: KubeletDecisions,
  actions: PodActions,
): boolean {
  const init = pod.spec.initContainers ?? []
  if (init.length === 0) return true
  const sandboxId = records.sandbox?.id
  const mainSeen = pod.spec.containers.some((container) => records.latest(container.name)?.sandboxId === sandboxId)
  let initialized = decisions.isInitialized(mainSeen)
  let previouslyInitialized = initialized
  // Backwards: completed ones may have been collected, so the last one that left a trace decides.
  for (let index = init.length - 1; index >= 0; index--) {
    const container = init[index] as Container
    const sidecar = isSidecar(container)
    const latest = records.latest(container.name)
    const record = latest?.sandboxId === sandboxId ? latest : undefined
    if (record === undefined) {
      if (previouslyInitialized && sidecar) actions.startInit.push(index)
      continue
    }
    if (previouslyInitialized && !sidecar) continue
    const last = index === init.length - 1
    if (record.state === 'running') {
      if (!sidecar) return finish(actions, initialized)
      const startup = container.startupProbe === undefined ? 'success' : probes.startupOf(record.id)
      if (startup === 'success') {
        if (!previouslyInitialized) {
          if (last) initialized = true
          else actions.startInit.push(index + 1)
        }
        if (probes.livenessOf(record.id) === 'failure') restartSidecar(actions, record, index, 'liveness')
      } else if (startup === 'failure') restartSidecar(actions, record, index, 'startup')
    } else if (sidecar) {
      actions.startInit.push(index)
    } else if (record.exitCode !== 0) {
      if (!restartsOnFailure(pod)) {
        actions.killPod = true
        actions.startInit = []
        return false
      }
      actions.startInit.push(index)
    } else if (last) initialized = true
    else actions.startInit.push(index + 1)
    previouslyInitialized = true
  }
  if (!previouslyInitialized) actions.startInit.push(0)
  return finish(actions, initialized)
}

function restartSidecar(
  actions: PodActions,
  record: ContainerRecord,
  index: number,
  reason: 'liveness' | 'startup',
): void {
  actions.kill.push({ container: record, reason })
  actions.startInit.push(index)
}

function finish(actions: PodActions, initialized: boolean): boolean {
  actions.startInit.reverse()
  return initialized
}
