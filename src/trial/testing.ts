/**
 * Doubles for tests of the trial and upper floors: a cluster that is only a kernel, a registry of simple things, a scenario. And what
 * tests and benchmarks of shrinking share: a scenario shrunk as a campaign does it, and the least that it could have become.
 */
import fc from 'fast-check'
import type { Cluster, ClusterOptions } from '../cluster/index.ts'
import { completeTopology } from '../cluster/topology.ts'
import { Kernel, type Micros, type RunResult, SECOND } from '../kernel/index.ts'
import { irrelevantItems } from './explain/irrelevant.ts'
import { choices, itemsOf, withItems } from './explain/items.ts'
import { type FaultStep, type PropertyDefinition, Registry } from './registry.ts'
import type { TrialResult } from './result.ts'
import { runScenario } from './run.ts'
import { SCENARIO_FORMAT, SCENARIO_VERSION, type Scenario } from './scenario.ts'
import { asValue, type ShrinkOutcome, shrinkFailure } from './shrink.ts'
import { shrinkable } from './trial-id.ts'

/** Shrinks a scenario that fails, with everything that a campaign uses. */
export function shrinkWhole(
  registry: Registry,
  suite: string,
  scenario: Scenario,
  result: TrialResult = runScenario(scenario, registry),
): ShrinkOutcome {
  const run = (candidate: Scenario) => runScenario(candidate, registry)
  return shrinkFailure(shrinkable(registry, suite, scenario), asValue(scenario), '0', result, run, {
    irrelevant: (candidate) =>
      irrelevantItems(candidate, registry, (same, options) => runScenario(same, registry, options)),
  })
}

/**
 * The fewest faults and steps of the scenario that fail with the signature, by trying all choices, the smallest first; undefined
 * where none of the first `most` choices does.
 */
export function fewestItems(
  registry: Registry,
  scenario: Scenario,
  signature: string,
  most = 1_500,
): number | undefined {
  const items = itemsOf(scenario)
  let tried = 0
  for (let size = 0; size <= items.length; size++)
    for (const chosen of choices(items, size)) {
      if (++tried > most) return undefined
      if (runScenario(withItems(scenario, chosen), registry).signature === signature) return size
    }
  return undefined
}

export interface Tick {
  readonly type: 'tick'
  readonly number: number
}

/** A kernel that notes a fact every second, and nothing else. */
export class FakeCluster {
  readonly kernel: Kernel
  readonly topology: ClusterOptions['topology']
  readonly log: string[] = []
  quiet = true

  constructor(options: ClusterOptions) {
    this.topology = options.topology
    this.kernel = new Kernel({
      seed: options.seed,
      ...(options.maxSteps === undefined ? {} : { maxSteps: options.maxSteps }),
    })
    this.kernel.schedule(SECOND, this, 1, 1)
  }

  onTimer(_kind: number, number: number): void {
    this.kernel.note({ type: 'tick', number } as Tick)
    this.kernel.schedule(SECOND, this, 1, number + 1)
  }

  run(until: Micros): RunResult {
    return this.kernel.run({ until })
  }
  boot(): void {
    this.log.push('boot')
  }
  scheduleWorkload(): void {}
  startTraffic(): void {}
  stopLoad(): void {
    this.log.push('stop load')
  }
  isQuiet(): boolean {
    return this.quiet
  }
}

/** A maker of fakes, for `executeScenario`; `made` keeps them. */
export function fakeClusters(): {
  readonly create: (options: ClusterOptions) => Cluster
  readonly made: FakeCluster[]
} {
  const made: FakeCluster[] = []
  return {
    made,
    create: (options) => {
      const cluster = new FakeCluster(options)
      made.push(cluster)
      return cluster as unknown as Cluster
    },
  }
}

/** A registry with one fault kind, `jolt` (parameter `target`: a node), and the given properties. */
export function fakeRegistry(
  properties: readonly PropertyDefinition[] = [],
  log: string[] = [],
  bites = true,
): Registry {
  const registry = new Registry().fault({
    id: 'jolt',
    title: 'a node is jolted',
    parameters: { target: 'a node' },
    arbitrary: (topology) =>
      fc.tuple(fc.nat(topology.nodes - 1), fc.integer({ min: 1, max: 20_000_000 })).map(([node, durationMicros]) => ({
        durationMicros,
        parameters: { target: `node-${node}` },
      })),
    validate: ({ parameters }, topology) => {
      const target = String(parameters.target)
      const number = Number(/^node-(\d+)$/.exec(target)?.[1] ?? 'NaN')
      return number < topology.nodes ? undefined : `there is no node "${target}"`
    },
    inject: (cluster, { id }) => {
      log.push(`${cluster.kernel.now} inject ${id}`)
      return {
        heal: () => void log.push(`${cluster.kernel.now} heal ${id}`),
        evidence: () => [{ what: 'jolts', count: bites ? 1 : 0 }],
      }
    },
    describe: ({ parameters }) => `jolt ${String(parameters.target)}`,
  })
  for (const property of properties) registry.property(property)
  return registry
}

/** A property made of a monitor. */
export function fakeProperty(
  id: string,
  monitor: PropertyDefinition['monitor'],
  mode: PropertyDefinition['mode'] = 'always',
): PropertyDefinition {
  return { id, mode, claim: `${id} holds`, source: 'a test', trigger: 'a tick', catches: [], monitor }
}

/** A small scenario with what is given laid over it. */
export function fakeScenario(parts: Partial<Scenario> = {}): Scenario {
  return {
    format: SCENARIO_FORMAT,
    version: SCENARIO_VERSION,
    name: 'test',
    seed: '7',
    topology: completeTopology(),
    apps: {},
    objects: [],
    workload: [],
    traffic: [],
    faults: [],
    durationMicros: 20 * SECOND,
    settleMicros: 10 * SECOND,
    properties: [],
    defects: [],
    ...parts,
  }
}

export function jolt(id: string, atMicros: Micros, durationMicros: Micros = SECOND, target = 'node-0'): FaultStep {
  return { id, kind: 'jolt', atMicros, durationMicros, parameters: { target } }
}
