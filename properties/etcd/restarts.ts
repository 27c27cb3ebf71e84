/** What a member of etcd finds on its own disk: as long as that kept its promises, always enough to go on from. */
import type { Cluster } from '../../src/cluster/index.ts'
import type { EtcdFact, EtcdRefused } from '../../src/etcd/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

/** What a member says that cannot make sense of what it finds. */
const LOST: ReadonlySet<EtcdRefused['reason']> = new Set([
  'corrupt-log',
  'corrupt-snapshot',
  'missing-entries',
  'lost-entries',
])

/** A disk that changed what was on it, or answered a sync without one, may leave anything. */
function keptItsPromises(cluster: Cluster, member: string): boolean {
  const { counters } = cluster.kernel.deviceOf(cluster.process(member))
  return counters.corrupt === 0 && counters['lost-fsync'] === 0
}

export const startsFromItsDisk: PropertyDefinition = {
  id: 'etcd-member-starts-from-its-disk',
  mode: 'always',
  claim: 'a member starts again from what its disk holds, wherever it died, as long as the disk keeps what it synced',
  source: 'etcd v3.5 server/storage/wal/repair.go and api/snap; etcd-io/etcd#6368',
  trigger: 'a member started again and had a log',
  catches: ['etcd-unsynced-rename'],
  monitor(cluster, report) {
    onFact<EtcdFact, 'etcd-member-started'>(cluster, 'etcd-member-started', ({ lastIndex }) => {
      if (lastIndex > 0) report.reached()
    })
    onFact<EtcdFact, 'etcd-member-refused'>(cluster, 'etcd-member-refused', ({ member, reason, detail = '' }) => {
      if (!LOST.has(reason) || !keptItsPromises(cluster, member)) return
      report.fail({
        subject: member,
        shape: reason,
        message: `${member} does not start, though its disk kept all that was synced: ${reason}${detail === '' ? '' : `, ${detail}`}`,
      })
    })
    return {}
  },
}
