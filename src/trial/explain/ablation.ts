/**
 * What a failure needs, found by taking things out: a minimal set of faults and workload steps, what happens when each is
 * left out or stands alone, and whether any smaller choice of them fails too. Everything else of the scenario (cluster,
 * objects, traffic, times, seed) stays as it is.
 */
import type { Scenario } from '../scenario.ts'
import { failsAs } from '../signature.ts'
import { choices, type Item, itemsOf, withItems } from './items.ts'
import type { RunTrial } from './recording.ts'

/** Up to so many items every choice of them is tried; above, only those that lack one or hold one. */
const EXHAUSTIVE_ITEMS = 6

export interface Needed {
  readonly item: Item
  /** The trial without it does not fail in this way: true for every item of a minimal set. */
  readonly passesWithout: boolean
  /** The trial with it and nothing else of the set fails in this way. */
  readonly failsAlone: boolean
}

export interface Ablation {
  /** The scenario with the minimal set. It fails with the same signature. */
  readonly scenario: Scenario
  readonly needed: readonly Needed[]
  readonly unneeded: readonly Item[]
  /** Proper choices of the set that were tried, and how many of them fail. 0 of them when `exhaustive`: the set is least. */
  readonly subsetsTried: number
  readonly subsetsFailing: number
  /** Every proper choice was tried. */
  readonly exhaustive: boolean
  readonly executions: number
}

/** Takes out what `signature` does not need. The scenario as it is must fail with it. */
export function ablate(scenario: Scenario, signature: string, run: RunTrial): Ablation {
  const known = new Map<string, boolean>()
  let executions = 0
  const fails = (items: readonly Item[]): boolean => {
    const key = items.map(({ list, id }) => `${list}/${id}`).join()
    let answer = known.get(key)
    if (answer === undefined) {
      executions++
      answer = failsAs(run(withItems(scenario, items)), signature)
      known.set(key, answer)
    }
    return answer
  }
  const all = itemsOf(scenario)
  known.set(all.map(({ list, id }) => `${list}/${id}`).join(), true)
  let needed = withoutNeedless(all, fails)
  let { tried, failing, least } = smallerSets(needed, fails)
  // Taking out one at a time can end in a set of which a much smaller part fails as well.
  while (least !== undefined) {
    needed = withoutNeedless(least, fails)
    ;({ tried, failing, least } = smallerSets(needed, fails))
  }
  return {
    scenario: withItems(scenario, needed),
    needed: needed.map((item) => ({
      item,
      passesWithout: !fails(needed.filter((other) => other !== item)),
      failsAlone: needed.length === 1 || fails([item]),
    })),
    unneeded: all.filter((item) => !needed.includes(item)),
    subsetsTried: tried,
    subsetsFailing: failing,
    exhaustive: needed.length <= EXHAUSTIVE_ITEMS,
    executions,
  }
}

/** Halves, quarters, … and single items out, until nothing can go alone. */
function withoutNeedless(items: readonly Item[], fails: (items: readonly Item[]) => boolean): readonly Item[] {
  let left = items
  for (let size = left.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = left.length - size; from > -size; from -= size) {
      const begin = Math.max(0, from)
      const fewer = [...left.slice(0, begin), ...left.slice(from + size)]
      if (fewer.length < left.length && fails(fewer)) left = fewer
    }
  }
  for (let again = true; again; ) {
    again = false
    for (const item of left) {
      const fewer = left.filter((other) => other !== item)
      if (!fails(fewer)) continue
      left = fewer
      again = true
      break
    }
  }
  return left
}

function smallerSets(
  items: readonly Item[],
  fails: (items: readonly Item[]) => boolean,
): { readonly tried: number; readonly failing: number; readonly least: readonly Item[] | undefined } {
  let tried = 0
  let failing = 0
  let least: readonly Item[] | undefined
  for (let size = 0; size < items.length; size++) {
    if (items.length > EXHAUSTIVE_ITEMS && size > 1 && size < items.length - 1) continue
    for (const choice of choices(items, size)) {
      tried++
      if (!fails(choice)) continue
      failing++
      least ??= choice
    }
  }
  return { tried, failing, least }
}
