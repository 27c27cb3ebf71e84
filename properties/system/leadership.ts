/** Elected components: at most one believes that it leads, unless its clock was stopped or wrong. */
import type { ClientFact } from '../../src/client/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

export const oneLeaderPerLease: PropertyDefinition = {
  id: 'one-leader-per-lease',
  mode: 'always',
  claim: 'at no time do two instances of an elected component believe that they lead, clocks and pauses apart',
  source: 'client-go tools/leaderelection, package comment, v1.33',
  trigger: 'a leader started',
  catches: ['leader-keeps-acting-after-losing-lease'],
  monitor(cluster, report) {
    const leaders = new Map<string, Map<string, number>>()
    const leave = (process: number) => {
      for (const group of leaders.values())
        for (const [identity, id] of group) if (id === process) group.delete(identity)
    }
    for (const type of ['process-crashed', 'process-paused'] as const) {
      cluster.kernel.subscribe(type, (fact) => leave((fact as unknown as { process: number }).process))
    }
    onFact<ClientFact, 'leader-stopped'>(cluster, 'leader-stopped', (fact) => {
      leaders.get(fact.lease)?.delete(fact.identity)
    })
    onFact<ClientFact, 'leader-started'>(cluster, 'leader-started', (fact, _at, process) => {
      report.reached()
      const group = leaders.get(fact.lease) ?? new Map<string, number>()
      leaders.set(fact.lease, group)
      const [other] = [...group.keys()].filter((identity) => identity !== fact.identity)
      group.set(fact.identity, process)
      if (other === undefined || cluster.calm.clocksWereDisturbed()) return
      report.fail({
        subject: fact.lease,
        shape: 'two-leaders',
        message: `${fact.identity} began to lead while ${other} still believes that it leads`,
      })
    })
    return {}
  },
}
