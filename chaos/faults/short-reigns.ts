/**
 * Leaders of etcd that lose touch with the other members soon after they were elected, one after the other: elections in
 * quick succession, entries that reached some members and not others, leaders that go on taking requests alone. Clients
 * still reach everybody. The troubles of Raft's figures 7 and 8 begin like that.
 */
import fc from 'fast-check'
import { namesOf } from '../../src/cluster/index.ts'
import type { NetworkRule, ProcessId, RuleHandle } from '../../src/kernel/index.ts'
import type { RaftFact } from '../../src/raft/index.ts'
import type { FaultKind } from '../../src/trial/registry.ts'
import { amount, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { lasting, seconds } from './define.ts'

const DIRECTIONS = ['both', 'outbound'] as const
const MILLISECOND = 1_000
const LONGEST_MICROS = 600_000_000
/** The shortest share of its time that a leader is cut off. */
const LEAST_SHARE = 4

export const shortReigns: FaultKind = {
  id: 'short-reigns',
  title: 'cuts every leader of etcd off from the other members soon after it was voted for, the present one too',
  onlyByName: true,
  parameters: {
    reignMicros: 'the longest time from the first vote until it is cut off, microseconds; each term draws its own',
    cutMicros: 'the longest time that it is cut off, microseconds',
    direction: 'both, or outbound: it hears the others but they do not hear it',
  },
  arbitrary: () =>
    fc.record({
      durationMicros: rounded(8_000_000, 25_000_000, 500_000),
      parameters: fc.record({
        reignMicros: fc.constantFrom(2 * MILLISECOND, 5 * MILLISECOND, 20 * MILLISECOND, 2_000 * MILLISECOND),
        cutMicros: rounded(2_000_000, 6_000_000, 500_000),
        direction: fc.constantFrom(...DIRECTIONS),
      }),
    }),
  validate: (step) =>
    wrongAmount(step, 'reignMicros', 0, LONGEST_MICROS) ??
    wrongAmount(step, 'cutMicros', 1, LONGEST_MICROS) ??
    wrongName(step, 'direction', DIRECTIONS),
  inject(cluster, step) {
    const { kernel } = cluster
    const members = namesOf(cluster.topology).etcdMembers.map((name) => cluster.process(name))
    const draws = kernel.streams.get(`fault/${step.id}/reigns`)
    const reignMicros = amount(step, 'reignMicros')
    const cutMicros = amount(step, 'cutMicros')
    const terms = new Set<number>()
    const handles = new Set<RuleHandle>()
    const ends = new Set<() => void>()
    let cuts = 0
    let healed = false
    const cutOff = (leader: ProcessId, term: number) => {
      if (healed) return
      const one = new Set([leader])
      const others = new Set(members.filter((member) => member !== leader))
      const rules: NetworkRule[] = [{ id: `${step.id}/${term}/out`, from: one, to: others, verdict: { kind: 'drop' } }]
      if (text(step, 'direction') === 'both')
        rules.push({ id: `${step.id}/${term}/in`, from: others, to: one, verdict: { kind: 'drop' } })
      const added = rules.map((rule) => kernel.network.addRule(rule))
      for (const handle of added) handles.add(handle)
      cuts++
      const calm = cluster.calm.disturb([leader])
      ends.add(calm)
      cluster.later(draws.intAt(Math.ceil(cutMicros / LEAST_SHARE), cutMicros, term, 2), () => {
        for (const handle of added) {
          handle.remove()
          handles.delete(handle)
        }
        calm()
        ends.delete(calm)
      })
    }
    const begin = (leader: ProcessId | undefined, term: number) => {
      if (leader === undefined || terms.has(term)) return
      terms.add(term)
      cluster.later(draws.intAt(0, reignMicros, term, 1), () => cutOff(leader, term))
    }
    for (const view of cluster.etcdViews()) if (view.role === 'leader') begin(cluster.process(view.name), view.term)
    const stop = kernel.subscribe('raft-vote-granted', (fact) => {
      const { id, term, candidate } = fact as Extract<RaftFact, { type: 'raft-vote-granted' }>
      if (id !== candidate) begin(members[candidate - 1], term)
    })
    return {
      heal() {
        healed = true
        stop()
        for (const handle of handles) handle.remove()
        for (const calm of ends) calm()
      },
      evidence: () => [{ what: 'leaders cut off', count: cuts }],
    }
  },
  describe: (step) =>
    `every leader of etcd ${text(step, 'direction') === 'both' ? 'is cut off from' : 'is no longer heard by'} the other members ${seconds(amount(step, 'reignMicros'))} after its first vote or sooner, for up to ${seconds(amount(step, 'cutMicros'))}, ${lasting(step)}`,
}
