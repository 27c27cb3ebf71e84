/** What a test asks for, checked and made whole: a registry, where scenarios come from, which properties they are held to. */
import { resolve } from 'node:path'
import type { Arbitrary } from 'fast-check'
import { BoundedArbitrary, boundAdded, knownOf } from '../cli/bounded.ts'
import { readText } from '../cli/files.ts'
import { assertCheckable, printComplaint, readManifests } from '../cli/manifests/read.ts'
import { manifestSuite, OCCASIONS } from '../cli/manifests/suite.ts'
import type { KubeObject } from '../objects/index.ts'
import { standardRegistry } from '../standard-registry.ts'
import {
  assertRunnable,
  type PropertyDefinition,
  parseScenario,
  printScenario,
  type Registry,
  type Scenario,
  ScenarioArbitrary,
  suggest,
  suiteArbitrary,
  UserError,
} from '../trial/index.ts'

/** What may happen to the objects of manifests. */
export type Occasion = 'rollout' | 'drain' | 'node-loss' | 'faults'

/** What trials are held to and how they are run. */
export interface JudgingOptions {
  /** Only these: ids, or properties of your own. Default: what the scenarios name. */
  readonly properties?: readonly (string | PropertyDefinition)[]
  /** Adds faults, properties and suites of your own to the built-in ones. */
  readonly register?: (registry: Registry) => void
  /** Historical bugs to switch on, by id. */
  readonly defects?: readonly string[]
  /** A 32-bit integer. Default: 1. */
  readonly seed?: number
  /** Trials of each source of scenarios. Default: 25. */
  readonly trials?: number
  /** Trials that shrinking may take. Default: 300; 0 leaves a failure as it was drawn. */
  readonly maximumShrinkExecutions?: number
  /** A trial that takes longer than this of real time is given up. Default: 30,000. */
  readonly watchdogMillis?: number
  /** Folder of findings. Default: `.seatrial` in the folder where Vitest runs. */
  readonly dir?: string
}

/** A test made of trials. It names one of `manifests`, `suite`, `scenario` and `scenarios`. */
export interface TrialOptions extends JudgingOptions {
  /** Kubernetes manifests: files or folders, from the folder where Vitest runs. */
  readonly manifests?: string | readonly string[]
  /** With `manifests`: what happens to them. Default: all of it, one after the other. */
  readonly when?: Occasion | readonly Occasion[]
  /** With `manifests`: kinds of faults that are drawn, one or two a trial, in place of those of the occasion. */
  readonly faults?: readonly string[]
  /** A registered suite, by id. */
  readonly suite?: string
  /** One scenario, what a scenario file holds, or the path of one. It is run once, as it is. */
  readonly scenario?: Scenario | Readonly<Record<string, unknown>> | string
  /** Scenarios of your own. */
  readonly scenarios?: Arbitrary<Scenario> | ((registry: Registry) => Arbitrary<Scenario>)
  /** Milliseconds after which Vitest gives the test up. Default: 10 minutes. */
  readonly timeout?: number
}

export interface Source {
  readonly scenarios: Arbitrary<Scenario>
  /** For people: "a drain of one node". */
  readonly title: string
}

export interface Plan {
  readonly registry: Registry
  /** Scenarios to run as they are. */
  readonly fixed: readonly Scenario[]
  readonly sources: readonly Source[]
  /** The name in scenarios that belong to this test, in the corpus as well. Undefined: none do. */
  readonly name: string | undefined
  /** Ids that were asked for: each must have looked at something. */
  readonly properties: readonly string[] | undefined
  readonly defects: readonly string[]
  readonly seed: number
  readonly trials: number
  readonly maximumShrinkExecutions: number
  readonly watchdogMillis: number
  /** Absolute. */
  readonly dir: string
  /** Nothing of the test's own is needed to run its scenarios. */
  readonly isStandard: boolean
  /** A kept scenario as this test runs it: with the manifests as they are now. */
  renewed(scenario: Scenario): Scenario
}

const KNOWN: readonly string[] = [
  ...['manifests', 'when', 'faults', 'suite', 'scenario', 'scenarios', 'timeout'],
  ...['properties', 'register', 'defects', 'seed', 'trials', 'maximumShrinkExecutions', 'watchdogMillis', 'dir'],
]
const SOURCES = ['manifests', 'suite', 'scenario', 'scenarios'] as const

