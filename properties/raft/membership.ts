/**
 * Changing who belongs to a Raft cluster keeps majorities overlapping, and a majority that can talk has a leader soon: what
 * changes of members must not break.
 */
import { type Cluster, namesOf, type StepFact } from '../../src/cluster/index.ts'
import type { EtcdApplyBatch, EtcdFact, EtcdView } from '../../src/etcd/index.ts'
import type { KernelFact } from '../../src/kernel/index.ts'
import { MembershipChange, type RaftFact } from '../../src/raft/index.ts'
import type { PropertyDefinition, Reporter } from '../../src/trial/registry.ts'
import { onFact, seconds } from '../define.ts'
import { canElect, newestOf } from './electable.ts'

/** Calls `begin` when the first change of members is asked for: trials without any pay nothing. */
function onceMembersChange(cluster: Cluster, begin: () => void): void {
  let begun = false
  onFact<StepFact, 'step-started'>(cluster, 'step-started', ({ step }) => {
    if (begun || !step.kind.startsWith('etcd-member-')) return
    begun = true
    begin()
  })
}

export const quorumsOverlap: PropertyDefinition = {
  id: 'raft-quorums-overlap',
  mode: 'always',
  claim:
    'every majority of the members that elected a leader meets every majority of the newest members that anybody counts with; and no log holds two changes of members of which it does not know the first to be committed',
  source: 'Raft thesis 4.1; raft-dev, "bug in single-server membership changes", July 2015',
  trigger: 'a change of members was applied',
  catches: ['raft-conf-change-before-term-commit'],
  monitor(cluster, report) {
    onceMembersChange(cluster, () => {
      onFact<RaftFact, 'raft-membership-changed'>(cluster, 'raft-membership-changed', () => report.reached())
      onFact<EtcdFact, 'etcd-apply-batch'>(cluster, 'etcd-apply-batch', (fact) => {
        if (isCloseToChange(fact)) for (const view of cluster.etcdViews()) checkPending(view, report)
      })
      onFact<RaftFact, 'raft-role'>(cluster, 'raft-role', ({ role, member }) => {
        if (role !== 'leader') return
        const views = cluster.etcdViews()
        for (const view of views) checkPending(view, report)
        checkOverlap(
          views.find(({ name }) => name === member),
          views,
          report,
        )
      })
    })
    return {}
  },
}

/** Logs are looked through only around a change, which is seldom. */
function isCloseToChange({ entries }: EtcdApplyBatch): boolean {
  return entries.some(({ data }) => data instanceof MembershipChange)
}

function checkPending(view: EtcdView, report: Reporter): void {
  let first = 0
  for (let index = Math.max(view.firstIndex, view.commitIndex + 1); index <= view.lastIndex; index++) {
    if (!(view.entryAt(index)?.data instanceof MembershipChange)) continue
    if (first === 0) {
      first = index
      continue
    }
    report.fail({
      subject: view.name,
      shape: 'two-changes',
      message: `${view.name} holds two changes of members, at ${first} and at ${index}, and knows of commitment up to ${view.commitIndex} only`,
    })
    return
  }
}

function checkOverlap(leader: EtcdView | undefined, views: readonly EtcdView[], report: Reporter): void {
  if (leader === undefined) return
  const newest = newestOf(views)
  if (newest === undefined) return
  const everybody = new Set([...leader.voters, ...newest.voters])
  if (majorityOf(leader) + majorityOf(newest) > everybody.size) return
  report.fail({
    subject: leader.name,
    shape: 'no-overlap',
    message: `${leader.name} was elected by a majority of ${leader.voters.length} members, while ${newest.name} counts with ${newest.voters.length} others: their majorities need not meet`,
  })
}

function majorityOf({ voters }: EtcdView): number {
  return Math.floor(voters.length / 2) + 1
}

function leads(cluster: Cluster, member: string): boolean {
  return cluster.etcdViews().some(({ name, role }) => name === member && role === 'leader')
}

