/** A trial on the real cluster floor. `execute.ts` is the same for any cluster. */
import { Cluster } from '../cluster/index.ts'
import { executeScenario, type TrialOptions } from './execute.ts'
import type { Registry } from './registry.ts'
import type { TrialResult } from './result.ts'
import type { Scenario } from './scenario.ts'

/**
 * Runs one scenario to its verdict. The scenario must fit the registry (`assertRunnable`).
 * Two runs of one scenario under one release give the same result, trace hash included.
 */
export function runScenario(scenario: Scenario, registry: Registry, options: TrialOptions = {}): TrialResult {
  return executeScenario(scenario, registry, (clusterOptions) => new Cluster(clusterOptions), options)
}
