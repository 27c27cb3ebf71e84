/**
 * Eventually stable reconciliation: once all faults have healed the cluster reaches what its objects ask for, within the
 * quiet phase, and stays there.
 */
import type { PropertyDefinition } from '../../src/trial/registry.ts'

export const reconciliation: PropertyDefinition = {
  id: 'eventually-stable-reconciliation',
  mode: 'always',
  claim: 'within the quiet phase after all faults have healed the cluster converges to what its objects ask for',
  source: 'Anvil (OSDI 2024), eventually stable reconciliation; kubernetes level-triggered controllers',
  trigger: 'the quiet phase began with a workload in the cluster',
  catches: ['controller-ignores-tombstone', 'watchcache-empty-history-off-by-one', 'scheduler-counts-deleted-pods'],
  monitor(cluster, report) {
    return {
      onQuiet() {
        if (cluster.truth.count('deployments') + cluster.truth.count('replicasets') > 0) report.reached()
      },
      onEnd() {
        const missing = cluster.unconverged()
        const [first] = missing
        if (first === undefined) return
        report.fail({
          subject: subjectOf(first),
          shape: shapeOf(first),
          message: `at the end of the quiet phase ${first}${missing.length > 1 ? `, and ${missing.length - 1} more` : ''}`,
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