/** Election time-outs are 1 to 2 s: whoever was struck last needs one to notice, and a round may be split. */
const LEADER_BOUND_MICROS = 5_000_000

export const leaderWithinBound: PropertyDefinition = {
  id: 'raft-leader-within-bound',
  mode: 'always',
  claim:
    'when a majority of the newest members has been up and undisturbed for 5 s, the others have been down, and a majority goes by those members, there has been a leader in that time',
  source: 'Raft paper, section 5.6; etcd-io/raft testdata/campaign_learner_must_vote.txt',
  trigger: 'a leader was elected after another was gone',
  catches: ['raft-learner-refuses-vote'],
  monitor(cluster, report) {
    const { etcdMembers, spareEtcdMembers } = namesOf(cluster.topology)
    const processes = new Map([...etcdMembers, ...spareEtcdMembers].map((name) => [name, cluster.process(name)]))
    const leading = new Set<string>()
    /** Since when nobody leads. */
    let since = 0
    /** When each member stopped or began by itself or by force. */
    const struckAt = new Map<string, number>()
    const noLonger = (member: string, at: number) => {
      if (leading.delete(member) && leading.size === 0) since = at
    }
    const check = (at: number) => {
      if (leading.size > 0 || at - since < LEADER_BOUND_MICROS) return
      const views = cluster.etcdViews()
      const newest = newestOf(views)
      if (newest === undefined) return
      const wasStruck = (name: string) => at - (struckAt.get(name) ?? 0) < LEADER_BOUND_MICROS
      const steady = views.filter((view) => {
        const process = processes.get(view.name)
        return (
          newest.voters.includes(view.id) &&
          view.isRunning &&
          process !== undefined &&
          !cluster.kernel.isPaused(process) &&
          cluster.calm.undisturbedFor(process, LEADER_BOUND_MICROS) &&
          !wasStruck(view.name)
        )
      })
      if (steady.length * 2 <= newest.voters.length || !canElect(steady)) return
      // One that comes and goes, or is hard to hear, may campaign again and again and spoil every election.
      for (const [name, process] of processes) {
        const view = views.find((candidate) => candidate.name === name)
        if (view !== undefined && steady.includes(view)) continue
        const mayCampaign = view?.voters.includes(view.id) === true && !cluster.kernel.isPaused(process)
        if (mayCampaign || wasStruck(name)) return
      }
      report.fail({
        subject: newest.name,
        shape: 'leaderless',
        message: `nobody led for ${seconds(at - since)}, though ${steady.length} of ${newest.voters.length} members were up and undisturbed for ${seconds(LEADER_BOUND_MICROS)}`,
      })
    }
    for (const type of ['process-crashed', 'process-paused', 'process-started', 'process-resumed'] as const) {
      cluster.kernel.subscribe(type, (fact, _process, at) => {
        const { name } = fact as Extract<KernelFact, { readonly boot: number }>
        if (!processes.has(name)) return
        check(at)
        struckAt.set(name, at)
        if (type === 'process-crashed' || type === 'process-paused') noLonger(name, at)
        // One that stood still for a moment only leads on, and nobody need have noticed.
        if (type === 'process-resumed' && leads(cluster, name)) leading.add(name)
      })
    }
    onFact<EtcdFact, 'etcd-member-refused'>(cluster, 'etcd-member-refused', ({ member }, at) => {
      struckAt.set(member, at)
      noLonger(member, at)
    })
    onFact<EtcdFact, 'etcd-member-started'>(cluster, 'etcd-member-started', ({ member }, at) => {
      struckAt.set(member, at)
    })
    onFact<RaftFact, 'raft-role'>(cluster, 'raft-role', ({ member, role, term }, at) => {
      if (role !== 'leader') {
        noLonger(member, at)
        return
      }
      if (leading.size === 0 && term > 1) report.reached()
      check(at)
      leading.add(member)
    })
    return { onQuiet: () => check(cluster.kernel.now), onEnd: () => check(cluster.kernel.now) }
  },
}
