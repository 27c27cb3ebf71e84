/**
 * Why a history is not linearizable, for a human: its core, how far an order of the core gets, and what does not fit there.
 */
import { type Core, coreOf } from './core.ts'
import type { History, Operation } from './history.ts'
import type { NotLinearizable } from './linearizability.ts'
import type { Model } from './model.ts'
import { search } from './search.ts'

export interface Witness<Input, Output> {
  /** The part of the history that it is about, such as the key. */
  readonly part: string
  /** The operations that contradict each other, in the order of their calls. */
  readonly operations: History<Input, Output>
  /** See `Core`. */
  readonly minimal: boolean
  readonly proven: boolean
  /** An order of the longest prefix that has one: all that returned before `stuckAt`, and who else took effect by then. */
  readonly placed: History<Input, Output>
  /** The moment that no order gets past. */
  readonly stuckAt: number
  /** The state that the order leaves, as text. */
  readonly state: string
  /** What was called by then, is not in the order and does not fit in that state. */
  readonly unplaced: History<Input, Output>
  /** A few lines that say all this. */
  readonly explanation: readonly string[]
}

/** Explains a verdict. At most `budget` steps of the model; default 4 million. */
export function witnessOf<State, Input, Output>(
  failure: NotLinearizable<Input, Output>,
  model: Model<State, Input, Output>,
  budget = 4_000_000,
): Witness<Input, Output> {
  const core = coreOf(failure.part.operations, failure.wall, model, budget)
  const result = search(core.operations, model, budget)
  const wall = result.verdict === 'illegal' ? core.operations[result.wall]! : failure.wall
  const stuckAt = wall.return!
  const prefix = upTo(core.operations, stuckAt)
  const found = search(
    prefix.map(({ seen }) => seen),
    model,
    budget,
  )
  const order = found.verdict === 'linearizable' ? found.order : []
  let state = model.init()
  for (const index of order) {
    const { input, output } = prefix[index]!.seen
    const step = model.step(state, input, output)
    if (step.ok) state = step.state
  }
  const placed = order.map((index) => prefix[index]!.whole)
  const unplaced = prefix.map(({ whole }) => whole).filter((one) => one.return !== undefined && !placed.includes(one))
  const text = model.describeState(state)
  return {
    part: failure.part.name,
    operations: core.operations,
    minimal: core.minimal,
    proven: core.proven,
    placed,
    stuckAt,
    state: text,
    unplaced,
    explanation: explained(core, model, placed, wall, text),
  }
}

/** The history as it was known just before a moment: who had not returned may or may not have taken effect. */
function upTo<Input, Output>(
  history: History<Input, Output>,
  moment: number,
): { whole: Operation<Input, Output>; seen: Operation<Input, Output> }[] {
  return history
    .filter((one) => one.call <= moment)
    .map((whole) => {
      const returned = whole.return !== undefined && whole.return < moment
      return { whole, seen: returned ? whole : { ...whole, return: undefined, output: undefined } }
    })
}

function explained<State, Input, Output>(
  core: Core<Input, Output>,
  model: Model<State, Input, Output>,
  placed: History<Input, Output>,
  wall: Operation<Input, Output>,
  state: string,
): string[] {
  const text = (one: Operation<Input, Output>) => `${one.process}: ${model.describe(one.input, one.output)}`
  const count = core.operations.length
  const whatever = core.proven ? ', whatever the others did' : ''
  const lines = [
    count === 1
      ? `One operation on a ${model.name} has an answer that it cannot have${whatever}.`
      : `${count} operations on a ${model.name} contradict each other${whatever}.`,
  ]
  if (placed.length === 0) lines.push(`Nothing came before: the state is ${state}.`)
  else lines.push(`An order up to there: ${placed.map(text).join('; ')}. It leaves ${state}.`)
  const wallPlaced = placed.includes(wall)
  lines.push(
    wallPlaced
      ? `Then ${text(wall)} returns, and with that answer it fits nowhere.`
      : `Then ${text(wall)} must have taken effect before it returned, and it fits neither there nor in any other order.`,
  )
  if (!core.minimal) lines.push('The budget did not suffice to show that fewer will not do.')
  return lines
}
