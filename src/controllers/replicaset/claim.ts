/** Whose pods are whose. Models kubernetes pkg/controller controller_ref_manager.go PodControllerRefManager.ClaimPods, v1.33. */
import type { OwnerReference, Pod, ReplicaSet } from '../../objects/index.ts'
import { matcherOf } from '../../objects/selector.ts'
import { controllerReference, isControlledBy } from '../owners.ts'

export interface PodClaims {
  /** Owned and selected: replicas. */
  readonly owned: readonly Pod[]
  /** Selected and without a controller: to be adopted, if the ReplicaSet really still exists. */
  readonly adoptable: readonly Pod[]
  /** Owned and no longer selected: to be let go. */
  readonly releasable: readonly Pod[]
}

/** Sorts the candidates (active pods that are owned by the set, or orphans of its namespace) by what must happen to them. */
export function computePodClaims(
  replicaSet: ReplicaSet,
  controlled: readonly Pod[],
  orphans: readonly Pod[],
): PodClaims {
  const matches = matcherOf(replicaSet.spec.selector)
  const owned: Pod[] = []
  const releasable: Pod[] = []
  // Pods of one template share their labels: asked once.
  let asked: Pod['metadata']['labels']
  let selected = false
  for (const pod of controlled) {
    const { labels } = pod.metadata
    if (labels !== asked || labels === undefined) {
      asked = labels
      selected = matches(labels)
    }
    if (selected) owned.push(pod)
    else if (replicaSet.metadata.deletionTimestamp === undefined) releasable.push(pod)
  }
  const mayAdopt = replicaSet.metadata.deletionTimestamp === undefined
  const adoptable = mayAdopt ? orphans.filter((pod) => matches(pod.metadata.labels)) : []
  return { owned, adoptable, releasable }
}

/** The pod's references with this set as its controller. */
export function adoptedReferences(pod: Pod, owner: ReplicaSet): readonly OwnerReference[] {
  return [...(pod.metadata.ownerReferences ?? []), controllerReference(owner)]
}

/** The pod's references without this set. */
export function releasedReferences(pod: Pod, owner: ReplicaSet): readonly OwnerReference[] {
  const references = pod.metadata.ownerReferences ?? []
  return isControlledBy(pod, owner) ? references.filter((entry) => entry.uid !== owner.metadata.uid) : references
}
