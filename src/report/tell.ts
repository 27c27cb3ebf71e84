/**
 * The story of a failure told from its whole trace: the chain of causes from what the scenario does to the violation. It
 * costs two runs, one of them without the first fault or step, to see what would have happened anyway. For a small scenario
 * also, in a sentence, whether all of it is needed.
 */
import {
  ablate,
  type Item,
  itemsOf,
  type Recording,
  type Registry,
  type RunTrial,
  record,
  type Scenario,
  type TrialResult,
  withItems,
} from '../trial/index.ts'
import { chainOf, describeItem } from './chain.ts'
import { counted, listed } from './names.ts'
import { STORY_FACT_TYPES } from './phrases.ts'
import { openingOf, STORY_LINES_MAXIMUM, type StoryLine, storyOf } from './story.ts'

export interface Told {
  readonly result: TrialResult
  readonly story: readonly StoryLine[]
}

/** Up to so many items the question what is needed costs a handful of runs. */
const WHY_ITEMS_MAXIMUM = 3

/** Runs the scenario and tells how it ended. `result` has the facts of stories. */
export function tell(scenario: Scenario, registry: Registry, run: RunTrial): Told {
  const recording = record(scenario, registry, { factTypes: STORY_FACT_TYPES }, run)
  const { result } = recording
  if (result.violation === undefined) return { result, story: storyOf(scenario, result, registry) }
  const deeds = effective(recording)
  const [first] = deeds
  const other = withoutFirst(scenario, first)
  const passing = other === undefined ? undefined : record(other, registry, {}, run)
  const saw = result.violation.saw
  const room = STORY_LINES_MAXIMUM - 1 - (saw === undefined ? 0 : 1)
  const chain = chainOf(recording, deeds, registry, passing, room)
  const lines = chain.map(({ atMicros, text, reason }) => ({ atMicros, text: reason === 'so' ? `so ${text}` : text }))
  const seen = saw === undefined ? [] : [{ atMicros: result.violation.atMicros, text: `SAW ${saw}` }]
  return {
    result,
    story: [{ atMicros: 0, text: openingOf(scenario) }, ...lines.slice(0, -1), ...seen, ...lines.slice(-1)],
  }
}

/** Without the first fault or step; where there is none, with all hosts healed, if that is another scenario. */
function withoutFirst(scenario: Scenario, first: Item | undefined): Scenario | undefined {
  if (first !== undefined)
    return withItems(
      scenario,
      itemsOf(scenario).filter(({ id, list }) => id !== first.id || list !== first.list),
    )
  const { core, unhealed: _, ...healed } = scenario
  return core === undefined ? undefined : healed
}

/** Faults that bit and steps that were done before the end, the last ones if there are too many to tell. */
function effective({ scenario, result }: Recording): readonly Item[] {
  const end = result.violation?.atMicros ?? result.virtualMicros
  const bit = new Set(result.ledger.filter((entry) => entry.bit).map(({ fault }) => fault))
  const items = itemsOf(scenario).filter(
    ({ list, id, atMicros }) => atMicros <= end && (list === 'workload' || bit.has(id)),
  )
  return items.slice(-Math.floor(STORY_LINES_MAXIMUM / 2))
}

/** One sentence about what a small failing scenario needs, or undefined when it is too large to ask in passing. */
export function whyOf(scenario: Scenario, signature: string, registry: Registry, run: RunTrial): string | undefined {
  if (itemsOf(scenario).length > WHY_ITEMS_MAXIMUM) return undefined
  const { needed } = ablate(scenario, signature, run)
  if (needed.length === 0 && scenario.core !== undefined)
    return 'it needs no fault and no step: that the quiet phase heals only the core is enough'
  if (needed.length === 0) return 'it needs no fault and no step: the cluster and its objects are enough'
  const texts = needed.map(({ item }) => `"${describeItem(item, scenario, registry)}"`)
  if (needed.length === 1) return `it needs ${texts[0]}, and nothing else`
  const alone = needed.filter(({ failsAlone }) => failsAlone).length
  return `it needs ${listed(texts)}${alone === 0 ? `: none of the ${counted(needed.length, 'cause')} can be left out` : ''}`
}
