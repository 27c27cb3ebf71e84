/** What the stored status of a pod may say: phases that are final, and Ready on a pod that is over. */
import { isPodReady, isPodTerminal, type Pod } from '../../src/objects/index.ts'
import { always, forEach, implies, never, not, or, property, reached } from '../../src/trial/temporal/index.ts'

export const phaseIsFinal = property({
  id: 'pod-phase-is-final',
  claim: 'a pod never leaves the phases Succeeded and Failed',
  source: 'documentation "Pod Lifecycle", pod phase; kubernetes pkg/kubelet/status/status_manager.go, v1.33',
  trigger: 'a pod reached a terminal phase',
  catches: ['kubelet-restarts-finished-pods'],
  formula: [
    forEach('pods', (pod) =>
      never(
        pod.does(
          'leaves a terminal phase',
          (before, after) => isPodTerminal(before) && after.status?.phase !== before.status?.phase,
        ),
      ),
    ),
    reached(forEach('pods', (pod) => pod.is('over', isPodTerminal))),
  ],
  shape: 'left-terminal-phase',
})

export const terminalIsNotReady = property({
  id: 'terminal-pod-is-not-ready',
  claim:
    'a pod in phase Succeeded or Failed is stored with Ready = False, unless it was orphaned by its node and the garbage collector made it Failed',
  source: 'kubernetes pkg/kubelet/status/generate.go, pkg/controller/podgc/gc_controller.go, v1.33; kubernetes#108594',
  trigger: 'a pod reached a terminal phase',
  catches: ['kubelet-ready-true-on-terminal-pod'],
  formula: forEach('pods', (pod) =>
    always(
      implies(
        pod.is('over', isPodTerminal),
        or(not(pod.is('Ready', isPodReady)), pod.is('made Failed for want of a node', isOrphaned)),
      ),
    ),
  ),
  shape: 'terminal-and-ready',
})

/** The pod garbage collector sets the phase and this condition, and leaves Ready as the lost kubelet had it. */
export function isOrphaned({ status }: Pod): boolean {
  return (
    status?.conditions?.some(({ type, reason }) => type === 'DisruptionTarget' && reason === 'DeletionByPodGC') === true
  )
}

/** The pod that a container belongs to, by uid, as last stored; kept after removal for the length of the trial. */
export function isOver(pod: Pod | undefined): boolean {
  return pod !== undefined && isPodTerminal(pod)
}
