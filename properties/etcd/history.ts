/** One history: what a revision holds is the same on every member and after every restart. */
import type { EtcdApplied, EtcdFact } from '../../src/etcd/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

export const oneHistory: PropertyDefinition = {
  id: 'etcd-one-history',
  mode: 'always',
  claim: 'a revision holds the same events on every member, for ever: nothing committed is lost or replaced',
  source: 'Raft paper, figure 3 (state-machine safety, leader completeness)',
  trigger: 'a revision was applied by two members',
  catches: ['raft-append-acked-before-fsync'],
  monitor(cluster, report) {
    const first = new Map<number, EtcdApplied>()
    onFact<EtcdFact, 'etcd-applied'>(cluster, 'etcd-applied', (fact) => {
      const known = first.get(fact.revision)
      if (known === undefined) {
        first.set(fact.revision, fact)
        return
      }
      report.reached()
      if (known.events === fact.events || sameEvents(known, fact)) return
      report.fail({
        subject: `revision ${fact.revision}`,
        shape: 'two-histories',
        message: `${known.member} applied ${summary(known)} at revision ${fact.revision}, ${fact.member} applied ${summary(fact)}`,
      })
    })
    return {}
  },
}

function sameEvents(left: EtcdApplied, right: EtcdApplied): boolean {
  return (
    left.events.length === right.events.length &&
    left.events.every((event, index) => {
      const other = right.events[index]
      return other !== undefined && event.type === other.type && event.key === other.key && event.value === other.value
    })
  )
}

function summary(fact: EtcdApplied): string {
  return fact.events.map((event) => `${event.type} ${event.key}`).join(' and ') || 'nothing'
}
