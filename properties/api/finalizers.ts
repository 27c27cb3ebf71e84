/** Finalizers are kept: what still has one is not removed from the store. */
import type { PropertyDefinition } from '../../src/trial/registry.ts'

export const finalizersKept: PropertyDefinition = {
  id: 'finalizers-are-kept',
  mode: 'always',
  claim: 'an object is never removed while its list of finalizers is not empty',
  source: 'kubernetes staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go, v1.33; kubernetes PR 77619',
  trigger: 'an object that had had finalizers was removed or marked for deletion',
  catches: ['apiserver-stale-finalizer-bypass'],
  monitor(cluster, report) {
    for (const resource of ['pods', 'deployments', 'replicasets', 'configmaps', 'services'] as const) {
      cluster.truth.onChange(resource, ({ key, previous, current }) => {
        const finalizers = previous?.metadata.finalizers
        if (finalizers === undefined || finalizers.length === 0) return
        report.reached()
        if (current !== undefined) return
        report.fail({
          subject: `${resource} ${key}`,
          shape: 'removed-with-finalizer',
          message: `it was removed although it still had the finalizer ${finalizers[0]}`,
        })
      })
    }
    return {}
  },
}
