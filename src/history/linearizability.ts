/**
 * Is a history linearizable? Cuts it into the parts that the model allows and searches each. Herlihy and Wing (1990) show
 * that linearizability is local; Horn and Kroening (2015) that the same holds for parts of one object that do not meet.
 */
import { type History, malformed } from './history.ts'
import type { Model, Partition } from './model.ts'
import { search } from './search.ts'

export interface CheckOptions {
  /** Steps of the model that the whole check may try. Default 20 million. */
  readonly budget?: number
}

export interface Linearizable<Input, Output> {
  readonly verdict: 'linearizable'
  /** For each part an order that explains it. Operations that are missing never took effect. */
  readonly orders: ReadonlyMap<string, History<Input, Output>>
  readonly steps: number
}

export interface NotLinearizable<Input, Output> {
  readonly verdict: 'not-linearizable'
  /** The first part that has no order. */
  readonly part: Partition<Input, Output>
  /** The operation of it whose return no order gets past, though every return before it can be got past. */
  readonly wall: History<Input, Output>[number]
  readonly steps: number
}

/** No part was found without an order, and the budget did not suffice for these. */
export interface Undecided {
  readonly verdict: 'unknown'
  readonly parts: readonly string[]
  readonly steps: number
}

export type LinearizabilityVerdict<Input, Output> =
  | Linearizable<Input, Output>
  | NotLinearizable<Input, Output>
  | Undecided

const DEFAULT_BUDGET = 20_000_000

/** Checks a history. Throws an Error for one that is not well formed: that is a mistake of whoever recorded it. */
export function checkLinearizability<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  options: CheckOptions = {},
): LinearizabilityVerdict<Input, Output> {
  const problems = malformed(history)
  if (problems.length > 0) throw new Error(`not a history: ${problems.slice(0, 3).join('; ')}`)
  const budget = options.budget ?? DEFAULT_BUDGET
  const orders = new Map<string, History<Input, Output>>()
  const whole: Partition<Input, Output> = { name: 'all', operations: history }
  let open = [...(model.partition?.(history) ?? [whole])].sort((a, b) => a.operations.length - b.operations.length)
  let steps = 0
  // Each part gets its share of what is left, and who did not manage gets a second chance with what the others spared.
  for (let round = 0; round < 2; round++) {
    const undecided: Partition<Input, Output>[] = []
    for (const [index, part] of open.entries()) {
      const result = search(part.operations, model, Math.floor((budget - steps) / (open.length - index)))
      steps += result.steps
      if (result.verdict === 'illegal')
        return { verdict: 'not-linearizable', part, wall: part.operations[result.wall]!, steps }
      if (result.verdict === 'unknown') undecided.push(part)
      else
        orders.set(
          part.name,
          result.order.map((place) => part.operations[place]!),
        )
    }
    open = undecided
  }
  if (open.length > 0) return { verdict: 'unknown', parts: open.map((part) => part.name), steps }
  return { verdict: 'linearizable', orders, steps }
}

/** Cuts a history by a name that each operation has. Sound if operations of different names never touch the same state. */
export function partitionBy<Input, Output>(
  history: History<Input, Output>,
  nameOf: (input: Input) => string,
): Partition<Input, Output>[] {
  const parts = new Map<string, History<Input, Output>[number][]>()
  for (const operation of history) {
    const name = nameOf(operation.input)
    const part = parts.get(name)
    if (part === undefined) parts.set(name, [operation])
    else part.push(operation)
  }
  return [...parts].map(([name, operations]) => ({ name, operations }))
}
