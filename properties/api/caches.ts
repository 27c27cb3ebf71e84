/** Once the cluster is quiet, what informers hold is what is stored. */
import { staleInformers } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'

/** A change of the last moment may still be on its way. */
const ON_ITS_WAY_MICROS: Micros = 2_000_000

export const informersEndEqual: PropertyDefinition = {
  id: 'informers-end-equal',
  mode: 'always',
  claim:
    'by the end of the quiet phase every informer of a controller, scheduler or proxy holds exactly the stored objects in their stored versions',
  source: 'client-go tools/cache: list and watch are gapless; kubernetes#115658',
  trigger: 'the trial ended and nothing had changed in its last two seconds',
  catches: ['watchcache-empty-history-off-by-one', 'watchcache-reinit-orphans-watch'],
  monitor(cluster, report) {
    return {
      onEnd() {
        if (cluster.kernel.now - cluster.truth.lastChangeAt < ON_ITS_WAY_MICROS) return
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
