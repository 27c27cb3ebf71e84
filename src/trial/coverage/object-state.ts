/**
 * The state of an object with everything left out that makes it this one: for a pod its phase, whether it is bound, ready,
 * leaving, and what its containers do; for anything with conditions which of them hold and why; counts as none, some, all.
 */
import type {
  Condition,
  ContainerStatus,
  CoreEvent,
  Deployment,
  EndpointSlice,
  KubeObject,
  Node,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  Resource,
} from '../../objects/index.ts'
import { bucketOf, mix, type Words } from './hash.ts'

/** The restarts of a container that are told apart: none, one, more. */
const RESTARTS_MOST = 2

export function stateOf(resource: Resource, object: KubeObject, words: Words): number {
  const { deletionTimestamp, finalizers } = object.metadata
  const common = mix(words.hash(resource), (deletionTimestamp === undefined ? 0 : 1) + 2 * (finalizers?.length ?? 0))
  switch (resource) {
    case 'pods':
      return mix(common, podState(object as Pod, words))
    case 'deployments':
      return mix(common, deploymentState(object as Deployment, words))
    case 'replicasets':
      return mix(common, replicaSetState(object as ReplicaSet))
    case 'nodes':
      return mix(common, nodeState(object as Node, words))
    case 'endpointslices':
      return mix(common, endpointsState(object as EndpointSlice))
    case 'poddisruptionbudgets':
      return mix(common, budgetState(object as PodDisruptionBudget))
    case 'events':
      return mix(common, words.hash((object as CoreEvent).reason))
    default: {
      const { status } = object as { readonly status?: { readonly conditions?: readonly Condition[] } }
      return mix(common, conditionsState(status?.conditions, words))
    }
  }
}

function podState({ spec, status }: Pod, words: Words): number {
  let hash = mix(words.hash(status?.phase ?? ''), spec.nodeName === undefined ? 0 : 1)
  hash = mix(hash, conditionsState(status?.conditions, words))
  hash = mix(hash, containersState(status?.initContainerStatuses, words))
  return mix(hash, containersState(status?.containerStatuses, words))
}

/** Which containers are in which state; not which of them. */
function containersState(statuses: readonly ContainerStatus[] | undefined, words: Words): number {
  let sum = 0
  for (const { state, ready, restartCount } of statuses ?? []) {
    const word =
      state.running !== undefined ? 'running' : (state.terminated?.reason ?? state.waiting?.reason ?? 'waiting')
    sum = (sum + mix(mix(words.hash(word), ready ? 1 : 0), Math.min(restartCount, RESTARTS_MOST))) | 0
  }
  return sum
}

function deploymentState({ metadata, spec, status }: Deployment, words: Words): number {
  const wanted = spec.replicas ?? 1
  const behind = (status?.observedGeneration ?? 0) < (metadata.generation ?? 0) ? 1 : 0
  let hash = mix(behind, shareOf(status?.updatedReplicas, wanted))
  hash = mix(hash, shareOf(status?.replicas, wanted))
  hash = mix(hash, shareOf(status?.readyReplicas, wanted))
  hash = mix(hash, shareOf(status?.availableReplicas, wanted))
  return mix(hash, conditionsState(status?.conditions, words))
}

function replicaSetState({ metadata, spec, status }: ReplicaSet): number {
  const wanted = spec.replicas ?? 1
  const behind = (status?.observedGeneration ?? 0) < (metadata.generation ?? 0) ? 1 : 0
  const hash = mix(mix(behind, bucketOf(wanted)), shareOf(status?.replicas, wanted))
  return mix(hash, shareOf(status?.readyReplicas, wanted))
}

function nodeState({ spec, status }: Node, words: Words): number {
  let taints = 0
  for (const { key, effect } of spec.taints ?? []) taints = (taints + mix(words.hash(key), words.hash(effect))) | 0
  const hash = mix(taints, spec.unschedulable === true ? 1 : 0)
  return mix(hash, conditionsState(status?.conditions, words))
}

function endpointsState({ endpoints }: EndpointSlice): number {
  const counts = [0, 0, 0, 0]
  for (const { conditions } of endpoints) {
    const place = (conditions?.ready === true ? 1 : 0) + (conditions?.terminating === true ? 2 : 0)
    counts[place] = (counts[place] as number) + 1
  }
  return counts.reduce((hash, count) => mix(hash, bucketOf(count)), 0)
}

function budgetState({ status }: PodDisruptionBudget): number {
  if (status === undefined) return 0
  const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = status
  return mix(mix(bucketOf(disruptionsAllowed), Math.sign(currentHealthy - desiredHealthy) + 2), bucketOf(expectedPods))
}

function conditionsState(conditions: readonly Condition[] | undefined, words: Words): number {
  let sum = 0
  for (const { type, status, reason } of conditions ?? [])
    sum = (sum + mix(mix(words.hash(type), words.hash(status)), words.hash(reason ?? ''))) | 0
  return sum
}

/** None, some, all, more than are wanted. */
function shareOf(count = 0, wanted: number): number {
  if (count === 0) return wanted === 0 ? 4 : 0
  return count < wanted ? 1 : count === wanted ? 2 : 3
}
