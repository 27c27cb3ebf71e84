/**
 * The search of Wing and Gong (1993) and nothing else: no parts, no memory of configurations, operations of unknown outcome
 * in the order of their calls like all others. A second opinion for tests, and what the checker is compared with.
 */
import { EventList } from './events.ts'
import type { History } from './history.ts'
import type { Model } from './model.ts'

export interface PlainResult {
  readonly verdict: 'linearizable' | 'not-linearizable' | 'unknown'
  readonly steps: number
}

interface Placed<State> {
  readonly operation: number
  readonly cursor: number
  readonly state: State
}

/** Searches at most `budget` steps of the model. */
export function plainSearch<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  budget: number,
): PlainResult {
  let owed = history.filter((one) => one.return !== undefined).length
  const closed = history.map((one) => ({ ...one, return: one.return ?? Number.POSITIVE_INFINITY }))
  const events = new EventList(closed, () => true)
  const placed: Placed<State>[] = []
  let state = model.init()
  let cursor = events.first
  let steps = 0
  while (owed > 0) {
    if (steps >= budget) return { verdict: 'unknown', steps }
    if (cursor !== events.end && !events.isReturn(cursor)) {
      const operation = events.operation(cursor)
      const { input, output } = history[events.required[operation]!]!
      steps++
      const step = model.step(state, input, output)
      if (!step.ok) {
        cursor = events.next(cursor)
        continue
      }
      placed.push({ operation, cursor, state })
      events.lift(operation)
      if (output !== undefined) owed--
      state = step.state
      cursor = events.first
      continue
    }
    const back = placed.pop()
    if (back === undefined) return { verdict: 'not-linearizable', steps }
    events.putBack(back.operation)
    if (history[events.required[back.operation]!]!.output !== undefined) owed++
    state = back.state
    cursor = events.next(back.cursor)
  }
  return { verdict: 'linearizable', steps }
}
