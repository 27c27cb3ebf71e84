/**
 * Smaller clusters for the same story: one count of the topology goes down, and whoever named a machine that is gone now
 * names one that is left. A candidate may turn out not to make sense; `scenario-arbitrary.ts` asks the registry.
 */
import { namesOf, type Topology } from '../cluster/topology.ts'
import { renamedCore } from './core-arbitrary.ts'
import type { Scenario } from './scenario.ts'
import type { Candidate } from './shrink-candidate.ts'

const COUNTS = ['nodes', 'etcdMembers', 'apiServers', 'controllerManagers', 'schedulers', 'zones'] as const

/** For each count of the topology: the smallest first, then one less. */
export function* smallerClusters(scenario: Scenario): Generator<Candidate> {
  for (const [index, count] of COUNTS.entries()) {
    const now = scenario.topology[count]
    const step = count === 'etcdMembers' ? 2 : 1
    const choices = now - step > 1 ? [1, now - step] : now > 1 ? [1] : []
    for (const value of choices) {
      const topology: Topology = { ...scenario.topology, [count]: value }
      if (topology.zones > topology.nodes)
        yield { key: index * 10_000 + value, scenario: renamed(scenario, { ...topology, zones: topology.nodes }) }
      else yield { key: index * 10_000 + value, scenario: renamed(scenario, topology) }
    }
  }
  yield* lessTold(scenario)
  const { etcdBalance, ...plain } = scenario.topology
  if (etcdBalance !== undefined) yield { key: COUNTS.length * 10_000 + 3, scenario: renamed(scenario, plain) }
}

/** Without Events, without an etcd of their own for them, with fewer members of it. */
function* lessTold(scenario: Scenario): Generator<Candidate> {
  const { events, eventsEtcdMembers = 0, ...rest } = scenario.topology
  if (events !== 'on') return
  const key = COUNTS.length * 10_000
  yield { key, scenario: renamed(scenario, rest) }
  if (eventsEtcdMembers > 0) yield { key: key + 1, scenario: renamed(scenario, { ...rest, events }) }
  if (eventsEtcdMembers > 1) {
    yield { key: key + 2, scenario: renamed(scenario, { ...rest, events, eventsEtcdMembers: 1 }) }
  }
}

function renamed(scenario: Scenario, topology: Topology): Scenario {
  const names = new Map<string, string>()
  const before = namesOf(scenario.topology)
  const after = namesOf(topology)
  for (const role of Object.keys(before) as (keyof typeof before)[]) {
    for (const [index, name] of before[role].entries()) names.set(name, after[role][index % after[role].length] ?? name)
  }
  const rename = (value: unknown): unknown => {
    if (typeof value === 'string') return names.get(value) ?? value
    if (Array.isArray(value)) {
      const items = value.map(rename)
      return items.filter((item, index) => typeof item !== 'string' || items.indexOf(item) === index)
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rename(item)]))
    }
    return value
  }
  const { core: _core, unhealed: _unhealed, ...rest } = scenario
  return {
    ...rest,
    topology,
    ...renamedCore(scenario, (host) => names.get(host) ?? host),
    workload: scenario.workload.map((step) => {
      if ('node' in step) return { ...step, node: names.get(step.node) ?? step.node }
      return 'member' in step ? { ...step, member: names.get(step.member) ?? step.member } : step
    }),
    traffic: scenario.traffic.map((client) => ({ ...client, node: names.get(client.node) ?? client.node })),
    faults: scenario.faults.map((fault) => ({
      ...fault,
      parameters: rename(fault.parameters) as typeof fault.parameters,
    })),
  }
}
