/** What a quiet phase leaves unhealed, as a line of a story. */
import { namesOf, type UnhealedCondition } from '../cluster/index.ts'
import type { Micros } from '../kernel/index.ts'
import type { Scenario } from '../trial/index.ts'
import { listed } from './names.ts'

/** The deed that leaves hosts alone, as the trace names it. */
export const KEEP_CORE_DEED = 'keep only the core'

/** One line at the beginning of the quiet phase; none where it heals everything, or was not reached. */
export function quietLines(
  scenario: Scenario,
  endMicros: Micros,
): readonly { readonly atMicros: Micros; readonly text: string }[] {
  const { core, unhealed = {}, topology, durationMicros } = scenario
  if (core === undefined || durationMicros > endMicros) return []
  const { etcdMembers, masters, nodes } = namesOf(topology)
  const groups = new Map<string, string[]>()
  for (const host of [...etcdMembers, ...masters, ...nodes]) {
    if (core.includes(host)) continue
    const how = conditionInWords(unhealed[host])
    groups.set(how, [...(groups.get(how) ?? []), host])
  }
  const clauses = [...groups].map(([how, hosts]) => `${listed(hosts)}: ${how}`)
  return [{ atMicros: durationMicros, text: `only the core is healed; for good, ${clauses.join('; ')}` }]
}

function conditionInWords(condition: UnhealedCondition | undefined): string {
  if (condition === undefined) return 'no power'
  const seconds = (micros: Micros) => `${Math.round(micros / 100_000) / 10} s`
  switch (condition.kind) {
    case 'isolated':
      return 'cut off'
    case 'deaf':
      return 'heard, but hears nothing'
    case 'mute':
      return 'hears, but is not heard'
    case 'flapping':
      return `cut off for ${seconds(condition.cutMicros)}, back for ${seconds(condition.wholeMicros)}, again and again`
    case 'lossy':
      return `${Math.round(condition.lossPpm / 1_000) / 10} % of its messages are lost`
    default:
      return condition satisfies never
  }
}
