/** Liveness of etcd: what is asked again and again is done, soon after the faults are gone. */
import { type EtcdClientFact, namesOf } from '../../src/cluster/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact, seconds } from '../define.ts'
import { canElect, newestOf } from '../raft/electable.ts'

/** A member that stopped because its disk was full starts again after 10 s; then come an election and a request's time-out of 7 s. */
const BOUND_MICROS = 30_000_000

export const writesCommit: PropertyDefinition = {
  id: 'etcd-writes-commit',
  mode: 'always',
  claim:
    'a put that its client repeats until it is answered is answered within 30 s once all faults are healed, if the members can still elect a leader by what they know and one of those that clients are told of still belongs',
  source: 'Raft paper, section 5.6 (timing and availability); etcd-io/raft doc.go (clusters of two members)',
  trigger: 'a client of etcd repeated its last put until it was answered, or the trial ended without',
  catches: ['planted-idle-leaders'],
  monitor(cluster, report) {
    const clients = new Set<string>()
    const answered = new Set<string>()
    const known = new Set(namesOf(cluster.topology).etcdMembers)
    let quietAt = -1
    onFact<EtcdClientFact, 'etcd-called'>(cluster, 'etcd-called', ({ client }) => {
      clients.add(client)
    })
    const late = (client: string, what: string) => {
      report.fail({
        subject: client,
        shape: 'late',
        message: `${client} ${what} its last put, though ${seconds(BOUND_MICROS)} after all faults were healed it should have been`,
      })
    }
    onFact<EtcdClientFact, 'etcd-last-put'>(cluster, 'etcd-last-put', ({ client, waitedMicros }) => {
      answered.add(client)
      report.reached()
      if (waitedMicros > BOUND_MICROS) late(client, `waited ${seconds(waitedMicros)} for the answer to`)
    })
    return {
      onQuiet() {
        quietAt = cluster.kernel.now
      },
      onEnd() {
        if (quietAt < 0 || cluster.kernel.now - quietAt <= BOUND_MICROS) return
        const views = cluster.etcdViews().filter(({ name }) => !cluster.isLost(name))
        if (!canElect(views)) return
        // Clients keep the members that they were started with: when all of those were removed, nobody answers them.
        // One that was away may not know yet that it was removed.
        const members = newestOf(views)?.voters ?? []
        if (!views.some(({ name, id }) => known.has(name) && members.includes(id))) return
        for (const client of clients) {
          if (answered.has(client)) continue
          report.reached()
          late(client, 'has no answer to')
        }
      },
    }
  },
}
