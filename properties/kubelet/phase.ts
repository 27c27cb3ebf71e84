/** What the stored status of a pod may say: phases that are final, and Ready on a pod that is over. */
import { isPodReady, isPodTerminal, type Pod } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'

export const phaseIsFinal: PropertyDefinition = {
  id: 'pod-phase-is-final',
  mode: 'always',
  claim: 'a pod never leaves the phases Succeeded and Failed',
  source: 'documentation "Pod Lifecycle", pod phase; kubernetes pkg/kubelet/status/status_manager.go, v1.33',
  trigger: 'a pod reached a terminal phase',
  catches: ['kubelet-restarts-finished-pods'],
  monitor(cluster, report) {
    cluster.truth.onChange('pods', ({ key, previous, current }) => {
      if (current !== undefined && isPodTerminal(current)) report.reached()
      if (previous === undefined || current === undefined || previous.metadata.uid !== current.metadata.uid) return
      if (!isPodTerminal(previous) || current.status?.phase === previous.status?.phase) return
      report.fail({
        subject: key,
        shape: 'left-terminal-phase',
        message: `the phase went from ${previous.status?.phase} to ${current.status?.phase}`,
      })
    })
    return {}
  },
}

export const terminalIsNotReady: PropertyDefinition = {
  id: 'terminal-pod-is-not-ready',
  mode: 'always',
  claim: 'a pod in phase Succeeded or Failed is stored with Ready = False',
  source: 'kubernetes pkg/kubelet/status/generate.go, v1.33; kubernetes#108594',
  trigger: 'a pod reached a terminal phase',
  catches: ['kubelet-ready-true-on-terminal-pod'],
  monitor(cluster, report) {
    cluster.truth.onChange('pods', ({ key, current }) => {
      if (current === undefined || !isPodTerminal(current)) return
      report.reached()
      if (isPodReady(current)) {
        report.fail({
          subject: key,
          shape: 'terminal-and-ready',
          message: `the phase is ${current.status?.phase} and the condition Ready is True`,
        })
      }
    })
    return {}
  },
}

/** The pod that a container belongs to, by uid, as last stored; kept after removal for the length of the trial. */
export function isOver(pod: Pod | undefined): boolean {
  return pod !== undefined && isPodTerminal(pod)
}
