/** Who becomes a voter of etcd: only a learner that has caught up, so that no majority comes to need one that never came. */
import { namesOf } from '../../src/cluster/index.ts'
import { type EtcdFact, memberOf } from '../../src/etcd/index.ts'
import type { MemberId, RaftFact } from '../../src/raft/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

interface Learner {
  /** The entry that made it a learner: all before it was in the leader's log when the learner was promoted. */
  readonly addedIndex: number
  isPromoted: boolean
}

export const promotedLearnerCaughtUp: PropertyDefinition = {
  id: 'etcd-promoted-learner-has-caught-up',
  mode: 'always',
  claim: 'a learner that is promoted holds at least nine tenths of the log from before it was added',
  source: 'etcd v3.5 etcdserver/server.go isLearnerReady; etcd-io/etcd#15096',
  trigger: 'a learner was promoted',
  catches: ['etcd-learner-promoted-too-early'],
  monitor(cluster, report) {
    const { etcdMembers, spareEtcdMembers } = namesOf(cluster.topology)
    const first = etcdMembers.map((name) => cluster.process(name))
    const names = new Map(
      [...etcdMembers, ...spareEtcdMembers].map((name) => [memberOf(cluster.process(name), first), name]),
    )
    const learners = new Map<MemberId, Learner>()
    const check = (name: string, { addedIndex }: Learner, lastIndex: number) => {
      if (lastIndex * 10 >= addedIndex * 9) return
      report.fail({
        subject: name,
        shape: 'promoted-too-early',
        message: `${name} was promoted and holds the log up to ${lastIndex}, though it was at ${addedIndex} already when ${name} was added`,
      })
    }
    onFact<RaftFact, 'raft-membership-changed'>(cluster, 'raft-membership-changed', ({ membership, index }) => {
      for (const id of membership.learners) {
        if (!learners.has(id)) learners.set(id, { addedIndex: index, isPromoted: false })
      }
      for (const id of membership.voters) {
        const learner = learners.get(id)
        const name = names.get(id)
        if (learner === undefined || learner.isPromoted || name === undefined) continue
        learner.isPromoted = true
        report.reached()
        // What one that is down holds shows when it starts.
        const view = cluster.etcdViews().find((candidate) => candidate.name === name)
        if (view?.isRunning === true) check(name, learner, view.lastIndex)
      }
    })
    onFact<EtcdFact, 'etcd-member-started'>(cluster, 'etcd-member-started', ({ member, lastIndex }) => {
      for (const [id, learner] of learners) {
        if (learner.isPromoted && names.get(id) === member) check(member, learner, lastIndex)
      }
    })
    return {}
  },
}
