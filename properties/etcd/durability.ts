/** What a client was told is committed is still there: the revision of a healed cluster is never below an acknowledged one. */
import type { ClientFact } from '../../src/client/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

export const revisionNeverGoesBack: PropertyDefinition = {
  id: 'etcd-revision-never-goes-back',
  mode: 'always',
  claim: 'once the cluster is quiet, every member has reached the newest revision that any client was shown',
  source: 'etcd documentation, "KV API guarantees", durability',
  trigger: 'an informer was shown a revision and the trial ended with all members up',
  catches: ['raft-append-acked-before-fsync'],
  monitor(cluster, report) {
    let shown = 0
    onFact<ClientFact, 'informer-event'>(cluster, 'informer-event', (fact) => {
      const revision = Number(fact.resourceVersion)
      if (revision > shown) shown = revision
    })
    return {
      onEnd() {
        if (shown > 0) report.reached()
        const newest = Math.max(0, ...cluster.etcdViews().map((view) => view.revision))
        if (newest >= shown) return
        report.fail({
          subject: 'etcd',
          shape: 'lost-revision',
          message: `a client was shown revision ${shown}; the newest that any member holds is ${newest}`,
        })
      },
    }
  },
}
