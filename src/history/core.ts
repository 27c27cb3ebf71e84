/**
 * The smallest reason why a history is not linearizable. Leaving a write out of a history is not a fair way to shrink it:
 * what read its value would then be at fault. So what is left out is set free instead: a free operation may have taken
 * effect at any moment or never, and its answer is forgotten. The core is a set of operations that contradict each other
 * although all others are free, and of which none can be set free itself: then there is an order. Reads can simply go.
 *
 * Found by delta debugging (Zeller and Hildebrandt, 2002), reads first. Many free operations make a search long. So a smaller
 * set is tried first without them, then with those that explained something before, then with a quick look at all; only what
 * is left in the end is held to a long search.
 */
import { type History, type Operation, setFree } from './history.ts'
import type { Model } from './model.ts'
import { SHORT_RUNS, search } from './search.ts'

export interface Core<Input, Output> {
  /** In the order of their calls. */
  readonly operations: History<Input, Output>
  /** Shown: set any one of them free and there is an order. */
  readonly minimal: boolean
  /** Shown: whatever the free ones did, there is none. If not, the operations contradict each other at least by themselves. */
  readonly proven: boolean
}

/** Steps of the long search, of the quick look for each free operation, and of a quick look at least. */
const PROOF_STEPS = 100_000
/** Of a search without free operations. */
const ALONE_STEPS = 30_000
const LOOK_STEPS = 30
const LEAST_STEPS = 2_000
const ATTEMPTS = 5

/** The core of a history that is not linearizable. `wall`: the operation that no order gets past. At most `budget` steps. */
export function coreOf<State, Input, Output>(
  history: History<Input, Output>,
  wall: Operation<Input, Output>,
  model: Model<State, Input, Output>,
  budget: number,
): Core<Input, Output> {
  const shrinker = new Shrinker(history, model, budget)
  const isRead = (one: Operation<Input, Output>) => model.readOnly?.(one.input, one.output) === true
  const isWrite = (one: Operation<Input, Output>) => !isRead(one)
  // What was called after the wall, or is unknown, seldom matters, and its going makes all that follows faster.
  const isMarginal = (one: Operation<Input, Output>) => one.return === undefined || one.call > wall.return!
  const start = shrinker.smallest(
    history.filter(isMarginal),
    history.filter((one) => !isMarginal(one)),
  )
  let kept: History<Input, Output> = start
  let proven = false
  for (let attempt = 0; attempt < ATTEMPTS && !proven; attempt++) {
    kept = shrinker.smallest(start.filter(isRead), start.filter(isWrite))
    kept = shrinker.smallest(kept.filter(isWrite), kept.filter(isRead))
    // With fewer writes in their places some of the reads may have become superfluous.
    kept = shrinker.smallest(kept.filter(isRead), kept.filter(isWrite))
    // An order that the quick looks overlooked is known from now on; without one there is no use in another attempt.
    const verdict = shrinker.longSearch(new Set(kept))
    proven = verdict === 'illegal'
    if (verdict !== 'linearizable') break
  }
  const minimal = kept.every((one) => shrinker.hasOrder(new Set(kept.filter((other) => other !== one))))
  return { operations: [...kept].sort((a, b) => a.call - b.call), minimal, proven }
}

class Shrinker<State, Input, Output> {
  readonly #all: History<Input, Output>
  readonly #model: Model<State, Input, Output>
  readonly #helpful = new Set<Operation<Input, Output>>()
  #left: number

  constructor(all: History<Input, Output>, model: Model<State, Input, Output>, budget: number) {
    this.#all = all
    this.#model = model
    this.#left = budget
  }

  /** `fixed` and as few of `optional` as still contradict each other. */
  smallest(optional: History<Input, Output>, fixed: History<Input, Output>): History<Input, Output> {
    let rest = [...optional]
    let size = Math.ceil(rest.length / 2)
    while (rest.length > 0) {
      let smaller = false
      for (let from = 0; from < rest.length; ) {
        const without = [...rest.slice(0, from), ...rest.slice(from + size)]
        if (this.#contradictory(new Set([...without, ...fixed]))) {
          rest = without
          smaller = true
        } else from += size
      }
      if (size === 1 && !smaller) break
      if (size > 1) size = Math.ceil(size / 2)
    }
    return [...rest, ...fixed]
  }

  /** No order of these was found, by themselves and with what the others may have done. */
  #contradictory(kept: ReadonlySet<Operation<Input, Output>>): boolean {
    return (
      this.#search(kept, () => false, ALONE_STEPS) === 'illegal' &&
      !this.#hasOrder(kept, (one) => this.#helpful.has(one)) &&
      !this.hasOrder(kept)
    )
  }

  /** Was an order found, with what the others may have done? */
  hasOrder(kept: ReadonlySet<Operation<Input, Output>>): boolean {
    return this.#hasOrder(kept, () => true)
  }

  #hasOrder(kept: ReadonlySet<Operation<Input, Output>>, free: (one: Operation<Input, Output>) => boolean): boolean {
    const steps = LEAST_STEPS + LOOK_STEPS * this.#all.filter((one) => !kept.has(one) && free(one)).length
    return this.#search(kept, free, steps, SHORT_RUNS) === 'linearizable'
  }

  /** Is there an order, whatever the others did? */
  longSearch(kept: ReadonlySet<Operation<Input, Output>>): string {
    return this.#search(kept, () => true, PROOF_STEPS)
  }

  #search(
    kept: ReadonlySet<Operation<Input, Output>>,
    free: (one: Operation<Input, Output>) => boolean,
    steps: number,
    passes?: Parameters<typeof search>[3],
  ): string {
    const used = this.#all.filter((one) => kept.has(one) || free(one))
    const history = used.map((one) => (kept.has(one) ? one : setFree(one)))
    const result = search(history, this.#model, Math.min(this.#left, steps), passes)
    this.#left -= result.steps
    if (result.verdict === 'linearizable')
      for (const index of result.order) if (!kept.has(used[index]!)) this.#helpful.add(used[index]!)
    return result.verdict
  }
}
