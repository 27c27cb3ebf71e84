/** The bounds of a rolling update, read off the stored replica sets at every change. */
import type { Cluster } from '../../src/cluster/index.ts'
import { type Deployment, keyOf, type ReplicaSet, scaledCount } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { CONTROLLER_LEASE } from '../define.ts'
import { deploymentOf, type SeenSizes, seenSizesOf } from './seen-sizes.ts'

/** The bounds in force: those of every deployment spec that the controller may still be acting on. */
interface Bounds {
  readonly key: string
  /** Specs by generation that have not been superseded by an observed one. */
  specs: {
    readonly generation: number
    readonly replicas: number
    readonly surge: number
    readonly unavailable: number
    readonly recreate: boolean
  }[]
}

function boundsOf(deployment: Deployment): Bounds['specs'][number] {
  const replicas = deployment.spec.replicas ?? 1
  const rolling = deployment.spec.strategy?.rollingUpdate
  let surge = scaledCount(rolling?.maxSurge ?? '25%', replicas, 'up')
  let unavailable = scaledCount(rolling?.maxUnavailable ?? '25%', replicas, 'down')
  const recreate = deployment.spec.strategy?.type === 'Recreate'
  if (recreate) {
    surge = 0
    unavailable = replicas
  } else if (surge === 0 && unavailable === 0) unavailable = 1
  return { generation: deployment.metadata.generation ?? 1, replicas, surge, unavailable, recreate }
}

/** A sibling's status may have counted pods that its size had already given up, when it was decided to shrink this set. */
function statusLags(cluster: Cluster, seen: SeenSizes, set: ReplicaSet): boolean {
  const owner = deploymentOf(set)
  for (const other of cluster.truth.list('replicasets')) {
    if (deploymentOf(other) !== owner || other.metadata.uid === set.metadata.uid) continue
    if (seen.mayHaveLagged(other)) return true
  }
  return false
}

const REVISION = 'deployment.kubernetes.io/revision'

/**
 * By how much the other sets of the deployment may have seemed smaller when it was decided to let this one grow. Only the set
 * of the newest template grows in a rollout; that another one does has no such excuse, unless the newer ones may have seemed
 * not to be there: one that seems to stand alone gets all that a deployment is scaled to.
 */
function unseenGrowth(cluster: Cluster, seen: SeenSizes, set: ReplicaSet): number {
  const owner = deploymentOf(set)
  const revision = Number(set.metadata.annotations?.[REVISION] ?? 0)
  let unseen = 0
  for (const other of cluster.truth.list('replicasets')) {
    if (deploymentOf(other) !== owner || other.metadata.uid === set.metadata.uid) continue
    const size = other.spec.replicas ?? 1
    const least = Math.min(size, seen.least(other))
    if (least > 0 && Number(other.metadata.annotations?.[REVISION] ?? 0) > revision) return 0
    unseen += size - least
  }
  return unseen
}

/** Follows deployments and their sets; `check` sees every change of a set's size, `onStatus` every status that a pass ends with. */
function followSizes(
  cluster: Cluster,
  check: (bounds: Bounds, total: number, change: { set: ReplicaSet; before: number; after: number }) => void,
  onStatus: (bounds: Bounds, total: number) => void = () => {},
): void {
  const deployments = new Map<string, Bounds>()
  const sets = new Map<string, Map<string, number>>()
  cluster.truth.onChange('deployments', ({ key, current, previous }) => {
    const uid = (current ?? previous)?.metadata.uid ?? ''
    if (current === undefined) {
      deployments.delete(uid)
      return
    }
    const spec = boundsOf(current)
    const bounds = deployments.get(uid) ?? { key, specs: [] }
    if (!bounds.specs.some((known) => known.generation === spec.generation)) bounds.specs.push(spec)
    const observed = current.status?.observedGeneration ?? 0
    const kept = bounds.specs.filter((known) => known.generation >= observed)
    bounds.specs = kept.length > 0 ? kept : [spec]
    deployments.set(uid, bounds)
    if (previous?.metadata.uid === uid && previous.status !== current.status) onStatus(bounds, totalOf(sets.get(uid)))
  })
  cluster.truth.onChange('replicasets', ({ previous, current }) => {
    const set = current ?? previous
    if (set === undefined) return
    const owner = deploymentOf(set)
    if (owner === undefined) return
    const sizes = sets.get(owner) ?? new Map<string, number>()
    sets.set(owner, sizes)
    const name = set.metadata.uid ?? ''
    const before = sizes.get(name) ?? 0
    const after = current === undefined ? 0 : (current.spec.replicas ?? 1)
    if (current === undefined) sizes.delete(name)
    else sizes.set(name, after)
    const bounds = deployments.get(owner)
    if (bounds === undefined || before === after) return
    check(bounds, totalOf(sizes), { set, before, after })
  })
}

