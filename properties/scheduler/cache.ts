/** The scheduler's picture of the cluster: once all is quiet it charges each node with what is bound there, and with nothing else. */
import { type Cluster, namesOf } from '../../src/cluster/index.ts'
import { isPodTerminal, keyOf } from '../../src/objects/index.ts'
import type { Scheduler } from '../../src/scheduler/index.ts'
import type { PropertyDefinition, Reporter } from '../../src/trial/registry.ts'

export const chargesWhatIsBound: PropertyDefinition = {
  id: 'scheduler-charges-what-is-bound',
  mode: 'always',
  claim:
    'by the end of the quiet phase every scheduler charges each node with the pods that are bound to it and have not ended, and with no others',
  source: 'kubernetes pkg/scheduler/backend/cache (debugger, comparer.go), v1.33',
  trigger: 'the trial ended with bound pods and a running scheduler',
  catches: ['scheduler-counts-deleted-pods'],
  monitor(cluster, report) {
    return {
      onEnd() {
        for (const name of namesOf(cluster.topology).schedulers) {
          const process = cluster.process(name)
          if (cluster.isUnhealed(cluster.kernel.hostOf(process))) continue
          if (cluster.kernel.isRunning(process)) check(cluster, name, process, report)
        }
      },
    }
  },
}

function check(cluster: Cluster, name: string, process: number, report: Reporter): void {
  const { cache } = cluster.kernel.machineOf(process) as Scheduler
  let bound = 0
  for (const pod of cluster.truth.list('pods')) {
    const { nodeName } = pod.spec
    if (nodeName === undefined || isPodTerminal(pod)) continue
    report.reached()
    bound++
    const charged = cache.nodeOf(pod.metadata.uid ?? '')
    if (charged === nodeName) continue
    report.fail({
      subject: name,
      shape: 'not-charged',
      message: `${name} charges ${charged ?? 'no node'} with ${keyOf(pod)}, which is bound to ${nodeName}`,
    })
    return
  }
  if (cache.podCount === bound) return
  report.fail({
    subject: name,
    shape: 'ghost',
    message: `${name} charges nodes with ${cache.podCount} pods, ${bound} are bound and have not ended`,
  })
}
