/** A leader that a majority hears from is not deposed: pre-vote and the quorum check keep a returning member quiet. */
import type { StepFact } from '../../src/cluster/index.ts'
import type { EtcdFact, EtcdView } from '../../src/etcd/index.ts'
import type { RaftFact } from '../../src/raft/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

/** Three election time-outs: whatever an earlier disturbance did to timers is over. */
const CALM_MICROS = 6_000_000
/** A member that stopped because its disk was full is up again and has caught up. */
const RESTART_MICROS = 20_000_000

/** Those whom a member counts with. */
function votersOf(views: readonly EtcdView[], member: string): readonly EtcdView[] {
  const voters = views.find(({ name }) => name === member)?.voters ?? []
  return views.filter(({ id }) => voters.includes(id))
}

export const leaderNotDisrupted: PropertyDefinition = {
  id: 'raft-leader-not-disrupted',
  mode: 'always',
  claim:
    'while a leader and enough members for a majority are undisturbed, the leader goes on leading: no member of a higher term follows it',
  source: 'Raft thesis 4.2.3 and 9.6; etcd-io/raft TestDisruptiveFollowerPreVote',
  trigger: 'a leader had a majority of undisturbed members for six seconds',
  catches: ['raft-disruptive-rejoin'],
  monitor(cluster, report) {
    let term = 0
    let leader = ''
    let since = 0
    /** When a member last stopped by itself (full disk); it comes back later, after the disturbance. */
    const refusedAt = new Map<string, number>()
    onFact<EtcdFact, 'etcd-member-refused'>(cluster, 'etcd-member-refused', (fact, at) => {
      refusedAt.set(fact.member, at)
    })
    const isSteady = (name: string, at: number) => {
      const process = cluster.process(name)
      return (
        cluster.kernel.isRunning(process) &&
        cluster.calm.undisturbedFor(process, CALM_MICROS) &&
        at - (refusedAt.get(name) ?? Number.NEGATIVE_INFINITY) > RESTART_MICROS
      )
    }
    /** Who stopped leading because of a disturbance was not deposed, whoever leads later and however much later. */
    const forgetDisturbed = (at: number) => {
      if (!isSteady(leader, at)) leader = ''
    }
    // Who belongs to another majority from now on is not deposed.
    onFact<RaftFact, 'raft-membership-changed'>(cluster, 'raft-membership-changed', () => {
      leader = ''
    })
    /** Orders to hand over are repeated until one is taken: whoever leads meanwhile may be told to. */
    const handingOver = new Set<string>()
    onFact<StepFact, 'step-started'>(cluster, 'step-started', ({ id, step }) => {
      if (step.kind === 'etcd-move-leader') handingOver.add(id)
    })
    onFact<StepFact, 'step-finished'>(cluster, 'step-finished', ({ id }, at) => {
      if (handingOver.delete(id)) since = at
    })
    cluster.kernel.subscribe('process-crashed', (fact) => {
      if ((fact as unknown as { name: string }).name === leader) leader = ''
    })
    onFact<RaftFact, 'raft-role'>(cluster, 'raft-role', (fact, at) => {
      if (fact.member === leader && fact.role !== 'leader') forgetDisturbed(at)
      if (fact.role !== 'leader' || fact.term <= term) return
      const before = leader
      const calmSince = since
      term = fact.term
      leader = fact.member
      since = at
      if (handingOver.size > 0) return
      if (before === '' || before === fact.member || at - calmSince < CALM_MICROS || !isSteady(before, at)) return
      const views = cluster.etcdViews()
      const steady = votersOf(views, before).filter(({ name }) => isSteady(name, at))
      const counted = views.find(({ name }) => name === before)?.voters.length ?? 0
      if (steady.length * 2 <= counted) return
      report.fail({
        subject: before,
        shape: 'deposed',
        message: `${before} led and nothing disturbed it or ${steady.length - 1} other members, yet ${fact.member} took over in term ${fact.term}`,
      })
    })
    return {
      onEnd() {
        if (term > 0 && cluster.kernel.now - since >= CALM_MICROS) report.reached()
      },
    }
  },
}
