/**
 * Which hosts a quiet phase heals, where not all of them come back: a majority of the members of etcd, masters that between
 * them run one of each component, and some nodes. At least one host is lost. Shrinking gives lost hosts back.
 */
import fc, { type Arbitrary } from 'fast-check'
import { coreMistake, namesOf, type Topology } from '../cluster/topology.ts'
import { even } from './arbitraries.ts'
import type { Scenario } from './scenario.ts'
import type { Candidate } from './shrink-candidate.ts'

/** All hosts that may be lost. */
function hostsOf(topology: Topology): readonly string[] {
  const { etcdMembers, masters, nodes } = namesOf(topology)
  return [...etcdMembers, ...masters, ...nodes]
}

/** Undefined where nothing can be done without. */
export function coreArbitrary(topology: Topology): Arbitrary<readonly string[] | undefined> {
  const hosts = hostsOf(topology)
  const { etcdMembers, masters, nodes } = namesOf(topology)
  const spare = [Math.ceil(etcdMembers.length / 2) - 1, masters.length - 1, nodes.length - 1]
  return fc.tuple(fc.tuple(...spare.map((most) => even(0, most))), even(0, 0x7fff_ffff)).map(([counts, luck]) => {
    const lost = [etcdMembers, masters, nodes].flatMap((names, role) => chosen(names, counts[role] ?? 0, luck))
    if (lost.length === 0) lost.push(...nodes.slice(0, Math.min(1, spare[2] ?? 0)))
    const core = hosts.filter((host) => !lost.includes(host))
    return lost.length === 0 || coreMistake(topology, core) !== undefined ? undefined : core
  })
}

/** So many of the names, neighbours in a ring. */
function chosen(names: readonly string[], count: number, luck: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => names[(luck + index) % names.length] as string)
}

/** How many hosts the quiet phase leaves without power. */
export function lostHosts({ core, topology }: Scenario): number {
  return core === undefined ? 0 : hostsOf(topology).length - core.length
}

/** Nothing is lost; or one host less. */
export function* fullerCores(scenario: Scenario): Generator<Candidate> {
  const { core, ...rest } = scenario
  if (core === undefined) return
  yield { key: 0, scenario: rest }
  const hosts = hostsOf(scenario.topology)
  for (const [index, host] of hosts.entries())
    if (!core.includes(host))
      yield {
        key: index + 1,
        scenario: { ...scenario, core: hosts.filter((one) => one === host || core.includes(one)) },
      }
}
