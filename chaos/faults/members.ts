/** What strikes a cluster of etcd while its members change: members that hear nothing, leaders that die of the change. */
import fc from 'fast-check'
import { namesOf, type Topology, type WorkloadStep } from '../../src/cluster/index.ts'
import type { Micros, NetworkRule } from '../../src/kernel/index.ts'
import type { RaftFact } from '../../src/raft/index.ts'
import type { FaultKind } from '../../src/trial/registry.ts'
import { amount, names, othersThan, processesOf, rounded, wrongAmount, wrongNames } from '../targets.ts'
import { disturbing, lasting, ruleFault, seconds } from './define.ts'

export const cutOffMembers: FaultKind = {
  id: 'cut-off-members',
  title: 'cuts members of etcd off from everybody; those that joined later, if there are any',
  onlyByName: true,
  parameters: { side: 'members of etcd' },
  bitesDuring: ['etcd-member-promote'],
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(1_000_000, 10_000_000, 500_000),
      parameters: fc.record({ side: fc.subarray([...joiningOf(topology)], { minLength: 1 }) }),
    }),
  validate: (step, topology) => wrongNames(step, 'side', membersOf(topology)),
  inject(cluster, step) {
    const inside = processesOf(cluster, names(step, 'side'))
    const outside = othersThan(cluster, inside)
    const rules: NetworkRule[] = [
      { id: `${step.id}/out`, from: inside, to: outside, verdict: { kind: 'drop' } },
      { id: `${step.id}/in`, from: outside, to: inside, verdict: { kind: 'drop' } },
    ]
    return ruleFault(cluster, inside, rules)
  },
  describe: (step) => `${names(step, 'side').join(', ')} is cut off ${lasting(step)}`,
}

function membersOf(topology: Topology): readonly string[] {
  const { etcdMembers, spareEtcdMembers } = namesOf(topology)
  return [...etcdMembers, ...spareEtcdMembers]
}

function joiningOf(topology: Topology): readonly string[] {
  const { spareEtcdMembers } = namesOf(topology)
  return spareEtcdMembers.length > 0 ? spareEtcdMembers : membersOf(topology)
}

/** When members will probably change: the same deed done to the same member again is refused, and only learners are promoted. */
function likelyChanges(workload: readonly WorkloadStep[]): readonly Micros[] {
  const done = new Set<string>()
  const learners = new Set<string>()
  return workload.flatMap((step) => {
    switch (step.kind) {
      case 'etcd-member-add':
      case 'etcd-member-promote':
      case 'etcd-member-remove': {
        const deed = `${step.kind} ${step.member}`
        const isNew = !done.has(deed)
        done.add(deed)
        if (isNew && step.kind === 'etcd-member-add' && step.learner === true) learners.add(step.member)
        return isNew && (step.kind !== 'etcd-member-promote' || learners.has(step.member)) ? [step.atMicros] : []
      }
      default:
        return []
    }
  })
}

export const crashAfterMemberChange: FaultKind = {
  id: 'crash-after-member-change',
  title: 'kills the leader of etcd right after it applied a change of members',
  onlyByName: true,
  parameters: {
    nth: 'which change from the beginning of the fault on, from 1',
    downMicros: 'how long it stays down, microseconds',
  },
  occasions: ({ workload }, own) => {
    const changes = likelyChanges(workload)
    const nth = own === undefined ? 1 : Number(own.parameters.nth)
    return changes.slice(0, Math.max(0, changes.length - nth + 1))
  },
  arbitrary: (_topology, _objects, { workload }) =>
    fc.record({
      durationMicros: rounded(15_000_000, 30_000_000, 500_000),
      parameters: fc.record({
        nth: fc.integer({ min: 1, max: Math.min(3, Math.max(1, likelyChanges(workload).length)) }),
        downMicros: rounded(500_000, 25_000_000, 500_000),
      }),
    }),
  validate: (step) => wrongAmount(step, 'nth', 1, 1_000) ?? wrongAmount(step, 'downMicros', 0, 600_000_000),
  inject(cluster, step) {
    const { kernel } = cluster
    let killed: string | undefined
    let changesLeft = amount(step, 'nth')
    let healed = false
    let calm = () => {}
    const restart = () => {
      if (killed !== undefined && !kernel.isRunning(cluster.process(killed))) kernel.restart(cluster.process(killed))
      calm()
    }
    const stop = kernel.subscribe('raft-membership-changed', (fact) => {
      const { member } = fact as Extract<RaftFact, { type: 'raft-membership-changed' }>
      const leads = cluster.etcdViews().some(({ name, role }) => name === member && role === 'leader')
      if (killed !== undefined || !leads || --changesLeft > 0) return
      killed = member
      cluster.later(0, () => {
        if (healed || !kernel.isRunning(cluster.process(member))) return
        calm = cluster.calm.disturb([cluster.process(member)])
        kernel.crash(cluster.process(member))
        cluster.later(amount(step, 'downMicros'), () => {
          if (!healed) restart()
        })
      })
    })
    return disturbing(cluster, [], {
      heal() {
        healed = true
        stop()
        restart()
      },
      evidence: () => [{ what: 'processes killed', count: killed === undefined ? 0 : 1 }],
    })
  },
  describe: (step) =>
    `the leader of etcd is killed right after change ${amount(step, 'nth')} of the members, once, and starts again after ${seconds(amount(step, 'downMicros'))}`,
}
