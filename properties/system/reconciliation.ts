/**
 * Eventually stable reconciliation: once all faults have healed the cluster reaches what its objects ask for, within the
 * quiet phase, and stays there.
 */
import type { ClientFact } from '../../src/client/index.ts'
import type { ControllerFact } from '../../src/controllers/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

/** Controllers whose queue drops a key after 15 failures in a row, and the kind that the key names. */
const DROPPED_KINDS: Readonly<Record<string, string>> = { deployment: 'deployment', endpointslice: 'service' }

export const reconciliation: PropertyDefinition = {
  id: 'eventually-stable-reconciliation',
  mode: 'always',
  claim:
    'within the quiet phase after all faults have healed the cluster converges to what its objects ask for, but for a service or a deployment that its controller has dropped after 15 failures in a row',
  source:
    'Anvil (OSDI 2024), eventually stable reconciliation; kubernetes level-triggered controllers; kubernetes#99345 (what is stale for long is dropped like any other failure)',
  trigger: 'the quiet phase began with a workload in the cluster',
  catches: ['controller-ignores-tombstone', 'watchcache-empty-history-off-by-one', 'scheduler-counts-deleted-pods'],
  monitor(cluster, report) {
    const dropped = new Set<string>()
    onFact<ClientFact, 'sync-given-up'>(cluster, 'sync-given-up', ({ controller, key }) => {
      dropped.add(`${DROPPED_KINDS[controller]} ${key}`)
    })
    onFact<ClientFact, 'sync-failed'>(cluster, 'sync-failed', ({ controller, key }) => {
      dropped.delete(`${DROPPED_KINDS[controller]} ${key}`)
    })
    onFact<ControllerFact, 'endpoints-written'>(cluster, 'endpoints-written', ({ service }) => {
      dropped.delete(`service ${service}`)
    })
    onFact<ControllerFact, 'deployment-progress'>(cluster, 'deployment-progress', ({ deployment }) => {
      dropped.delete(`deployment ${deployment}`)
    })
    return {
      onQuiet() {
        if (cluster.truth.count('deployments') + cluster.truth.count('replicasets') > 0) report.reached()
      },
      onEnd() {
        const missing = cluster.unconverged().filter((gap) => !dropped.has(subjectOf(gap)))
        const [first] = missing
        if (first === undefined) return
        report.fail({
          subject: subjectOf(first),
          shape: shapeOf(first),
          message: `at the end of the quiet phase ${first}${missing.length > 1 ? `, and ${missing.length - 1} more ${missing.length > 2 ? 'things are' : 'thing is'} not as asked` : ''}`,
          details: missing,
        })
      },
    }
  },
}

/** "deployment default/web: ..." is about "deployment default/web". */
function subjectOf(gap: string): string {
  return gap.split(' ').slice(0, 2).join(' ').replace(/:$/, '')
}

/** The kind of gap, without names and numbers, so that failures of one kind share a signature. */
function shapeOf(gap: string): string {
  return gap.split(' ')[0] ?? 'unconverged'
}
