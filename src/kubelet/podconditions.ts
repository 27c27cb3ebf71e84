/**
 * A pod's conditions from its containers' states: pure. Models kubernetes pkg/kubelet/status/generate.go, v1.33. Transition times are
 * added where the status is stored.
 */
import {
  type Condition,
  type ContainerStatus,
  copyWith,
  isConditionTrue,
  isSidecar,
  type PodPhase,
  type PodSpec,
} from '../objects/index.ts'

/** The condition types that a kubelet owns; all others belong to somebody else and are kept. */
export const OWNED_CONDITIONS: readonly string[] = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
]

/** The five conditions that a kubelet writes, in its order. `others`: conditions of the stored pod, for readiness gates. */
export function conditionsOf(
  spec: PodSpec,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  phase: PodPhase,
  sandboxReady: boolean,
  others: readonly Condition[] | undefined,
): readonly Condition[] {
  const containersReady = containersReadyCondition(spec, init, main, phase)
  return [
    { type: 'PodReadyToStartContainers', status: sandboxReady ? 'True' : 'False' },
    initializedCondition(spec, init, main, phase),
    readyCondition(spec, containersReady, others),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ]
}

function initializedCondition(
  spec: PodSpec,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  phase: PodPhase,
): Condition {
  const incomplete: string[] = []
  for (const container of spec.initContainers ?? []) {
    const status = init.find((candidate) => candidate.name === container.name)
    const done = isSidecar(container) ? status?.started === true : status?.ready === true
    if (!done) incomplete.push(container.name)
  }
  if (phase === 'Succeeded' && incomplete.length > 0) {
    return { type: 'Initialized', status: 'True', reason: 'PodCompleted' }
  }
  const mainStarted = main.some((status) => status.state.running !== undefined || status.state.terminated !== undefined)
  if (incomplete.length === 0 || mainStarted) return { type: 'Initialized', status: 'True' }
  return {
    type: 'Initialized',
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  }
}

function containersReadyCondition(
  spec: PodSpec,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  phase: PodPhase,
): Condition {
  if (phase === 'Succeeded') return { type: 'ContainersReady', status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { type: 'ContainersReady', status: 'False', reason: 'PodFailed' }
  const unready: string[] = []
  for (const container of spec.initContainers ?? []) {
    if (!isSidecar(container)) continue
    if (init.find((status) => status.name === container.name)?.ready !== true) unready.push(container.name)
  }
  for (const container of spec.containers) {
    if (main.find((status) => status.name === container.name)?.ready !== true) unready.push(container.name)
  }
  if (unready.length === 0) return { type: 'ContainersReady', status: 'True' }
  return {
    type: 'ContainersReady',
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  }
}

function readyCondition(
  spec: PodSpec,
  containersReady: Condition,
  others: readonly Condition[] | undefined,
): Condition {
  if (containersReady.status !== 'True') return copyWith(containersReady, { type: 'Ready' })
  const closed = (spec.readinessGates ?? []).filter((gate) => !isConditionTrue(others, gate.conditionType))
  if (closed.length === 0) return { type: 'Ready', status: 'True' }
  const names = closed.map((gate) => `"${gate.conditionType}"`).join(', ')
  return {
    type: 'Ready',
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message: `readiness gates not true: ${names}`,
  }
}
