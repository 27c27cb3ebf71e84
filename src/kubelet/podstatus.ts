/**
 * A pod's status from what the runtime knows, what the probes say and what the API had: pure. Models kubernetes
 * pkg/kubelet/kubelet_pods.go generateAPIPodStatus and convertToAPIContainerStatuses, v1.33.
 */
import {
  type Condition,
  type Container,
  type ContainerState,
  type ContainerStatus,
  copyWith,
  findCondition,
  isSidecar,
  type Pod,
  type PodPhase,
  type PodStatus,
  qosClass,
  timestamp,
} from '../objects/index.ts'
import type { ContainerRecord } from './cri.ts'
import { isTerminal, type KubeletDecisions } from './decisions.ts'
import { shouldStart } from './podactions.ts'
import { conditionsOf } from './podconditions.ts'
import { phaseOf } from './podphase.ts'
import type { PodRecords } from './podrecords.ts'
import type { ProbeResult } from './probethreshold.ts'

/** Results of probes by container id; undefined when there is no such probe. */
export interface StatusProbes {
  startupOf(containerId: string): ProbeResult | undefined
  readinessOf(containerId: string): ProbeResult | undefined
}

export interface StatusInput {
  readonly pod: Pod
  readonly records: PodRecords
  /** What was stored, or is about to be. */
  readonly previous: PodStatus | undefined
  /** Why a container waits, by name: `ImagePullBackOff`, `CrashLoopBackOff` ... */
  readonly waiting: ReadonlyMap<string, { readonly reason: string; readonly message: string }>
  readonly probes: StatusProbes
  /** A phase that was decided rather than computed: a rejection, a deadline. */
  readonly forced: { readonly phase: PodPhase; readonly reason: string; readonly message: string } | undefined
  /** Containers have been stopped for good. */
  readonly ended: boolean
  /** Containers may still run or start. */
  readonly containersMayRun: boolean
  readonly nodeAddress: string
  readonly wall: number
}

/** What goes to the API, and the phase as computed (before a terminal one is held back while containers run). */
export interface PodStatusResult {
  readonly status: PodStatus
  readonly computedPhase: PodPhase
}

/** Computes the status. A terminal phase in `previous` is kept. */
export function podStatusOf(given: StatusInput, decisions: KubeletDecisions): PodStatusResult {
  const over = isTerminal(given.previous?.phase)
  // A pod that is over stays as it was stored; not to see that it is over is to see it as new.
  const input = over && !decisions.isFinished(given.previous?.phase) ? { ...given, previous: undefined } : given
  const { pod, records, previous, forced, ended } = input
  const { spec } = pod
  const init = (spec.initContainers ?? []).map((container) => containerStatus(container, true, input))
  const main = spec.containers.map((container) => containerStatus(container, false, input))
  const before = previous?.phase ?? 'Pending'
  let computedPhase = forced?.phase ?? phaseOf(spec, init, main, ended)
  if (ended && !isTerminal(computedPhase)) computedPhase = 'Failed'
  if (isTerminal(before)) computedPhase = before
  const phase = decisions.storedPhase(computedPhase, before, input.containersMayRun)
  const sandbox = records.sandbox
  const sandboxReady = sandbox?.state === 'ready'
  const computed = conditionsOf(spec, init, main, phase, sandboxReady, previous?.conditions)
  const stamp = timestamp(input.wall)
  const stored = decisions.storedConditions(phase, computed, previous?.conditions)
  const conditions = stored.map((condition) => stamped(condition, previous?.conditions, stamp))
  const podIp = (sandboxReady ? sandbox.ip : undefined) ?? previous?.podIP
  const explained = forced !== undefined && phase === forced.phase ? forced : previous
  const status: PodStatus = {
    phase,
    conditions,
    reason: explained?.reason,
    message: explained?.message,
    hostIP: input.nodeAddress,
    podIP: podIp,
    podIPs: podIp === undefined ? undefined : podIp === previous?.podIP ? previous.podIPs : [{ ip: podIp }],
    startTime: previous?.startTime ?? stamp,
    containerStatuses: main,
    initContainerStatuses: init.length === 0 ? undefined : init,
    qosClass: previous?.qosClass ?? qosClass(spec),
  }
  return { status, computedPhase }
}

