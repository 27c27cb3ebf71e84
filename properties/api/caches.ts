/** Once the cluster is quiet, what informers hold is what is stored. */
import { staleInformers } from '../../src/cluster/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'

export const informersEndEqual: PropertyDefinition = {
  id: 'informers-end-equal',
  mode: 'always',
  claim:
    'by the end of the quiet phase every informer of a controller, scheduler or proxy holds exactly the stored objects',
  source: 'client-go tools/cache: list and watch are gapless; kubernetes#115658',
  trigger: 'the trial ended with an informer',
  catches: [
    'informer-relist-drops-queued-delete',
    'watchcache-empty-history-off-by-one',
    'watchcache-reinit-orphans-watch',
  ],
  monitor(cluster, report) {
    return {
      onEnd() {
        report.reached()
        const [first, ...others] = staleInformers(cluster.truth, cluster.informers())
        if (first === undefined) return
        report.fail({
          subject: `informers of ${first.slice(0, first.indexOf(' '))}`,
          shape: first.endsWith('not stored') ? 'ghost' : 'behind',
          message: `at the end of the quiet phase ${first}${others.length > 0 ? `, and ${others.length} more` : ''}`,
        })
      },
    }
  },
}
