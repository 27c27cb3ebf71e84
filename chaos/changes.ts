/** When objects are stored anew because of what people do to the cluster: what faults that wait for a change go by. */
import type { WorkloadStep } from '../src/cluster/index.ts'
import type { Micros } from '../src/kernel/index.ts'
import type { KubeObject, Resource } from '../src/objects/index.ts'

/** Steps that make pods go and come. */
export const PODS_COME_AND_GO: readonly WorkloadStep['kind'][] = [
  'scale',
  'set-image',
  'restart-rollout',
  'rollback',
  'delete-pod',
  'drain',
]

/** What is stored anew, of which resources, when people do this. */
export const CHANGED_DURING = {
  pods: PODS_COME_AND_GO,
  replicasets: PODS_COME_AND_GO,
  deployments: PODS_COME_AND_GO,
  endpointslices: [...PODS_COME_AND_GO, 'apply', 'delete'],
  services: ['apply', 'delete'],
  nodes: ['cordon', 'uncordon', 'drain'],
} as const satisfies Partial<Record<Resource, readonly WorkloadStep['kind'][]>>

/** Will objects of that resource probably change, given the steps? Leases change all the time. */
export function probablyChanges(
  resource: Resource,
  objects: readonly KubeObject[],
  workload: readonly WorkloadStep[],
): boolean {
  if (resource === 'endpointslices' && !objects.some(({ kind }) => kind === 'Service')) return false
  return resource === 'leases' || changesOf(resource, workload).length > 0
}

/** When objects of that resource will probably be stored anew because of a step; leases are left out. */
export function changesOf(resource: Resource, workload: readonly WorkloadStep[]): readonly Micros[] {
  const during: readonly string[] = CHANGED_DURING[resource as keyof typeof CHANGED_DURING] ?? []
  const gone = new Set<string>()
  const cordoned = new Set<string>()
  return workload.flatMap((step) => {
    const hasEffect = changesSomething(step, gone, cordoned)
    return during.includes(step.kind) && (hasEffect || (resource !== 'nodes' && step.kind === 'drain'))
      ? [step.atMicros]
      : []
  })
}

/** What is there already is not applied anew, what is gone not deleted again; `gone` and `cordoned` follow the steps. */
function changesSomething(step: WorkloadStep, gone: Set<string>, cordoned: Set<string>): boolean {
  switch (step.kind) {
    case 'cordon':
    case 'drain': {
      const isNew = !cordoned.has(step.node)
      cordoned.add(step.node)
      return isNew
    }
    case 'uncordon':
      return cordoned.delete(step.node)
    case 'delete': {
      const name = `${step.namespace}/${step.name}`
      const isNew = step.resource === 'services' && !gone.has(name)
      if (isNew) gone.add(name)
      return isNew
    }
    case 'apply': {
      const { namespace = 'default', name } = step.object.metadata
      return gone.delete(`${namespace}/${name}`)
    }
    default:
      return true
  }
}

/** Those of `resources` that will probably change; all of them if none. */
export function likelyChanging<R extends Resource>(
  resources: readonly R[],
  objects: readonly KubeObject[],
  workload: readonly WorkloadStep[],
): readonly R[] {
  const likely = resources.filter((resource) => probablyChanges(resource, objects, workload))
  return likely.length > 0 ? likely : resources
}
