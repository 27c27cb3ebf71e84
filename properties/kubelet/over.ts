/** What "over" promises: the pod has stopped, so that its room is free for whoever comes next. */
import type { KernelFact, Micros } from '../../src/kernel/index.ts'
import type { KubeletFact, RuntimeFact } from '../../src/kubelet/index.ts'
import { isPodTerminal, milliValue, type Pod, podRequests, wholeValue } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'
import { isOrphaned } from './phase.ts'

const SOURCE = 'kubernetes pkg/kubelet (SyncTerminatingPod before the terminal phase), v1.33; kubernetes PR 108366'

export const terminalPodHasStopped: PropertyDefinition = {
  id: 'terminal-pod-has-stopped',
  mode: 'always',
  claim:
    'a pod is stored as Succeeded or Failed only once its sandbox and containers have stopped, unless it was orphaned by its node and the garbage collector made it Failed',
  source: SOURCE,
  trigger: 'a pod that had run was stored in a terminal phase',
  catches: ['kubelet-terminal-before-stopped'],
  monitor(cluster, report) {
    /** By uid of the pod: the nodes and sandboxes that run for it. */
    const sandboxes = new Map<string, Map<string, string>>()
    onFact<RuntimeFact, 'sandbox-started'>(cluster, 'sandbox-started', ({ podUid, sandboxId, node }) => {
      const own = sandboxes.get(podUid)
      if (own === undefined) sandboxes.set(podUid, new Map([[sandboxId, node]]))
      else own.set(sandboxId, node)
    })
    onFact<RuntimeFact, 'sandbox-stopped'>(cluster, 'sandbox-stopped', ({ podUid, sandboxId }) => {
      sandboxes.get(podUid)?.delete(sandboxId)
    })
    onFact<KernelFact, 'host-crashed'>(cluster, 'host-crashed', ({ host }) => {
      for (const own of sandboxes.values()) for (const [id, node] of own) if (node === host) own.delete(id)
    })
    cluster.truth.onChange('pods', ({ key, previous, current }) => {
      if (current === undefined || !isPodTerminal(current) || (previous !== undefined && isPodTerminal(previous)))
        return
      const own = sandboxes.get(current.metadata.uid ?? '')
      if (own === undefined || isOrphaned(current)) return
      report.reached()
      const [node] = own.values()
      if (node === undefined) return
      report.fail({
        subject: key,
        shape: 'over-and-running',
        message: `pod ${key} was stored as ${current.status?.phase} while it still ran on ${node}`,
      })
    })
    return {}
  },
}

export const fittingPodIsNotRejected: PropertyDefinition = {
  id: 'fitting-pod-is-not-rejected',
  mode: 'always',
  claim: 'a kubelet rejects no pod for want of the room of a pod which it has itself reported as Succeeded or Failed',
  source: `${SOURCE}; kubernetes#106884`,
  trigger: 'a pod was bound to a node on which another had ended',
  catches: ['kubelet-terminal-before-stopped'],
  monitor(cluster, report) {
    /** Every pod that was ever bound, by uid, as last stored, and when its kubelet said that it is over. */
    const bound = new Map<string, { pod: Pod; overAt: Micros | undefined }>()
    const runningSince = new Map<string, Micros>()
    for (const type of ['process-started', 'process-resumed'] as const) {
      cluster.kernel.subscribe(type, (fact, _process, at) => {
        const node = cluster.nodeOfProcess((fact as unknown as { process: number }).process)
        if (node !== undefined) runningSince.set(node, at)
      })
    }
    cluster.truth.onChange('pods', ({ current }) => {
      if (current?.spec.nodeName === undefined) return
      const uid = current.metadata.uid ?? ''
      const isOver = isPodTerminal(current) && !isOrphaned(current)
      const overAt = isOver ? (bound.get(uid)?.overAt ?? cluster.kernel.now) : undefined
      bound.set(uid, { pod: current, overAt })
    })
    // A kubelet that began after the report may not know of it; a pod that was removed before its end may still run.
    const countsAt = (node: string, overAt: Micros | undefined) =>
      overAt === undefined || overAt <= (runningSince.get(node) ?? 0)
    const boundTo = (node: string) => [...bound.values()].filter(({ pod }) => pod.spec.nodeName === node)
    onFact<KubeletFact, 'pod-admitted'>(cluster, 'pod-admitted', ({ node }) => {
      if (boundTo(node).some(({ overAt }) => !countsAt(node, overAt))) report.reached()
    })
    onFact<KubeletFact, 'pod-rejected'>(cluster, 'pod-rejected', ({ node, podKey, podUid, reason }) => {
      if (!reason.startsWith('OutOf')) return
      const there = boundTo(node)
      const counted = there.filter(({ pod, overAt }) => pod.metadata.uid === podUid || countsAt(node, overAt))
      if (counted.length === there.length) return
      report.reached()
      const allocatable = cluster.truth.get('nodes', node)?.status?.allocatable
      if (
        allocatable === undefined ||
        !fits(
          counted.map(({ pod }) => pod),
          allocatable,
        )
      )
        return
      report.fail({
        subject: podKey,
        shape: 'rejected',
        message: `${node} rejected pod ${podKey} (${reason}), although it fits beside the pods there that are not over`,
      })
    })
    return {}
  },
}

function fits(pods: readonly Pod[], allocatable: Readonly<Record<string, string>>): boolean {
  const requests = pods.map(({ spec }) => podRequests(spec))
  return (
    pods.length <= wholeValue(allocatable.pods ?? '110') &&
    requests.reduce((sum, { milliCpu }) => sum + milliCpu, 0) <= milliValue(allocatable.cpu ?? '0') &&
    requests.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) <= wholeValue(allocatable.memory ?? '0')
  )
}
