/** Optimistic concurrency as clients see it: an update replaces the version that its writer saw, or it is refused. */
import type { ApiRequestHandled, ApiServerFact } from '../../src/apiserver/index.ts'
import type { Cluster } from '../../src/cluster/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'
import { historyOf } from './history.ts'

export const noLostUpdate: PropertyDefinition = {
  id: 'no-lost-update',
  mode: 'always',
  claim: 'an update that was accepted replaced the very version that its writer had seen',
  source:
    'kubernetes API conventions, "Concurrency Control and Consistency"; apiserver pkg/storage/etcd3/store.go, v1.33',
  trigger: 'an update that named a version was accepted',
  catches: ['planted-blind-update'],
  monitor(cluster, report) {
    const history = historyOf(cluster)
    onUpdate(cluster, ({ resource, code, revision, precondition, server }, key) => {
      if (code !== 200 || revision === undefined || revision === precondition) return
      const replaced = history.before(resource, key, revision)
      if (replaced === undefined) return
      report.reached()
      if (replaced === precondition) return
      report.fail({
        subject: `${resource} ${key}`,
        shape: 'lost-update',
        message: `${server} accepted an update of version ${precondition} as version ${revision}, which replaced version ${replaced}`,
      })
    })
    return {}
  },
}

export const noFalseConflict: PropertyDefinition = {
  id: 'no-false-conflict',
  mode: 'always',
  claim: 'an update is not refused as a conflict when the object has the very version that its writer had seen',
  source: 'apiserver pkg/storage/etcd3/store.go (GuaranteedUpdate, cached copies), v1.33; kubernetes PR 82303',
  trigger: 'an update that named a version was refused as a conflict',
  catches: ['apiserver-stale-precondition'],
  monitor(cluster, report) {
    const history = historyOf(cluster)
    onUpdate(cluster, ({ resource, code, precondition, server }, key) => {
      if (code !== 409) return
      report.reached()
      // Nobody knows a version before it is stored: if it is the present one now, it was so all along.
      if (history.present(resource, key) !== precondition) return
      report.fail({
        subject: `${resource} ${key}`,
        shape: 'false-conflict',
        message: `${server} refused an update of version ${precondition} as a conflict, though that is the present version`,
      })
    })
    return {}
  },
}

/** Calls `listener` for every answered update that named the version it is about. */
function onUpdate(cluster: Cluster, listener: (request: ApiRequestHandled, key: string) => void): void {
  onFact<ApiServerFact, 'api-request'>(cluster, 'api-request', (request) => {
    const { verb, precondition, namespace, name } = request
    if (verb !== 'update' || precondition === undefined || name === undefined) return
    listener(request, namespace === undefined ? name : `${namespace}/${name}`)
  })
}
