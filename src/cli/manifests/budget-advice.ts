/**
 * Budgets that allow no eviction at all, whatever runs: with one of these no node that has such a pod can ever be drained.
 * Computed as kubernetes pkg/controller/disruption does (percentages are rounded up), for what the manifests ask for.
 */
import {
  type Deployment,
  type KubeObject,
  type PodDisruptionBudget,
  scaledCount,
  selectorMatches,
} from '../../objects/index.ts'
import { counted } from '../../report/index.ts'

/** A line or two for each such budget; none for budgets that let pods go. */
export function budgetAdvice(objects: readonly KubeObject[]): string[] {
  const deployments = objects.filter((object): object is Deployment => object.kind === 'Deployment')
  const budgets = objects.filter((object): object is PodDisruptionBudget => object.kind === 'PodDisruptionBudget')
  return budgets.flatMap(({ metadata, spec }) => {
    const { selector, minAvailable, maxUnavailable } = spec
    if (selector === undefined) return []
    const pods = deployments
      .filter(
        (deployment) =>
          deployment.metadata.namespace === metadata.namespace &&
          selectorMatches(selector, deployment.spec.template.metadata?.labels),
      )
      .reduce((sum, deployment) => sum + (deployment.spec.replicas ?? 1), 0)
    if (pods === 0) return []
    const [asked, allowed] =
      maxUnavailable === undefined
        ? [`minAvailable ${minAvailable ?? 1}`, pods - scaledCount(minAvailable ?? 1, pods, 'up')]
        : [`maxUnavailable ${maxUnavailable}`, scaledCount(maxUnavailable, pods, 'up')]
    if (allowed > 0) return []
    return [
      `ADVICE: PodDisruptionBudget ${metadata.name} (${asked} of ${counted(pods, 'pod')}) never lets one go: no node with such a pod can be drained.`,
      pods === 1
        ? '    A second replica and maxUnavailable: 1 let one go at a time.'
        : '    maxUnavailable: 1 lets one go at a time.',
    ]
  })
}
