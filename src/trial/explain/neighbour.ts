/**
 * The nearest scenario that passes: the smallest shift of one time or amount of one fault or step that is enough. Distances
 * are compared as what they are in microseconds; where no shift of up to half a minute helps, leaving one item out is the
 * nearest there is.
 */
import type { WorkloadStep } from '../../cluster/index.ts'
import { MILLISECOND, type Micros, SECOND } from '../../kernel/index.ts'
import { mistakesOf } from '../check-scenario.ts'
import type { Registry } from '../registry.ts'
import type { TrialResult } from '../result.ts'
import type { FaultStep, Scenario } from '../scenario.ts'
import { type Item, itemsOf, withItems } from './items.ts'
import type { RunTrial } from './recording.ts'

export interface Neighbour {
  readonly scenario: Scenario
  readonly result: TrialResult
  readonly item: Item
  /** Which number of the item was changed: `atMicros`, `durationMicros` or a parameter in microseconds; unset: it was left out. */
  readonly field?: string
  readonly from?: Micros
  readonly to?: Micros
  readonly executions: number
}

const DELTAS_MICROS: readonly Micros[] = [
  MILLISECOND,
  10 * MILLISECOND,
  100 * MILLISECOND,
  SECOND,
  3 * SECOND,
  10 * SECOND,
  30 * SECOND,
]

interface Dial {
  readonly item: Item
  readonly field: string
  readonly now: Micros
  set(micros: Micros): Scenario
}

/** Looks for it around a scenario that fails and holds nothing needless. Undefined when even without any one item it fails. */
export function nearestPassing(scenario: Scenario, registry: Registry, run: RunTrial): Neighbour | undefined {
  let executions = 0
  const passing = (candidate: Scenario): TrialResult | undefined => {
    if (mistakesOf(candidate, registry).length > 0) return undefined
    executions++
    const result = run(candidate)
    return result.verdict === 'passed' || result.verdict === 'vacuous' ? result : undefined
  }
  const dials = dialsOf(scenario)
  let nearer: Micros = 0
  for (const delta of DELTAS_MICROS) {
    let best: (Neighbour & { readonly distance: Micros }) | undefined
    for (const dial of dials)
      for (const direction of [-1, 1]) {
        const limit = Math.min(best?.distance ?? delta, direction < 0 ? dial.now : delta)
        if (limit <= nearer) continue
        let found = shifted(dial, direction * limit, passing)
        if (found === undefined) continue
        // The least shift of this dial that passes: between what fails and what passes, to a tenth of the shift.
        let fails = nearer
        let passes = limit
        while (passes - fails > Math.max(1, Math.floor(limit / 10))) {
          const middle = Math.floor((fails + passes) / 2)
          const closer = shifted(dial, direction * middle, passing)
          if (closer === undefined) fails = middle
          else {
            passes = middle
            found = closer
          }
        }
        const to = dial.now + direction * passes
        if (best === undefined || passes < best.distance)
          best = { ...found, item: dial.item, field: dial.field, from: dial.now, to, executions, distance: passes }
      }
    if (best !== undefined) {
      const { distance: _, ...neighbour } = best
      return { ...neighbour, executions }
    }
    nearer = delta
  }
  const items = itemsOf(scenario)
  for (const item of items.toReversed()) {
    const without = withItems(
      scenario,
      items.filter((other) => other !== item),
    )
    const result = passing(without)
    if (result !== undefined) return { scenario: without, result, item, executions }
  }
  return undefined
}

function shifted(
  dial: Dial,
  by: Micros,
  passing: (candidate: Scenario) => TrialResult | undefined,
): { readonly scenario: Scenario; readonly result: TrialResult } | undefined {
  const to = dial.now + by
  if (to < 0) return undefined
  const scenario = dial.set(to)
  const result = passing(scenario)
  return result === undefined ? undefined : { scenario, result }
}

/** Every time and every amount in microseconds of the scenario's faults and steps. */
function dialsOf(scenario: Scenario): Dial[] {
  const items = new Map(itemsOf(scenario).map((item) => [`${item.list}/${item.id}`, item]))
  const dials: Dial[] = []
  for (const [index, fault] of scenario.faults.entries()) {
    const item = items.get(`faults/${fault.id}`)!
    const put = (changed: FaultStep) => ({ ...scenario, faults: scenario.faults.with(index, changed) })
    dials.push({ item, field: 'atMicros', now: fault.atMicros, set: (atMicros) => put({ ...fault, atMicros }) })
    dials.push({
      item,
      field: 'durationMicros',
      now: fault.durationMicros,
      set: (durationMicros) => put({ ...fault, durationMicros }),
    })
    for (const [name, value] of Object.entries(fault.parameters)) {
      if (!name.endsWith('Micros') || typeof value !== 'number') continue
      const set = (micros: Micros) => put({ ...fault, parameters: { ...fault.parameters, [name]: micros } })
      dials.push({ item, field: name, now: value, set })
    }
  }
  for (const [index, step] of scenario.workload.entries()) {
    const set = (atMicros: Micros) => ({
      ...scenario,
      workload: scenario.workload.with(index, { ...step, atMicros } as WorkloadStep),
    })
    dials.push({ item: items.get(`workload/${step.id}`)!, field: 'atMicros', now: step.atMicros, set })
  }
  return dials
}
