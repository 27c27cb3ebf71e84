/**
 * The ReplicaSets of a deployment: which one belongs to the present template, which are old, what a new one looks like.
 * Models kubernetes pkg/controller/deployment/util deployment_util.go FindNewReplicaSet, FindOldReplicaSets, v1.33.
 */
import type { Deployment, LabelSelector, Labels, PodTemplateSpec, ReplicaSet } from '../../objects/index.ts'
import { podTemplateHash, sameValue } from '../../objects/index.ts'

import { controllerReference } from '../owners.ts'
import { newSetAnnotations, sizeAnnotations } from './annotations.ts'
import { desiredReplicas, type Fenceposts } from './fenceposts.ts'
import { compareByCreation } from './order.ts'

export const TEMPLATE_HASH_LABEL = 'pod-template-hash'

export interface SetsOfDeployment {
  /** The oldest set with the deployment's present template. */
  readonly newSet: ReplicaSet | undefined
  readonly old: readonly ReplicaSet[]
}

/** Splits the sets by template, ignoring the hash label that the deployment added. */
export function computeSets(deployment: Deployment, sets: readonly ReplicaSet[]): SetsOfDeployment {
  let newSet: ReplicaSet | undefined
  for (const set of [...sets].sort(compareByCreation)) {
    if (newSet === undefined && sameTemplate(set.spec.template, deployment.spec.template)) newSet = set
  }
  return { newSet, old: sets.filter((set) => set !== newSet) }
}

/** True when two templates describe the same pods, whatever their hash label says. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  if (a === b) return true
  if (!sameValue(a.spec, b.spec)) return false
  if (!sameLabels(a.metadata?.labels, b.metadata?.labels)) return false
  return sameValue({ ...a.metadata, labels: undefined }, { ...b.metadata, labels: undefined })
}

/** The only active set, or with none active the new one, or the newest old one. Undefined with several active. */
export function findActiveOrLatest(newSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const all = newSet === undefined ? old : [...old, newSet]
  const active = all.filter((set) => desiredReplicas(set) > 0)
  if (active.length > 1) return undefined
  if (active.length === 1) return active[0]
  return newSet ?? [...old].sort(compareByCreation).at(-1)
}

/** The set to create for the present template, named after its hash. */
export function newReplicaSet(
  deployment: Deployment,
  replicas: number,
  revision: number,
  fenceposts: Fenceposts,
): ReplicaSet {
  const template = deployment.spec.template
  const hash = podTemplateHash(template, deployment.status?.collisionCount)
  const labels: Labels = { ...template.metadata?.labels, [TEMPLATE_HASH_LABEL]: hash }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {
        ...newSetAnnotations(deployment, undefined, revision),
        ...sizeAnnotations(deployment, fenceposts),
      },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      minReadySeconds: deployment.spec.minReadySeconds,
      selector: withHash(deployment.spec.selector, hash),
      template: { metadata: { ...template.metadata, labels }, spec: template.spec },
    },
  }
}

function withHash(selector: LabelSelector, hash: string): LabelSelector {
  return { ...selector, matchLabels: { ...selector.matchLabels, [TEMPLATE_HASH_LABEL]: hash } }
}

function sameLabels(a: Labels | undefined, b: Labels | undefined): boolean {
  if (a === b) return true
  for (const key in a) if (key !== TEMPLATE_HASH_LABEL && a[key] !== b?.[key]) return false
  for (const key in b) if (key !== TEMPLATE_HASH_LABEL && a?.[key] === undefined) return false
  return true
}
