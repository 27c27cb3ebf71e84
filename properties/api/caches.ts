/** Once the cluster is quiet, what informers hold is what is stored. */
import type { PropertyDefinition } from '../../src/trial/registry.ts'

export const informersEndEqual: PropertyDefinition = {
  id: 'informers-end-equal',
  mode: 'always',
  claim: 'once the cluster is quiet, every informer of a controller, scheduler or proxy holds exactly the stored objects it selects',
  source: 'client-go tools/cache: list and watch are gapless; kubernetes#115658',
  trigger: 'the trial ended quiet with a synced informer',
  catches: ['informer-relist-drops-queued-delete', 'watchcache-empty-history-off-by-one', 'watchcache-reinit-orphans-watch'],
  monitor(cluster, report) {
    return {
      onEnd() {
        if (!cluster.isQuiet()) return
        for (const { process, informer } of cluster.informers()) {
          if (!informer.hasSynced() || informer.isSelective) continue
          report.reached()
          const { resource } = informer
          for (const object of informer.list()) {
            const { namespace, name, uid } = object.metadata
            const key = namespace === undefined ? name : `${namespace}/${name}`
            const stored = cluster.truth.get(resource, key)
            if (stored?.metadata.uid === uid) continue
            report.fail({ subject: `${resource} ${key}`, shape: 'ghost', message: `the informer of ${process} still holds it; it is not stored` })
            return
          }
          if (informer.size === cluster.truth.count(resource)) continue
          report.fail({
            subject: `${resource} of ${process}`,
            shape: 'missing',
            message: `the informer holds ${informer.size} objects; ${cluster.truth.count(resource)} are stored`,
          })
          return
        }
      },
    }
  },
}
