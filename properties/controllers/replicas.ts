/** A ReplicaSet never owns more active pods than it ever asked for, as long as nothing disturbs the control plane. */
import type { ApiServerFact } from '../../src/apiserver/index.ts'
import type { ClientFact } from '../../src/client/index.ts'
import { isPodTerminal, type Pod } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { CONTROLLER_LEASE, onFact } from '../define.ts'
import { ActedSizes } from './acted-sizes.ts'
import { UnlistedPods } from './unlisted-pods.ts'

const GATEWAY_TIMEOUT = 504

export const neverTooManyPods: PropertyDefinition = {
  id: 'replicaset-never-too-many-pods',
  mode: 'always',
  claim:
    'the active pods of a ReplicaSet never outnumber the largest of the sizes that its controller may still go by: those of the generation that its status says was observed, and later ones; while one controller manager leads undisturbed, no former leader is still at work, and but for as many pods as there were creations without an answer (a 504: such a pod may still come) and pods that its first list, from a server that lagged behind, did not show it',
  source: 'kubernetes pkg/controller/controller_utils.go (expectations), v1.33',
  trigger: 'a pod with an owning ReplicaSet was created',
  catches: ['rs-no-expectations'],
  monitor(cluster, report) {
    /** By uid of the set and key of the pod, at which revision it was created. */
    const active = new Map<string, Map<string, number>>()
    const sizes = new ActedSizes(cluster)
    const unlisted = new UnlistedPods(cluster, active)
    let unanswered = 0
    onFact<ApiServerFact, 'api-request'>(cluster, 'api-request', ({ code, verb, resource }) => {
      if (code === GATEWAY_TIMEOUT && verb === 'create' && resource === 'pods') unanswered++
    })
    onFact<ClientFact, 'client-timeout'>(cluster, 'client-timeout', ({ verb, resource }) => {
      if (verb === 'create' && resource === 'pods') unanswered++
    })
    cluster.truth.onChange('pods', ({ key, revision, previous, current }) => {
      const owner = controllerOf(current ?? previous)
      if (owner === undefined) return
      const pods = active.get(owner) ?? new Map<string, number>()
      active.set(owner, pods)
      if (current === undefined || current.metadata.deletionTimestamp !== undefined || isPodTerminal(current)) {
        pods.delete(key)
        return
      }
      if (previous !== undefined) return
      pods.set(key, revision)
      report.reached()
      const limit = sizes.largest(owner) + unanswered + unlisted.of(owner)
      if (pods.size <= limit || !cluster.calm.leaderSteady(CONTROLLER_LEASE)) return
      report.fail({
        subject: key,
        shape: 'too-many-pods',
        message: `${pods.size} active pods are owned by one ReplicaSet for which at most ${limit} may have been made`,
      })
    })
    return {}
  },
}

function controllerOf(pod: Pod | undefined): string | undefined {
  return pod?.metadata.ownerReferences?.find((owner) => owner.controller === true && owner.kind === 'ReplicaSet')?.uid
}
