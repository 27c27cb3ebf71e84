/** Liveness of reads: where there is a leader, nobody waits for a read until its time is over. */
import { type Cluster, namesOf } from '../../src/cluster/index.ts'
import type { EtcdFact, EtcdView } from '../../src/etcd/index.ts'
import type { RaftFact } from '../../src/raft/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact, seconds } from '../define.ts'

/** A member gives a request up after 7 s. For so long at the end of that there must have been a leader and nothing in the way. */
const CALM_MICROS = 3_000_000

export const readsAreAnswered: PropertyDefinition = {
  id: 'etcd-reads-are-answered',
  mode: 'always',
  claim:
    'a member gives a linearizable read up only if for the last 3 s it was disturbed, or no undisturbed leader had an undisturbed majority, or if it, or one of those whom a majority needs, waits for a snapshot',
  source: 'Raft thesis 6.4; etcd-io/etcd#12680; etcd v3.5 v3_server.go linearizableReadLoop',
  trigger: 'a leader was elected, for whom API servers and clients of etcd waited',
  catches: ['raft-readindex-dropped'],
  monitor(cluster, report) {
    /** Who leads and since when, by what it says itself. */
    let leader = ''
    let since = 0
    onFact<RaftFact, 'raft-role'>(cluster, 'raft-role', ({ member, role }, at) => {
      if (role === 'leader') {
        leader = member
        since = at
        report.reached()
      } else if (member === leader) leader = ''
    })
    onFact<EtcdFact, 'etcd-request-timed-out'>(cluster, 'etcd-request-timed-out', ({ member, request }, at) => {
      if (request !== 'range' || leader === '' || at - since < CALM_MICROS) return
      const steady = steadyMembers(cluster)
      const leading = steady.find(({ name }) => name === leader)
      const asked = steady.find(({ name }) => name === member)
      if (asked === undefined || leading === undefined || leading.role !== 'leader') return
      // Whoever lacks what its leader has compacted waits for a snapshot, over a connection that may have to be given up first.
      const keepsUp = (view: EtcdView) => view.appliedIndex + 1 >= leading.firstIndex
      if (!keepsUp(asked)) return
      // A leader that has committed nothing in its term answers no reads either.
      const following = steady.filter(
        (view) => leading.voters.includes(view.id) && view.leader === leading.id && keepsUp(view),
      )
      if (following.length * 2 <= leading.voters.length) return
      report.fail({
        subject: member,
        shape: 'read-given-up',
        message: `${member} gave a linearizable read up, though ${leader} has led for ${seconds(at - since)} and ${following.length} of ${leading.voters.length} members were up and undisturbed`,
      })
    })
    return {}
  },
}

/** Members that have been up, and not disturbed, for long enough. */
function steadyMembers(cluster: Cluster): readonly EtcdView[] {
  const { etcdMembers, spareEtcdMembers } = namesOf(cluster.topology)
  const known = new Set([...etcdMembers, ...spareEtcdMembers])
  return cluster.etcdViews().filter(({ name, isRunning }) => {
    const process = cluster.process(name)
    return (
      known.has(name) &&
      isRunning &&
      !cluster.kernel.isPaused(process) &&
      cluster.calm.undisturbedFor(process, CALM_MICROS)
    )
  })
}
