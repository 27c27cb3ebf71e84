/**
 * What of a failing scenario is probably not to blame, by the trace of one run: what came after the violation, faults that
 * bit nothing, and what has no way to the violation in its causal past; and, bolder, all but one item,
 * the nearest to it on that way first. These are guesses for a shrinker to try first, in one step; each is held against a run like any other shrink.
 */
import type { Registry } from '../registry.ts'
import type { Scenario } from '../scenario.ts'
import { type Item, itemsOf } from './items.ts'
import { Past } from './past.ts'
import { type Recording, type RunTrial, record } from './recording.ts'

/** So many items are tried each on its own, the nearest first. */
const ALONE_MAXIMUM = 8

/** Sets of items to leave out, the most at once first; each set at least one item. */
export function irrelevantItems(scenario: Scenario, registry: Registry, run?: RunTrial): readonly (readonly Item[])[] {
  const items = itemsOf(scenario)
  if (items.length < 2) return []
  const recording = record(scenario, registry, {}, run)
  const costs = costsOf(recording, items)
  const related = items.filter((item) => costs.has(item)).toSorted((a, b) => costs.get(a)! - costs.get(b)!)
  const guesses: (readonly Item[])[] = []
  if (related.length > 1) {
    for (const alone of related.slice(0, ALONE_MAXIMUM)) guesses.push(items.filter((item) => item !== alone))
    if (related.length > 2) guesses.push(items.filter((item) => !related.slice(0, 2).includes(item)))
  }
  if (related.length < items.length) guesses.push(items.filter((item) => !costs.has(item)))
  return guesses
}

/** How far each item is from the violation; an item that cannot have mattered is not in it. */
function costsOf(recording: Recording, items: readonly Item[]): ReadonlyMap<Item, number> {
  const { kernel, result } = recording
  const past = new Past(kernel.trace, lastOfProcess(recording))
  const bit = new Set(result.ledger.filter((entry) => entry.bit).map(({ fault }) => fault))
  const costs = new Map<Item, number>()
  for (const item of items) {
    const cost =
      item.list === 'faults'
        ? bit.has(item.id)
          ? past.distanceOfDeed(`inject ${item.id}`)
          : undefined
        : stepOf(recording, item, past)
    if (cost !== undefined) costs.set(item, cost)
  }
  return costs
}

function stepOf({ kernel }: Recording, item: Item, past: Past): number | undefined {
  const begun = kernel.trace.facts.find(
    ({ fact }) => fact.type === 'step-started' && (fact as { readonly id?: unknown }).id === item.id,
  )
  return begun === undefined ? undefined : past.distanceOf(begun.step)
}

/** The event of the violation; where a timer of the trial found it, the last event of any process. */
function lastOfProcess({ kernel }: Recording): number {
  let step = kernel.steps
  while (step > 1 && kernel.trace.row(step)?.target === 0) step--
  return step
}
