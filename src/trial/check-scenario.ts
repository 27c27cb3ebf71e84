/**
 * Whether a scenario makes sense to this registry: every name exists, ids are unique, targets are in the topology, times
 * lie in the active phase. Shapes are the schema's business (`schema.ts`).
 */
import { coreMistake, namesOf } from '../cluster/topology.ts'
import { unhealedMistake } from '../cluster/unhealed.ts'
import type { WorkloadStep } from '../cluster/workload.ts'
import type { FaultKind, Registry } from './registry.ts'
import type { FaultStep, Scenario } from './scenario.ts'
import { suggest, UserError } from './user-error.ts'

export interface ScenarioMistake {
  /** JSON pointer. */
  readonly path: string
  readonly what: string
  readonly mend: string
}

/** @throws UserError that names the kind of fault whose check threw */
function validated(kind: FaultKind, fault: FaultStep, { topology }: Scenario): string | undefined {
  try {
    return kind.validate(fault, topology)
  } catch (error) {
    if (error instanceof UserError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new UserError({
      what: `fault ${kind.id} threw when it was asked to check its parameters: ${message}`,
      mend: 'correct the fault',
    })
  }
}

/**
 * Everything that is wrong with the scenario's names, targets and times; empty when it can run. `onActivity`: told whose check
 * is asked, `fault partition`, and with an empty text that it has answered.
 */
export function mistakesOf(
  scenario: Scenario,
  registry: Registry,
  onActivity?: (speaking: string) => void,
): readonly ScenarioMistake[] {
  const mistakes: ScenarioMistake[] = []
  const complain = (path: string, what: string, mend: string) => mistakes.push({ path, what, mend })
  const names = namesOf(scenario.topology)
  const nodes = new Set(names.nodes)
  const members = new Set([...names.etcdMembers, ...names.spareEtcdMembers])

  scenario.faults.forEach((fault, index) => {
    const kind = registry.faults.get(fault.kind)
    if (kind === undefined) {
      complain(
        `/faults/${index}/kind`,
        `there is no fault "${fault.kind}"`,
        suggest(fault.kind, registry.faults.keys()),
      )
      return
    }
    onActivity?.(`fault ${kind.id}`)
    const wrong = validated(kind, fault, scenario)
    onActivity?.('')
    if (wrong !== undefined) {
      const known = Object.entries(kind.parameters).map(([name, meaning]) => `${name}: ${meaning}`)
      complain(
        `/faults/${index}/parameters`,
        `${fault.kind}: ${wrong}`,
        known.length > 0 ? known.join('; ') : 'it takes no parameters',
      )
    }
    if (fault.atMicros > scenario.durationMicros) complain(`/faults/${index}/atMicros`, ...late(scenario))
  })
  scenario.workload.forEach((step, index) => {
    if (step.atMicros > scenario.durationMicros) complain(`/workload/${index}/atMicros`, ...late(scenario))
    const node = nodeOf(step)
    if (node !== undefined && !nodes.has(node))
      complain(`/workload/${index}/node`, `there is no node "${node}"`, suggest(node, nodes))
    if ('member' in step && !members.has(step.member))
      complain(
        `/workload/${index}/member`,
        `there is no member of etcd "${step.member}"`,
        suggest(step.member, members),
      )
  })
  scenario.traffic.forEach((client, index) => {
    if (!nodes.has(client.node))
      complain(`/traffic/${index}/node`, `there is no node "${client.node}"`, suggest(client.node, nodes))
  })
  const wrongCore = scenario.core === undefined ? undefined : coreMistake(scenario.topology, scenario.core)
  if (wrongCore !== undefined)
    complain(
      '/core',
      `the core cannot work: ${wrongCore}`,
      'name a majority of the etcd members, the masters that are needed and at least one node',
    )
  const wrongUnhealed =
    scenario.unhealed === undefined ? undefined : unhealedMistake(scenario.topology, scenario.core, scenario.unhealed)
  if (wrongUnhealed !== undefined)
    complain(
      '/unhealed',
      `the hosts outside the core cannot be so: ${wrongUnhealed}`,
      'name hosts that the core has not, and bounds within which Kubernetes promises anything',
    )
  scenario.schedule?.changes.forEach(({ atMicros }, index, changes) => {
    if (atMicros < (changes[index - 1]?.atMicros ?? 0))
      complain(
        `/schedule/changes/${index}/atMicros`,
        'this is before the change point above it',
        'put them in order of time',
      )
  })
  for (const list of ['faults', 'workload', 'traffic', 'etcdClients'] as const) {
    const seen = new Set<string>()
    scenario[list]?.forEach((item, index) => {
      if (seen.has(item.id))
        complain(`/${list}/${index}/id`, `the id "${item.id}" is used twice`, 'give every entry its own id')
      seen.add(item.id)
    })
  }
  scenario.properties.forEach((id, index) => {
    if (!registry.properties.has(id))
      complain(`/properties/${index}`, `there is no property "${id}"`, suggest(id, registry.properties.keys()))
  })
  scenario.defects.forEach((id, index) => {
    if (!registry.defects.has(id))
      complain(`/defects/${index}`, `there is no defect "${id}"`, suggest(id, registry.defects.keys()))
  })
  return mistakes
}

/** @throws UserError naming the first mistake, if there is one. */
export function assertRunnable(
  scenario: Scenario,
  registry: Registry,
  where = scenario.name,
  onActivity?: (speaking: string) => void,
): void {
  const [first, ...others] = mistakesOf(scenario, registry, onActivity)
  if (first === undefined) return
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  throw new UserError({ what: `${first.what}${more}`, where: `${where} ${first.path}`, mend: first.mend })
}

function nodeOf(step: WorkloadStep): string | undefined {
  return step.kind === 'cordon' || step.kind === 'uncordon' || step.kind === 'drain' ? step.node : undefined
}

function late(scenario: Scenario): [what: string, mend: string] {
  return [
    'this lies after the end of the active phase',
    `choose a time up to durationMicros (${scenario.durationMicros})`,
  ]
}
