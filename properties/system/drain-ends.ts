/**
 * A drain comes to its end. Kubernetes promises nothing of the kind: a PodDisruptionBudget may forbid every eviction for ever.
 * It is checked only where a scenario names it: `seatrial check` tells a user whose budget stops a drain.
 */
import type { Cluster, StepFact } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import { isPodTerminal, type Pod, selectorMatches } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { seconds } from '../define.ts'

/** A pod that is ready again elsewhere frees its budget sooner than that, unless something is wrong. */
const PATIENCE_MICROS: Micros = 30_000_000
const TOO_MANY_REQUESTS = 429

export const drainEnds: PropertyDefinition = {
  id: 'check-drain-ends',
  mode: 'always',
  onlyByName: true,
  claim: 'a drain evicts every pod of its node within half a minute: no PodDisruptionBudget stands in its way for good',
  source: 'documentation "Safely Drain a Node" and "Specifying a Disruption Budget"',
  trigger: 'a drain came to its end or was given up',
  catches: ['planted-stingy-budget'],
  monitor(cluster, report) {
    const begunAt = new Map<string, Micros>()
    cluster.kernel.subscribe('step-started', (fact) => {
      begunAt.set((fact as StepFact).id, cluster.kernel.now)
    })
    cluster.kernel.subscribe('step-finished', (fact) => {
      const { id, step, code } = fact as StepFact
      if (step.kind !== 'drain') return
      report.reached()
      const tookMicros = cluster.kernel.now - (begunAt.get(id) ?? 0)
      if (code !== TOO_MANY_REQUESTS || tookMicros < PATIENCE_MICROS) return
      report.fail({
        subject: `Node ${step.node}`,
        shape: 'drain-stuck',
        message: `after ${seconds(tookMicros)} the drain of ${step.node} was still refused ${refusals(cluster, step.node)}`,
      })
    })
    return {}
  },
}

/** Who is still on the node, and which budgets do not let it go. */
function refusals(cluster: Cluster, node: string): string {
  const stuck = [...cluster.truth.list('pods')].filter(
    (pod) => pod.spec.nodeName === node && pod.metadata.deletionTimestamp === undefined && !isPodTerminal(pod),
  )
  const texts = stuck.flatMap((pod) => {
    const budgets = budgetsOf(cluster, pod)
    return budgets.length === 0
      ? []
      : [`the eviction of ${pod.metadata.name} by PodDisruptionBudget ${budgets.join(', ')}`]
  })
  return texts.length > 0
    ? texts.join('; ')
    : `the eviction of ${stuck.map(({ metadata }) => metadata.name).join(', ')}`
}

function budgetsOf(cluster: Cluster, pod: Pod): string[] {
  return [...cluster.truth.list('poddisruptionbudgets')].flatMap(({ metadata, spec, status }) => {
    const isHere = metadata.namespace === pod.metadata.namespace
    const matches = spec.selector !== undefined && selectorMatches(spec.selector, pod.metadata.labels)
    if (!isHere || !matches) return []
    return [`${metadata.name} (${status?.disruptionsAllowed ?? 0} disruptions allowed)`]
  })
}
