/**
 * Raft's logs: equal wherever two of them have an entry of one term at one index, and every entry that was ever committed is
 * in the log of every later leader. Looked at when a leader is elected and at the end: elections are where logs meet.
 */
import type { Cluster } from '../../src/cluster/index.ts'
import type { EtcdApplyBatch, EtcdFact, EtcdView } from '../../src/etcd/index.ts'
import type { RaftFact } from '../../src/raft/index.ts'
import type { PropertyDefinition, Violation } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

export const logMatching: PropertyDefinition = {
  id: 'raft-log-matching',
  mode: 'always',
  claim:
    'if the logs of two members have an entry with the same index and term, that entry and all before it are the same in both',
  source: 'Raft paper, figure 3 and section 5.3 (log matching)',
  trigger: 'two running members had an entry in common when a leader was elected, or at the end',
  catches: ['planted-kept-conflict'],
  monitor(cluster, report) {
    const check = () => {
      const views = cluster.etcdViews().filter((view) => view.lastIndex > 0)
      for (const [index, left] of views.entries()) {
        for (const right of views.slice(index + 1)) {
          const verdict = compareLogs(left, right)
          if (verdict === 'nothing-in-common') continue
          report.reached()
          if (verdict !== undefined) report.fail(verdict)
        }
      }
    }
    onLeader(cluster, check)
    return { onEnd: check }
  },
}

/** What differs below the last entry that both logs have with one term; undefined when nothing does. */
function compareLogs(left: EtcdView, right: EtcdView): Violation | 'nothing-in-common' | undefined {
  const lowest = Math.max(left.firstIndex, right.firstIndex)
  let at = Math.min(left.lastIndex, right.lastIndex)
  while (at >= lowest && left.termAt(at) !== right.termAt(at)) at--
  if (at < lowest) return 'nothing-in-common'
  for (; at >= lowest; at--) {
    const one = left.entryAt(at)
    const other = right.entryAt(at)
    if (one === other || (one?.term === other?.term && one?.data === other?.data)) continue
    return {
      subject: `${left.name} -> ${right.name}`,
      shape: 'logs-differ',
      message: `entry ${at} is of term ${one?.term} on ${left.name} and of term ${other?.term} on ${right.name}, though their logs meet further on`,
    }
  }
  return undefined
}

export const committedNeverLost: PropertyDefinition = {
  id: 'raft-committed-entries-never-lost',
  mode: 'always',
  claim:
    'an entry that any member has applied is in the log, or in the snapshot, of every later leader, and no member ever applies another one at its index',
  source: 'Raft paper, figure 3 (leader completeness, state-machine safety)',
  trigger: 'a leader was elected after an entry had been applied',
  catches: ['raft-append-acked-before-fsync'],
  monitor(cluster, report) {
    /** By index, the term of the entry that was applied there. */
    const terms: number[] = []
    onFact<EtcdFact, 'etcd-apply-batch'>(cluster, 'etcd-apply-batch', (fact) => {
      const other = firstOther(terms, fact)
      if (other === undefined) return
      report.fail({
        subject: fact.member,
        shape: 'applied-another',
        message: `${fact.member} applied an entry of term ${other.term} at index ${other.index}, where one of term ${terms[other.index]} had been applied`,
      })
    })
    const check = (leader: EtcdView | undefined) => {
      const last = terms.length - 1
      // Votes may be late: a leader of an older term than the entry's never learns of it, and can commit nothing.
      if (leader === undefined || last < 1 || leader.term < (terms[last] ?? 0)) return
      report.reached()
      if (leader.firstIndex > last || leader.termAt(last) === terms[last]) return
      report.fail({
        subject: leader.name,
        shape: 'leader-lacks-committed',
        message: `${leader.name} leads in term ${leader.term} without the entry of term ${terms[last]} at index ${last}, which had been applied`,
      })
    }
    onLeader(cluster, (member) => check(cluster.etcdViews().find((view) => view.name === member)))
    return {
      onEnd() {
        for (const view of cluster.etcdViews()) if (view.role === 'leader') check(view)
      },
    }
  },
}

/** Takes the batch down and says where it is not what was applied before. */
function firstOther(terms: number[], { entries, from }: EtcdApplyBatch): { index: number; term: number } | undefined {
  for (const [offset, { term }] of entries.entries()) {
    const index = from + offset
    const known = terms[index]
    if (known === undefined) terms[index] = term
    else if (known !== term) return { index, term }
  }
  return undefined
}

/** Calls `listener` with the name of each member that begins to lead. */
function onLeader(cluster: Cluster, listener: (member: string) => void): void {
  onFact<RaftFact, 'raft-role'>(cluster, 'raft-role', ({ role, member }) => {
    if (role === 'leader') listener(member)
  })
}
