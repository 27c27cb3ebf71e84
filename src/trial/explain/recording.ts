/**
 * A run with everything that it leaves: result, whole trace with facts, the objects' changes. What explanations and exports
 * are read from. It costs some times the memory of a plain run and changes nothing in it.
 */
import type { Kernel, Micros } from '../../kernel/index.ts'
import { RESOURCES, type Resource } from '../../objects/index.ts'
import type { TrialOptions } from '../execute.ts'
import type { PropertyState } from '../jury.ts'
import type { Registry } from '../registry.ts'
import type { TrialResult } from '../result.ts'
import { runScenario } from '../run.ts'
import type { Scenario } from '../scenario.ts'

/** One committed change of one object. */
export interface ObjectVersion {
  /** The event in which the first member of etcd applied it. */
  readonly step: number
  readonly time: Micros
  readonly resource: Resource
  readonly key: string
  readonly revision: number
  readonly change: 'created' | 'updated' | 'deleted'
}

/** A property that was reached, seen or violated. */
export interface PropertyChange {
  /** The last event before, or in which, it happened. */
  readonly step: number
  readonly time: Micros
  readonly property: string
  readonly state: PropertyState
}

export interface Recording {
  readonly scenario: Scenario
  readonly result: TrialResult
  readonly kernel: Kernel
  readonly versions: readonly ObjectVersion[]
  readonly properties: readonly PropertyChange[]
}

export type RunTrial = (scenario: Scenario, options?: TrialOptions) => TrialResult

/** Runs the scenario and keeps everything. */
export function record(
  scenario: Scenario,
  registry: Registry,
  options: TrialOptions = {},
  run: RunTrial = (candidate, more) => runScenario(candidate, registry, more),
): Recording {
  const versions: ObjectVersion[] = []
  const properties: PropertyChange[] = []
  let kernel: Kernel | undefined
  const result = run(scenario, {
    ...options,
    keepTrace: true,
    onProperty: (property, state) => {
      if (kernel !== undefined) properties.push({ step: kernel.steps, time: kernel.now, property, state })
    },
    prepare: (cluster) => {
      kernel = cluster.kernel
      for (const resource of Object.keys(RESOURCES) as Resource[])
        cluster.truth.onChange(resource, ({ key, revision, previous, current }) => {
          const change = current === undefined ? 'deleted' : previous === undefined ? 'created' : 'updated'
          versions.push({ step: cluster.kernel.steps, time: cluster.kernel.now, resource, key, revision, change })
        })
    },
  })
  if (kernel === undefined) throw new Error('the trial ended before there was a cluster')
  return { scenario, result, kernel, versions, properties }
}