/** With its transition time; the very object stored before when it says the same. */
function stamped(condition: Condition, previous: readonly Condition[] | undefined, stamp: string): Condition {
  const before = findCondition(previous, condition.type)
  if (before === undefined || before.status !== condition.status)
    return copyWith(condition, { lastTransitionTime: stamp })
  if (before.reason === condition.reason && before.message === condition.message) return before
  return copyWith(condition, { lastTransitionTime: before.lastTransitionTime })
}

/** `containerd://<id>`, as the API shows it. */
export function containerIdOf(record: ContainerRecord): string {
  return `containerd://${record.id}`
}

function containerStatus(container: Container, init: boolean, input: StatusInput): ContainerStatus {
  const { pod, records, previous, ended } = input
  const known = (init ? previous?.initContainerStatuses : previous?.containerStatuses)?.find(
    (status) => status.name === container.name,
  )
  const record = records.latest(container.name)
  if (record === undefined) return statusWithoutRecord(container, init, known, input)
  const containerID = containerIdOf(record)
  const same = known?.containerID === containerID && known.image === container.image
  const regular = init && !isSidecar(container)
  if (record.state === 'running') {
    const started = (input.probes.startupOf(record.id) ?? 'success') === 'success'
    const probedReady = started && (input.probes.readinessOf(record.id) ?? 'success') === 'success'
    // A regular init container is ready once it has ended well.
    const ready = !regular && probedReady
    if (same && known.state.running !== undefined && known.ready === ready && known.started === started) return known
    const state: ContainerState = { running: { startedAt: timestamp(record.startedWall) } }
    return withLast(
      {
        name: container.name,
        image: container.image,
        restartCount: record.attempt,
        containerID,
        ready,
        started,
        state,
      },
      lastStateOf(record, known, records),
    )
  }
  const waiting = input.waiting.get(container.name)
  const base = {
    name: container.name,
    image: container.image,
    restartCount: record.attempt,
    containerID,
    started: false,
  }
  if (!ended && waiting !== undefined && (init || shouldStart(pod, container, record))) {
    if (same && known.state.waiting === waiting) return known
    return Object.assign(base, { ready: false, state: { waiting }, lastState: terminated(record) })
  }
  if (same && known.state.terminated !== undefined) return known
  const ready = regular && record.exitCode === 0
  return withLast(Object.assign(base, { ready, state: terminated(record) }), lastStateOf(record, known, records))
}

/** How the instance before this one ended, from the runtime or, once that is collected, from what was stored. */
function lastStateOf(
  record: ContainerRecord,
  known: ContainerStatus | undefined,
  records: PodRecords,
): ContainerState | undefined {
  const older = records.before(record.name, record.attempt)
  if (older !== undefined) return terminated(older)
  return known?.restartCount === record.attempt ? known.lastState : undefined
}

function withLast(status: ContainerStatus, lastState: ContainerState | undefined): ContainerStatus {
  return lastState === undefined ? status : copyWith(status, { lastState })
}

function terminated(record: ContainerRecord): ContainerState {
  return {
    terminated: {
      exitCode: record.exitCode,
      reason: record.reason,
      startedAt: timestamp(record.startedWall),
      finishedAt: timestamp(record.finishedWall),
      containerID: containerIdOf(record),
    },
  }
}

const LOST = Object.freeze({
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
})

/** The runtime knows nothing of the container: not started yet, collected after its end, or lost with the host. */
function statusWithoutRecord(
  container: Container,
  init: boolean,
  known: ContainerStatus | undefined,
  input: StatusInput,
): ContainerStatus {
  if (known?.state.terminated !== undefined) return known
  const { ended, pod } = input
  const wasRunning = known?.state.running !== undefined
  const restartCount = (known?.restartCount ?? 0) + (wasRunning ? 1 : 0)
  const base = { name: container.name, image: container.image, ready: false, started: false, restartCount }
  if (ended && (wasRunning || known?.lastState?.terminated !== undefined)) {
    return Object.assign(base, { restartCount: known?.restartCount ?? 0, state: { terminated: LOST } })
  }
  const waits = (pod.spec.initContainers?.length ?? 0) > 0 && !init ? 'PodInitializing' : 'ContainerCreating'
  const why: { readonly reason: string; readonly message?: string } = input.waiting.get(container.name) ?? {
    reason: waits,
  }
  const before = known?.state.waiting
  if (known?.image === container.image && before?.reason === why.reason && before.message === why.message) return known
  const lastState = wasRunning ? { terminated: LOST } : known?.lastState
  return withLast(Object.assign(base, { state: { waiting: why } }), lastState)
}
