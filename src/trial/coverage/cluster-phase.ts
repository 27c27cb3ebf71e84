/**
 * What a cluster is doing, in one word: what a fault strikes into. Followed along the committed objects; the first that holds
 * of the list counts.
 */
import type { Cluster } from '../../cluster/index.ts'
import { type Deployment, isConditionTrue, type KubeObject, type Node, type Pod } from '../../objects/index.ts'
import type { Consensus } from './consensus.ts'
import type { FeatureSet } from './feature-set.ts'
import { asState } from './grain.ts'
import { bucketOf, hashText, mix } from './hash.ts'

/**
 * `boot`: the scenario's objects and the Nodes have not all been there yet. `no leader`: nobody leads etcd. `node away`: some node is not Ready. `rollout`:
 * a Deployment has pods of two templates, or was not looked at since it was changed.
 */
export const PHASES = ['boot', 'no leader', 'node away', 'rollout', 'pods leaving', 'pods starting', 'steady'] as const
export type Phase = (typeof PHASES)[number]

const BUSY = hashText('busy')

export class ClusterPhase {
  readonly #cluster: Cluster
  readonly #consensus: Consensus
  readonly #features: FeatureSet
  /** It has booted, once and for all. */
  #isUp = false
  #leaving = 0
  #starting = 0
  #rolling = 0
  #away = 0

  constructor(cluster: Cluster, consensus: Consensus, features: FeatureSet) {
    this.#cluster = cluster
    this.#consensus = consensus
    this.#features = features
  }

  now(): Phase {
    if (!this.#hasBooted()) return 'boot'
    if (!this.#consensus.hasLeader) return 'no leader'
    if (this.#away > 0) return 'node away'
    if (this.#rolling > 0) return 'rollout'
    if (this.#leaving > 0) return 'pods leaving'
    return this.#starting > 0 ? 'pods starting' : 'steady'
  }

  #hasBooted(): boolean {
    const { booted, truth, topology } = this.#cluster
    this.#isUp ||= booted && this.#consensus.hasLeader && truth.count('nodes') >= topology.nodes
    return this.#isUp
  }

  onChange(resource: string, previous: KubeObject | undefined, current: KubeObject | undefined): void {
    switch (resource) {
      case 'pods':
        this.#leaving += stepOf(isLeaving, previous, current)
        this.#starting += stepOf(isStarting, previous, current)
        break
      case 'deployments':
        this.#rolling += stepOf(isRolling, previous, current)
        break
      case 'nodes':
        this.#away += stepOf(isAway, previous, current)
        break
      default:
        return
    }
    const hash = mix(mix(BUSY, bucketOf(this.#leaving)), bucketOf(this.#starting))
    this.#features.add(asState(mix(mix(hash, Math.min(this.#rolling, 2)), bucketOf(this.#away))))
  }
}

/** 1 when it begins to hold, -1 when it ends, else 0. */
function stepOf(
  holds: (object: KubeObject) => boolean,
  previous: KubeObject | undefined,
  current: KubeObject | undefined,
): number {
  const before = previous !== undefined && holds(previous)
  const after = current !== undefined && holds(current)
  return (after ? 1 : 0) - (before ? 1 : 0)
}

function isLeaving({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined
}

function isStarting(object: KubeObject): boolean {
  const { metadata, status } = object as Pod
  if (metadata.deletionTimestamp !== undefined) return false
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false
  return !isConditionTrue(status?.conditions, 'Ready')
}

function isRolling(object: KubeObject): boolean {
  const { metadata, status } = object as Deployment
  const generation = metadata.generation ?? 1
  if (generation > 1 && (status?.observedGeneration ?? 0) < generation) return true
  return (status?.replicas ?? 0) > (status?.updatedReplicas ?? 0)
}

function isAway(object: KubeObject): boolean {
  return !isConditionTrue((object as Node).status?.conditions, 'Ready')
}
