/** The faults and workload steps of a scenario as one list of items that can be taken out: what a failure may need. */
import type { Micros } from '../../kernel/index.ts'
import type { Scenario } from '../scenario.ts'

export interface Item {
  readonly list: 'faults' | 'workload'
  readonly id: string
  readonly kind: string
  readonly atMicros: Micros
}

/** All items in order of time; a fault before a step of the same moment. */
export function itemsOf(scenario: Scenario): Item[] {
  const faults = scenario.faults.map(({ id, kind, atMicros }): Item => ({ list: 'faults', id, kind, atMicros }))
  const steps = scenario.workload.map(({ id, kind, atMicros }): Item => ({ list: 'workload', id, kind, atMicros }))
  return [...faults, ...steps].sort((a, b) => a.atMicros - b.atMicros)
}

/** The scenario with these items and no others; all else stays. */
export function withItems(scenario: Scenario, items: readonly Item[]): Scenario {
  const has = (list: Item['list'], id: string) => items.some((item) => item.list === list && item.id === id)
  return {
    ...scenario,
    faults: scenario.faults.filter(({ id }) => has('faults', id)),
    workload: scenario.workload.filter(({ id }) => has('workload', id)),
  }
}

/** Every choice of `size` items, in order. */
export function* choices<T>(items: readonly T[], size: number, from = 0): Generator<T[]> {
  if (size === 0) {
    yield []
    return
  }
  for (let index = from; index <= items.length - size; index++)
    for (const rest of choices(items, size - 1, index + 1)) yield [items[index] as T, ...rest]
}
