/**
 * Which hosts a quiet phase heals, where not all of them come back: a majority of the members of etcd, masters that between
 * them run one of each component, and some nodes. At least one host is left out: it has no power, or goes on half alive. Shrinking
 * gives hosts back, and power is taken from those that are left out: a dead one is simpler.
 */
import fc, { type Arbitrary } from 'fast-check'
import { coreMistake, namesOf, type Topology } from '../cluster/topology.ts'
import { longestCutOf, type UnhealedCondition, type UnhealedHosts } from '../cluster/unhealed.ts'
import { SECOND } from '../kernel/time.ts'
import { even } from './arbitraries.ts'
import type { Scenario } from './scenario.ts'
import type { Candidate } from './shrink-candidate.ts'

/** What of the cluster the quiet phase heals, and how the rest goes on; nothing where it heals everything. */
export type CoreOfScenario = Pick<Scenario, 'core' | 'unhealed'>

/** All hosts that may be left out. */
function hostsOf(topology: Topology): readonly string[] {
  const { etcdMembers, masters, nodes } = namesOf(topology)
  return [...etcdMembers, ...masters, ...nodes]
}

/** Empty where nothing can be done without. */
export function coreArbitrary(topology: Topology): Arbitrary<CoreOfScenario> {
  const hosts = hostsOf(topology)
  const { etcdMembers, masters, nodes } = namesOf(topology)
  const spare = [Math.ceil(etcdMembers.length / 2) - 1, masters.length - 1, nodes.length - 1]
  const conditions = fc.tuple(...hosts.map(conditionArbitrary))
  return fc
    .tuple(fc.tuple(...spare.map((most) => even(0, most))), even(0, 0x7fff_ffff), conditions)
    .map(([counts, luck, drawn]): CoreOfScenario => {
      const lost = [etcdMembers, masters, nodes].flatMap((names, role) => chosen(names, counts[role] ?? 0, luck))
      if (lost.length === 0) lost.push(...nodes.slice(0, Math.min(1, spare[2] ?? 0)))
      const core = hosts.filter((host) => !lost.includes(host))
      if (lost.length === 0 || coreMistake(topology, core) !== undefined) return {}
      return { core, ...withUnhealed(lost.map((host) => [host, drawn[hosts.indexOf(host)]])) }
    })
}

/** Undefined: no power. */
function conditionArbitrary(host: string): Arbitrary<UnhealedCondition | undefined> {
  const seconds = (least: number, most: number) => even(least, most).map((count) => count * SECOND)
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('isolated' as const, 'deaf' as const, 'mute' as const).map((kind) => ({ kind })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(seconds(1, longestCutOf(host) / SECOND), seconds(10, 30))
        .map(([cutMicros, wholeMicros]) => ({ kind: 'flapping', cutMicros, wholeMicros }) as const),
    },
    { weight: 1, arbitrary: even(5, 30).map((percent) => ({ kind: 'lossy', lossPpm: percent * 10_000 }) as const) },
  )
}

/** The hosts that have a condition, as a member of a scenario; nothing where none has. */
function withUnhealed(
  hosts: readonly (readonly [host: string, condition: UnhealedCondition | undefined])[],
): Pick<Scenario, 'unhealed'> {
  const alive = hosts.flatMap(([host, condition]) => (condition === undefined ? [] : [[host, condition] as const]))
  return alive.length === 0 ? {} : { unhealed: Object.fromEntries(alive) }
}

/** So many of the names, neighbours in a ring. */
function chosen(names: readonly string[], count: number, luck: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => names[(luck + index) % names.length] as string)
}

/** How many hosts the quiet phase leaves alone. */
export function lostHosts({ core, topology }: Scenario): number {
  return core === undefined ? 0 : hostsOf(topology).length - core.length
}

/** How many of them go on half alive. */
export function halfAliveHosts({ unhealed = {} }: Scenario): number {
  return Object.keys(unhealed).length
}

/** Nothing is lost; or one host less. */
export function* fullerCores(scenario: Scenario): Generator<Candidate> {
  const { core, unhealed, ...rest } = scenario
  if (core === undefined) return
  yield { key: 0, scenario: rest }
  const hosts = hostsOf(scenario.topology)
  for (const [index, host] of hosts.entries())
    if (!core.includes(host))
      yield {
        key: index + 1,
        scenario: {
          ...rest,
          core: hosts.filter((one) => one === host || core.includes(one)),
          ...without(unhealed, host),
        },
      }
}

/** No host outside the core has power; or one has none that had. */
export function* deaderHosts(scenario: Scenario): Generator<Candidate> {
  const { unhealed, ...rest } = scenario
  if (unhealed === undefined) return
  yield { key: 0, scenario: rest }
  for (const [index, host] of hostsOf(scenario.topology).entries())
    if (host in unhealed) yield { key: index + 1, scenario: { ...rest, ...without(unhealed, host) } }
}

function without(unhealed: UnhealedHosts | undefined, gone: string): Pick<Scenario, 'unhealed'> {
  return withUnhealed(Object.entries(unhealed ?? {}).filter(([host]) => host !== gone))
}

/** After hosts were renamed: who is in the core now is healed. */
export function renamedCore(scenario: Scenario, nameOf: (host: string) => string): CoreOfScenario {
  const { core, unhealed } = scenario
  if (core === undefined) return {}
  const kept = [...new Set(core.map(nameOf))]
  const left = Object.entries(unhealed ?? {}).map(([host, condition]) => [nameOf(host), condition] as const)
  return { core: kept, ...withUnhealed(left.filter(([host]) => !kept.includes(host))) }
}
