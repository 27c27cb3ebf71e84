/** A ReplicaSet never owns more active pods than it ever asked for, as long as nothing disturbs the control plane. */
import type { ApiServerFact } from '../../src/apiserver/index.ts'
import { isPodTerminal, type Pod } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { CONTROLLER_LEASE, onFact } from '../define.ts'

/** Longer than any fault keeps a controller from news: a size that it may still act on. */
const SIZES_MEMORY_MICROS = 60_000_000
/** How long the answers that a controller was left without are remembered. */
const ANSWERS_MEMORY_MICROS = 30_000_000
const GATEWAY_TIMEOUT = 504

export const neverTooManyPods: PropertyDefinition = {
  id: 'replicaset-never-too-many-pods',
  mode: 'always',
  claim:
    'the active pods of a ReplicaSet never outnumber the largest size it had in the last minute, while one controller manager leads undisturbed, none of its creations was given up by a server (a 504: such a pod may still come) and no former leader was still at work',
  source: 'kubernetes pkg/controller/controller_utils.go (expectations), v1.33',
  trigger: 'a pod with an owning ReplicaSet was created',
  catches: ['rs-no-expectations'],
  monitor(cluster, report) {
    const active = new Map<string, Set<string>>()
    const sizes = new Map<string, { at: number; replicas: number }[]>()
    let givenUpAt = Number.NEGATIVE_INFINITY
    onFact<ApiServerFact, 'api-request'>(cluster, 'api-request', ({ code, verb, resource }, at) => {
      if (code === GATEWAY_TIMEOUT && verb === 'create' && resource === 'pods') givenUpAt = at
    })
    cluster.truth.onChange('replicasets', ({ current, previous }) => {
      const uid = (current ?? previous)?.metadata.uid ?? ''
      const history = sizes.get(uid) ?? []
      history.push({ at: cluster.kernel.now, replicas: current?.spec.replicas ?? 0 })
      sizes.set(uid, history)
    })
    cluster.truth.onChange('pods', ({ key, previous, current }) => {
      const owner = controllerOf(current ?? previous)
      if (owner === undefined) return
      const pods = active.get(owner) ?? new Set<string>()
      active.set(owner, pods)
      if (current === undefined || current.metadata.deletionTimestamp !== undefined || isPodTerminal(current)) {
        pods.delete(key)
        return
      }
      if (previous !== undefined) return
      pods.add(key)
      report.reached()
      const limit = largest(sizes.get(owner) ?? [], cluster.kernel.now)
      if (pods.size <= limit || !cluster.calm.leaderSteady(CONTROLLER_LEASE)) return
      if (cluster.kernel.now - givenUpAt < ANSWERS_MEMORY_MICROS) return
      report.fail({
        subject: key,
        shape: 'too-many-pods',
        message: `${pods.size} active pods are owned by one ReplicaSet that asked for ${limit} at most`,
      })
    })
    return {}
  },
}

function controllerOf(pod: Pod | undefined): string | undefined {
  return pod?.metadata.ownerReferences?.find((owner) => owner.controller === true && owner.kind === 'ReplicaSet')?.uid
}

/** The largest size in the last while, the one in force before it included. */
function largest(history: readonly { at: number; replicas: number }[], now: number): number {
  let most = 0
  for (let index = history.length - 1; index >= 0; index--) {
    const entry = history[index]
    if (entry === undefined) break
    most = Math.max(most, entry.replicas)
    if (entry.at < now - SIZES_MEMORY_MICROS) break
  }
  return most
}