/** @throws UserError for whatever makes no sense */
export function planOf(title: string, options: TrialOptions): Plan {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name)) throw new UserError({ what: `there is no option "${name}"`, mend: suggest(name, KNOWN) })
  const given = SOURCES.filter((name) => options[name] !== undefined)
  if (given.length !== 1)
    throw new UserError({
      what: `${given.length === 0 ? 'nothing says' : `${given.join(' and ')} both say`} what is to be run`,
      mend: 'give one of manifests, suite, scenario and scenarios',
    })
  if (options.manifests === undefined && (options.when !== undefined || options.faults !== undefined))
    throw new UserError({
      what: `"${options.when === undefined ? 'faults' : 'when'}" goes with "manifests"`,
      mend: 'suites and scenarios say themselves what happens in them',
    })
  const registry = standardRegistry()
  const known = knownOf(registry)
  options.register?.(registry)
  boundAdded(registry, known)
  const { properties, defects = [] } = options
  const ids = properties?.map((given) => idOf(given, registry))
  for (const defect of defects)
    if (!registry.defects.has(defect))
      throw new UserError({ what: `there is no defect "${defect}"`, mend: suggest(defect, registry.defects.keys()) })
  const held = (scenario: Scenario): Scenario =>
    ids === undefined && defects.length === 0
      ? scenario
      : {
          ...scenario,
          properties: ids ?? scenario.properties,
          defects: [...new Set([...scenario.defects, ...defects])],
        }
  return {
    registry,
    properties: ids,
    defects,
    seed: whole(options.seed ?? 1, 'seed', -0x8000_0000, 0xffff_ffff) | 0,
    trials: whole(options.trials ?? 25, 'trials', 1, 1_000_000),
    maximumShrinkExecutions: whole(options.maximumShrinkExecutions ?? 300, 'maximumShrinkExecutions', 0, 1_000_000),
    watchdogMillis: whole(options.watchdogMillis ?? 30_000, 'watchdogMillis', 1, 86_400_000),
    dir: resolve(options.dir ?? '.seatrial'),
    isStandard: options.register === undefined && properties?.every((one) => typeof one === 'string') !== false,
    ...sourcesOf(title, options, registry, held),
  }
}

type Sources = Pick<Plan, 'fixed' | 'sources' | 'name' | 'renewed'>

function sourcesOf(
  title: string,
  options: TrialOptions,
  registry: Registry,
  held: (scenario: Scenario) => Scenario,
): Sources {
  const { manifests, suite, scenario, scenarios } = options
  const drawn = (source: Arbitrary<Scenario>, keepsCluster = false) =>
    new ScenarioArbitrary(
      source.map((one) => held({ ...one, name: title })),
      registry,
      { keepsCluster },
    )
  if (manifests !== undefined) {
    const objects = objectsOf(manifests)
    const suites = [options.when ?? OCCASIONS].flat().map((when) => {
      for (const kind of options.faults ?? [])
        if (!registry.faults.has(kind))
          throw new UserError({ what: `there is no fault "${kind}"`, mend: suggest(kind, registry.faults.keys()) })
      return manifestSuite(registry, objects, when, options.faults)
    })
    return {
      fixed: [],
      sources: suites.map((one) => ({ scenarios: drawn(one.arbitrary({}), true), title: one.title })),
      name: title,
      renewed: (kept) => held({ ...kept, objects }),
    }
  }
  if (suite !== undefined) {
    const source = suiteArbitrary(registry, suite)
    const keepsCluster = registry.suites.get(suite)?.keepsCluster ?? false
    const scenariosOfIt = new ScenarioArbitrary(source.map(held), registry, { keepsCluster })
    return { fixed: [], sources: [{ scenarios: scenariosOfIt, title: `suite ${suite}` }], name: suite, renewed: held }
  }
  if (scenarios !== undefined) {
    const source = typeof scenarios === 'function' ? scenarios(registry) : scenarios
    return {
      fixed: [],
      sources: [{ scenarios: drawn(new BoundedArbitrary(title, source)), title: 'its scenarios' }],
      name: title,
      renewed: held,
    }
  }
  const one = held(readScenario(scenario ?? ''))
  assertRunnable(one, registry)
  return { fixed: [one], sources: [], name: undefined, renewed: held }
}

function readScenario(scenario: NonNullable<TrialOptions['scenario']>): Scenario {
  return typeof scenario === 'string'
    ? parseScenario(readText(resolve(scenario)), scenario)
    : parseScenario(printScenario(scenario as Scenario), 'scenario')
}

function objectsOf(manifests: string | readonly string[]): readonly KubeObject[] {
  const paths = [manifests].flat()
  const { objects, complaints } = readManifests(paths, resolve())
  const errors = complaints.filter(({ severity }) => severity === 'error')
  if (errors.length > 0)
    throw new UserError({ what: errors.map(printComplaint).join('\n'), mend: 'mend the manifests; nothing was run' })
  assertCheckable(objects, complaints, paths)
  return objects
}

function idOf(given: string | PropertyDefinition, registry: Registry): string {
  if (typeof given !== 'string') {
    if (registry.properties.get(given.id) !== given) registry.property(given)
    return given.id
  }
  if (registry.properties.has(given)) return given
  throw new UserError({ what: `there is no property "${given}"`, mend: suggest(given, registry.properties.keys()) })
}

function whole(value: number, name: string, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new UserError({
    what: `"${name}" is ${String(value)}`,
    mend: `it is a whole number from ${least} to ${most}`,
  })
}
