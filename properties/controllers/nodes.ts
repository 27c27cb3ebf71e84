/** What the node controller may do to the pods of nodes that have fallen silent. */
import type { ApiRequestHandled } from '../../src/apiserver/index.ts'
import { isPodReady, type Node } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { always, forEach, implies, not, property, state } from '../../src/trial/temporal/index.ts'
import { afterwards, CONTROLLER_LEASE, onFact } from '../define.ts'

const NO_EXECUTE = 'NoExecute'
/** Monitor period, grace, and as much again. */
const MARK_MICROS = 30_000_000
const KUBELET_USER = 'system:node:'

function readiness(node: Node | undefined): string {
  return node?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status ?? 'Unknown'
}

function isTainted({ spec }: Node): boolean {
  return (
    spec.taints?.some(({ effect, key }) => effect === NO_EXECUTE && key === 'node.kubernetes.io/unreachable') === true
  )
}

export const noMassEviction = property({
  id: 'no-eviction-when-all-nodes-are-silent',
  claim: 'while every node of the cluster is not Ready, no further node is tainted NoExecute as unreachable',
  source: 'kubernetes pkg/controller/nodelifecycle (full disruption mode), v1.33; kubernetes#24200',
  trigger: 'every node was not Ready at once',
  catches: ['nodelifecycle-mass-eviction'],
  formula: forEach('nodes', (node) =>
    always(
      implies(
        state('all nodes are silent', ['nodes'], ({ list }) => {
          const nodes = [...list('nodes')]
          return nodes.length > 1 && nodes.every((each) => readiness(each) === 'Unknown')
        }),
        not(node.does('is tainted NoExecute', (before, after) => !isTainted(before) && isTainted(after))),
      ),
    ),
  ),
  shape: 'evicting-all',
})

export const silentNodesPodsNotReady: PropertyDefinition = {
  id: 'pods-of-silent-nodes-are-not-ready',
  mode: 'always',
  claim:
    'a pod on a node that has been Unknown and silent for 30 s while a controller manager leads undisturbed is not Ready',
  source:
    'kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go (MarkPodsNotReady), v1.33; kubernetes#50067',
  trigger: 'a node with pods was Unknown for 30 s',
  catches: ['nodelifecycle-notready-lost-on-restart'],
  monitor(cluster, report) {
    const since = new Map<string, number>()
    /** By user, when a write of a node's kubelet was last taken: it is back, and speaks for its pods before its node is Ready. */
    const heardAt = new Map<string, number>()
    onFact<ApiRequestHandled, 'api-request'>(cluster, 'api-request', ({ user, code }, at) => {
      if (code < 300 && user.startsWith(KUBELET_USER)) heardAt.set(user, at)
    })
    const check = (node: string, at: number) => {
      if (since.get(node) !== at || !cluster.calm.leaderSteady(CONTROLLER_LEASE)) return
      if ((heardAt.get(`${KUBELET_USER}${node}`) ?? 0) >= at) return
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
      // A node whose object is gone is not Unknown: its pods are left to the pod garbage collector.
      if (current === undefined || readiness(current) !== 'Unknown') {
        since.delete(key)
        return
      }
      if (since.has(key)) return
      const at = cluster.kernel.now
      since.set(key, at)
      afterwards(cluster, MARK_MICROS, () => check(key, at))
    })
    return {}
  },
}