function totalOf(sizes: ReadonlyMap<string, number> | undefined): number {
  let total = 0
  for (const size of sizes?.values() ?? []) total += size
  return total
}

export const surgeBound: PropertyDefinition = {
  id: 'deployment-surge-bound',
  mode: 'always',
  claim:
    'the replica sets of a deployment never ask for more pods together than replicas + maxSurge; when the set of the newest template that the controller had been shown grows, growth of another one that it had not been shown yet is not counted (a write only fails for a stale copy of the same set); no former leader is still at work',
  source: 'kubernetes pkg/controller/deployment/rolling.go and util/deployment_util.go (NewRSNewReplicas), v1.33',
  trigger: 'a replica set of a deployment changed its size',
  catches: ['deployment-surge-recounts-on-stale-rs', 'planted-too-much-surge'],
  monitor(cluster, report) {
    const seen = seenSizesOf(cluster)
    followSizes(cluster, (bounds, total, { set, before, after }) => {
      report.reached()
      if (after <= before) return
      const most = bounds.specs.reduce((high, spec) => Math.max(high, spec.replicas + spec.surge), 0)
      if (total <= most || total - unseenGrowth(cluster, seen, set) <= most) return
      if (cluster.calm.formerLeaderMayAct(CONTROLLER_LEASE)) return
      report.fail({
        subject: bounds.key,
        shape: 'too-many',
        message: `${keyOf(set)} grew from ${before} to ${after}: ${total} pods asked for together, at most ${most} are allowed`,
      })
    })
    return {}
  },
}

export const unavailabilityBound: PropertyDefinition = {
  id: 'deployment-unavailability-bound',
  mode: 'always',
  claim:
    'no pass of a rolling update leaves the replica sets of a deployment shrunk below replicas - maxUnavailable together, once earlier shrinking shows in their status, and no former leader is still at work',
  source: 'kubernetes pkg/controller/deployment/rolling.go (reconcileOldReplicaSets), v1.33',
  trigger: 'a replica set of a deployment shrank',
  catches: ['planted-too-few-available'],
  monitor(cluster, report) {
    const seen = seenSizesOf(cluster)
    /** By key: what shrank too far so far in a pass. */
    const shrunk = new Map<string, { readonly least: number; readonly message: string }>()
    followSizes(
      cluster,
      (bounds, total, { set, before, after }) => {
        if (after >= before) return
        report.reached()
        const least = bounds.specs.reduce(
          (low, spec) => Math.min(low, spec.replicas - spec.unavailable),
          Number.MAX_SAFE_INTEGER,
        )
        // Upstream counts available pods from status: pods that an earlier shrink has given up still count until it is updated.
        if (total >= least || bounds.specs.some((spec) => spec.recreate) || statusLags(cluster, seen, set)) return
        if (cluster.calm.formerLeaderMayAct(CONTROLLER_LEASE)) return
        const message = `${keyOf(set)} shrank from ${before} to ${after}: ${total} pods asked for together, at least ${least} must be`
        shrunk.set(bounds.key, { least, message })
      },
      // A pass over several sets may take from one what it then gives to another.
      ({ key }, total) => {
        const before = shrunk.get(key)
        shrunk.delete(key)
        if (before !== undefined && total < before.least)
          report.fail({ subject: key, shape: 'too-few', message: before.message })
      },
    )
    return {}
  },
}
