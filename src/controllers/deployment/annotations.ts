/** The annotations by which a deployment's sets remember revision and size. Models pkg/controller/deployment/util SetNewReplicaSetAnnotations, v1.33. */
import type { Deployment, KubeObject, Labels, ReplicaSet } from '../../objects/index.ts'
import { desiredReplicas, type Fenceposts } from './fenceposts.ts'

export const REVISION = 'deployment.kubernetes.io/revision'
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas'
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas'
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const NOT_COPIED = new Set([
  LAST_APPLIED,
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
])

/** The whole number in an annotation, or undefined. */
export function numberAnnotation(object: KubeObject, key: string): number | undefined {
  const text = object.metadata.annotations?.[key]
  if (text === undefined) return undefined
  const value = Number(text)
  return Number.isInteger(value) ? value : undefined
}

/** The revision of a set or deployment; 0 when it has none yet. */
export function revisionOf(object: KubeObject): number {
  return numberAnnotation(object, REVISION) ?? 0
}

/** The highest revision among the sets; 0 for none. */
export function maxRevision(sets: readonly ReplicaSet[]): number {
  let max = 0
  for (const set of sets) max = Math.max(max, revisionOf(set))
  return max
}

/**
 * The annotations that the new set must carry besides its sizes: the deployment's own and a revision that only rises. Those of
 * `present` stay; the sizes in them too, for they tell a later pass for which size the set was made.
 */
export function newSetAnnotations(deployment: Deployment, present: Labels | undefined, revision: number): Labels {
  const annotations: Record<string, string> = { ...present }
  const own = deployment.metadata.annotations
  for (const key in own) if (!NOT_COPIED.has(key)) annotations[key] = own[key] as string
  const before = Number(annotations[REVISION] ?? 0)
  if (before < revision) {
    if (annotations[REVISION] !== undefined) {
      const history = annotations[REVISION_HISTORY]
      annotations[REVISION_HISTORY] =
        history === undefined ? annotations[REVISION] : `${history},${annotations[REVISION]}`
    }
    annotations[REVISION] = String(revision)
  }
  return annotations
}

/** The two annotations that say for which size of the deployment a set was sized. */
export function sizeAnnotations(deployment: Deployment, fenceposts: Fenceposts): Labels {
  const replicas = desiredReplicas(deployment)
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + fenceposts.maxSurge) }
}

/** True when the set already carries those sizes. */
export function hasSizeAnnotations(set: ReplicaSet, wanted: Labels): boolean {
  const annotations = set.metadata.annotations
  return (
    annotations?.[DESIRED_REPLICAS] === wanted[DESIRED_REPLICAS] && annotations?.[MAX_REPLICAS] === wanted[MAX_REPLICAS]
  )
}
