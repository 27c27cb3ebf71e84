/** What a scheduling cycle looks at: the nodes as the scheduler knows them when the cycle begins, and not as they once were. */
import { sameValue } from '../../src/objects/index.ts'
import type { NodeInfo, Scheduler, SchedulerFact } from '../../src/scheduler/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

const READ_BY_CYCLES = [
  'labels',
  'hardTaints',
  'softTaints',
  'unschedulable',
  'allocatableMilliCpu',
  'allocatableMemoryBytes',
  'allocatablePods',
  'requestedMilliCpu',
  'requestedMemoryBytes',
] as const

export const snapshotIsCurrent: PropertyDefinition = {
  id: 'scheduling-cycle-sees-the-cache',
  mode: 'always',
  claim: 'the snapshot that a scheduling cycle uses shows every node as the cache has it at the beginning of the cycle',
  source: 'kubernetes pkg/scheduler/backend/cache/cache.go (UpdateSnapshot), v1.33',
  trigger: 'a scheduling cycle began',
  catches: ['scheduler-generation-collision'],
  monitor(cluster, report) {
    onFact<SchedulerFact, 'scheduling-cycle-started'>(cluster, 'scheduling-cycle-started', (fact, _at, process) => {
      report.reached()
      const { cache, snapshot } = cluster.kernel.machineOf(process) as Scheduler
      let known = 0
      for (const cached of cache.nodes()) {
        if (cached.node === undefined) continue
        known++
        const wrong = firstDifference(snapshot.get(cached.name), cached)
        if (wrong === undefined) continue
        report.fail({
          subject: cached.name,
          shape: 'stale',
          message: `the cycle for ${fact.pod} sees another ${wrong} of ${cached.name} than ${fact.scheduler} knows`,
        })
        return
      }
      if (known === snapshot.nodes.length) return
      report.fail({
        subject: fact.scheduler,
        shape: 'other-nodes',
        message: `the cycle for ${fact.pod} sees ${snapshot.nodes.length} nodes, ${fact.scheduler} knows ${known}`,
      })
    })
    return {}
  },
}

function firstDifference(seen: NodeInfo | undefined, cached: NodeInfo): string | undefined {
  if (seen === cached) return undefined
  if (seen === undefined) return 'state'
  return READ_BY_CYCLES.find((field) => !sameValue(seen[field], cached[field]))
}
