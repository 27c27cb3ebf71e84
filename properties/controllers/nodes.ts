/** What the node controller may do to the pods of nodes that have fallen silent. */
import { isPodReady, type Node } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { CONTROLLER_LEASE } from '../define.ts'

const NO_EXECUTE = 'NoExecute'
/** Monitor period, grace, and as much again. */
const MARK_MICROS = 30_000_000

function readiness(node: Node | undefined): string {
  return node?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status ?? 'Unknown'
}

export const noMassEviction: PropertyDefinition = {
  id: 'no-eviction-when-all-nodes-are-silent',
  mode: 'always',
  claim: 'while every node of the cluster is not Ready, no further node is tainted NoExecute as unreachable',
  source: 'kubernetes pkg/controller/nodelifecycle (full disruption mode), v1.33; kubernetes#24200',
  trigger: 'every node was not Ready at once',
  catches: ['nodelifecycle-mass-eviction'],
  monitor(cluster, report) {
    cluster.truth.onChange('nodes', ({ key, previous, current }) => {
      const nodes = [...cluster.truth.list('nodes')]
      if (nodes.length < 2 || nodes.some((node) => readiness(node) === 'True')) return
      if (nodes.some((node) => readiness(node) !== 'Unknown')) return
      report.reached()
      const gained = (current?.spec.taints ?? []).some(
        (taint) =>
          taint.effect === NO_EXECUTE &&
          taint.key === 'node.kubernetes.io/unreachable' &&
          !(previous?.spec.taints ?? []).some((old) => old.effect === NO_EXECUTE && old.key === taint.key),
      )
      if (gained)
        report.fail({
          subject: `node ${key}`,
          shape: 'evicting-all',
          message: `${key} was tainted NoExecute although all ${nodes.length} nodes are silent`,
        })
    })
    return {}
  },
}

export const silentNodesPodsNotReady: PropertyDefinition = {
  id: 'pods-of-silent-nodes-are-not-ready',
  mode: 'always',
  claim: 'a pod on a node that has been Unknown for 30 s while a controller manager leads undisturbed is not Ready',
  source:
    'kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go (MarkPodsNotReady), v1.33; kubernetes#50067',
  trigger: 'a node with pods was Unknown for 30 s',
  catches: ['nodelifecycle-notready-lost-on-restart'],
  monitor(cluster, report) {
    const since = new Map<string, number>()
    const check = (node: string, at: number) => {
      if (since.get(node) !== at || !cluster.calm.leaderSteady(CONTROLLER_LEASE)) return
      for (const pod of cluster.truth.list('pods')) {
        if (pod.spec.nodeName !== node) continue
        report.reached()
        if (!isPodReady(pod)) continue
        report.fail({
          subject: `pod ${pod.metadata.namespace}/${pod.metadata.name}`,
          shape: 'ready-on-silent-node',
          message: `${node} has been Unknown for 30 s and the pod is still Ready`,
        })
        return
      }
    }
    cluster.truth.onChange('nodes', ({ key, current }) => {
      if (readiness(current) !== 'Unknown') {
        since.delete(key)
        return
      }
      if (since.has(key)) return
      const at = cluster.kernel.now
      since.set(key, at)
      cluster.later(MARK_MICROS, () => check(key, at))
    })
    return {}
  },
}
