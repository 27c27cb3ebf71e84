/** Finalizers are kept: what still has one is not removed from the store. */
import type { ApiServerFact } from '../../src/apiserver/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

export const finalizersKept: PropertyDefinition = {
  id: 'finalizers-are-kept',
  mode: 'always',
  claim:
    'a deletion never removes an object whose list of finalizers is not empty; only the update that takes the last one off may',
  source: 'kubernetes staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go, v1.33; kubernetes PR 77619',
  trigger: 'an object that had had finalizers was removed or marked for deletion',
  catches: ['apiserver-stale-finalizer-bypass'],
  monitor(cluster, report) {
    /** Removed with a finalizer while it was being deleted, and nobody has been told yet who did it: by resource and key, the revision. */
    const removed = new Map<string, { readonly revision: number; readonly finalizer: string }>()
    const fail = (object: string, finalizer: string) =>
      report.fail({
        subject: object,
        shape: 'removed-with-finalizer',
        message: `it was removed although it still had the finalizer ${finalizer}`,
      })
    for (const resource of ['pods', 'deployments', 'replicasets', 'configmaps', 'services'] as const) {
      cluster.truth.onChange(resource, ({ key, revision, previous, current }) => {
        const [finalizer] = previous?.metadata.finalizers ?? []
        if (finalizer === undefined) return
        report.reached()
        if (current !== undefined) return
        if (previous?.metadata.deletionTimestamp === undefined) fail(`${resource} ${key}`, finalizer)
        else removed.set(`${resource} ${key}`, { revision, finalizer })
      })
    }
    onFact<ApiServerFact, 'api-request'>(
      cluster,
      'api-request',
      ({ verb, resource, namespace, name, code, revision }) => {
        if (removed.size === 0 || code !== 200) return
        const object = `${resource} ${namespace}/${name}`
        const removal = removed.get(object)
        if (removal === undefined || (revision !== undefined && revision !== removal.revision)) return
        removed.delete(object)
        if (verb === 'delete') fail(object, removal.finalizer)
      },
    )
    return {}
  },
}
