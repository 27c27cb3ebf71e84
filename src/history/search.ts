/**
 * Looks for an order of one history's operations that the model allows and that keeps what was seen: who returned before
 * another was called took effect before it. The search of Wing and Gong with Lowe's memory of configurations, as Horn and
 * Kroening put them together ("Faster linearizability checking via P-compositionality", 2015), without recursion.
 *
 * What changes nothing (a read) is placed where it first fits and for good: no order is lost by it, since nobody can tell.
 * Operations of unknown outcome are taken in lazily. One is only ever placed right before an operation with an answer (what
 * comes last need not have happened at all), only when it changes the state, and runs of several are tried the shorter first.
 */
import { invariant } from '../kernel/invariant.ts'
import { EventList } from './events.ts'
import type { History } from './history.ts'
import type { Model } from './model.ts'
import { type UnknownSet, withUnknown } from './unknowns.ts'
import { PlacedSet, Visited } from './visited.ts'

export type SearchResult =
  /** `order`: places in the history, in an order that explains it; what is missing never took effect. */
  | { readonly verdict: 'linearizable'; readonly order: readonly number[]; readonly steps: number }
  /**
   * No order exists. `wall`: the place of the operation whose return no order gets past, though every return before can be
   * got past. So the history up to, without, that return is the longest prefix that is linearizable.
   */
  | { readonly verdict: 'illegal'; readonly wall: number; readonly steps: number }
  /** Nobody knows: the budget was used up first. */
  | { readonly verdict: 'unknown'; readonly steps: number }

/** A state reached from a configuration by operations of unknown outcome. */
interface Run<State> {
  readonly state: State
  readonly key: string | number
  readonly unknowns: UnknownSet | undefined
  readonly length: number
  /** Was something placed for good? Then there is no use in a longer run. */
  closed: boolean
  /** The last one placed and how it was come by; undefined: none was. */
  readonly last: number
  readonly from: Run<State> | undefined
}

/** One level of the search: a configuration and what was tried from there. */
interface Level<State> {
  /** The configuration itself first, then what unknowns make of it, the shorter runs first. */
  readonly runs: Run<State>[]
  /** Who may come next: called before anybody must have returned. The likelier ones first. */
  readonly candidates: readonly number[]
  /** The return that nothing after it can come before. */
  readonly wall: number
  /** The run that is looked at, and the candidate where looking goes on. */
  run: number
  cursor: number
  /** The first run whose successors were not made yet. */
  unexpanded: number
  /** The set of placed operations, as text; made when needed. */
  readonly window: string
  /** The operation whose placing made this level, after which run of the level before; for taking it back. */
  readonly operation: number
  readonly after: Run<State> | undefined
  readonly highestBefore: number
}

/** Searches at most `budget` steps of the model. `passes`: see there; `SHORT_RUNS` for a quick look. */
export function search<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  budget: number,
  passes: readonly Pass[] = ALL_RUNS,
): SearchResult {
  const events = new EventList(history, (index) => model.readOnly?.(history[index]!.input, undefined) !== true)
  let steps = 0
  // Long runs are rare, and looking for them where a short one elsewhere is missing takes long. So first without them.
  for (const [longest, share] of passes) {
    const result = new Search(history, model, events, longest, Math.floor((budget - steps) * share)).run()
    steps += result.steps
    if (result.verdict !== 'unknown') return { ...result, steps }
  }
  return { verdict: 'unknown', steps }
}

/** The longest run of operations of unknown outcome that a pass tries, and its share of the budget that is left. */
type Pass = readonly [longest: number, share: number]

const ALL_RUNS: readonly Pass[] = [
  [2, 0.4],
  [Number.POSITIVE_INFINITY, 1],
]

/** Finds most orders there are, and rarely proves that there is none. */
export const SHORT_RUNS: readonly Pass[] = [[3, 1]]

class Search<State, Input, Output> {
  readonly #history: History<Input, Output>
  readonly #model: Model<State, Input, Output>
  readonly #longest: number
  readonly #budget: number
  readonly #events: EventList
  readonly #placed: PlacedSet
  readonly #visited = new Visited()
  readonly #levels: Level<State>[] = []
  /** For each optional operation the one before that does the same, or -1; and a scratch pad. */
  readonly #twin: Int32Array
  /** For each required operation its place among those that overlap with it, as far as the model can guess. */
  readonly #rank: Float64Array
  readonly #readOnly: Uint8Array
  readonly #used: Uint8Array
  #steps = 0
  #wall = -1
  /** Was a run not made longer that could have been? Then not to find an order proves nothing. */
  #cut = false

  constructor(
    history: History<Input, Output>,
    model: Model<State, Input, Output>,
    events: EventList,
    longest: number,
    budget: number,
  ) {
    this.#history = history
    this.#model = model
    this.#longest = longest
    this.#budget = budget
    this.#events = events
    this.#placed = new PlacedSet(this.#events.required.length)
    this.#twin = this.#twins()
    this.#rank = Float64Array.from(this.#events.required, (index, place) => {
      const { input, output } = history[index]!
      return model.rank?.(input, output as Output) ?? place
    })
    this.#readOnly = Uint8Array.from(this.#events.required, (index) => {
      const { input, output } = history[index]!
      return model.readOnly?.(input, output) === true ? 1 : 0
    })
    this.#used = new Uint8Array(this.#events.optional.length)
  }

  run(): SearchResult {
    const total = this.#events.required.length
    if (total === 0) return { verdict: 'linearizable', order: [], steps: 0 }
    const state = this.#model.init()
    const start: Run<State> = {
      state,
      key: this.#model.key(state),
      unknowns: undefined,
      length: 0,
      closed: false,
      last: -1,
      from: undefined,
    }
    this.#visited.add(`0|${start.key}`, undefined)
    this.#push(start, -1, undefined, -1, '0')
    while (this.#levels.length > 0) {
      if (this.#steps >= this.#budget) {
        while (this.#levels.length > 0) this.#pop(this.#levels[this.#levels.length - 1]!)
        return { verdict: 'unknown', steps: this.#steps }
      }
      const level = this.#levels[this.#levels.length - 1]!
      if (level.run >= level.runs.length) {
        if (!this.#expand(level)) this.#pop(level)
      } else if (level.cursor >= level.candidates.length) {
        if (level.wall > this.#wall) this.#wall = level.wall
        level.run++
        level.cursor = 0
      } else if (this.#place(level) && this.#levels.length > total) {
        return { verdict: 'linearizable', order: this.#order(), steps: this.#steps }
      }
    }
    if (this.#cut) return { verdict: 'unknown', steps: this.#steps }
    invariant(this.#wall >= 0, 'history: what fails fails at a return')
    const wall = this.#events.required[this.#events.operation(this.#wall)]!
    return { verdict: 'illegal', wall, steps: this.#steps }
  }

  /** Tries the operation at the cursor. True if it made a new level. */
  #place(level: Level<State>): boolean {
    const run = level.runs[level.run]!
    const operation = level.candidates[level.cursor++]!
    const { input, output } = this.#history[this.#events.required[operation]!]!
    this.#steps++
    const step = this.#model.step(run.state, input, output)
    if (!step.ok) return false
    const key = this.#model.key(step.state)
    if (this.#readOnly[operation] === 1 && key === run.key) {
      // Nothing but to go on from here: neither another candidate nor a longer run.
      level.cursor = level.candidates.length
      run.closed = true
    }
    this.#events.lift(operation)
    const highestBefore = this.#placed.add(operation)
    const first = this.#events.first
    const window = first === this.#events.end ? '' : this.#placed.window(this.#events.operation(first))
    if (!this.#visited.add(`${window}|${key}`, run.unknowns)) {
      this.#placed.remove(operation, highestBefore)
      this.#events.putBack(operation)
      return false
    }
    const base: Run<State> = {
      state: step.state,
      key,
      unknowns: run.unknowns,
      length: 0,
      closed: false,
      last: -1,
      from: undefined,
    }
    this.#push(base, operation, run, highestBefore, window)
    return true
  }

  #push(base: Run<State>, operation: number, after: Run<State> | undefined, highestBefore: number, window: string) {
    const candidates: number[] = []
    let wall = this.#events.first
    for (; wall !== this.#events.end && !this.#events.isReturn(wall); wall = this.#events.next(wall)) {
      const one = this.#events.operation(wall)
      let at = candidates.length
      for (; at > 0 && this.#rank[candidates[at - 1]!]! > this.#rank[one]!; at--) candidates[at] = candidates[at - 1]!
      candidates[at] = one
    }
    this.#levels.push({
      runs: [base],
      candidates,
      wall,
      run: 0,
      cursor: 0,
      unexpanded: 0,
      window,
      operation,
      after,
      highestBefore,
    })
  }

  #pop(level: Level<State>): void {
    this.#levels.pop()
    if (level.operation < 0) return
    this.#placed.remove(level.operation, level.highestBefore)
    this.#events.putBack(level.operation)
  }

  /** Adds the runs that are one unknown longer than the next run. False if there is none left. */
  #expand(level: Level<State>): boolean {
    const run = level.runs[level.unexpanded]
    if (run === undefined) return false
    level.unexpanded++
    const called = this.#events.calledBy(level.wall)
    if (called === 0) return true
    if (run.closed) return true
    if (run.length >= this.#longest) {
      this.#cut = true
      return true
    }
    const { optional } = this.#events
    const { from } = run
    const earlier = run.last < 0 ? undefined : this.#history[optional[run.last]!]!.input
    for (let set = run.unknowns; set !== undefined; set = set.rest) this.#used[set.index] = 1
    for (let at = called - 1; at >= 0; at--) {
      const twin = this.#twin[at]!
      if (this.#used[at] === 1 || (twin >= 0 && this.#used[twin] === 0)) continue
      const { input } = this.#history[optional[at]!]!
      if (from !== undefined && this.#model.absorbs?.(from.state, earlier!, input) === true) continue
      this.#steps++
      const step = this.#model.step(run.state, input, undefined)
      if (!step.ok) continue
      const key = this.#model.key(step.state)
      if (key === run.key) continue
      const unknowns = withUnknown(run.unknowns, at)
      if (!this.#visited.add(`${level.window}|${key}`, unknowns)) continue
      level.runs.push({ state: step.state, key, unknowns, length: run.length + 1, closed: false, last: at, from: run })
    }
    for (let set = run.unknowns; set !== undefined; set = set.rest) this.#used[set.index] = 0
    return true
  }

  #order(): number[] {
    const order: number[] = []
    for (const { operation, after } of this.#levels) {
      if (operation < 0) continue
      const unknowns: number[] = []
      for (let run = after; run !== undefined && run.last >= 0; run = run.from)
        unknowns.push(this.#events.optional[run.last]!)
      order.push(...unknowns.reverse(), this.#events.required[operation]!)
    }
    return order
  }

  #twins(): Int32Array {
    const { optional } = this.#events
    const twins = new Int32Array(optional.length).fill(-1)
    if (this.#model.alike === undefined) return twins
    const latest = new Map<string, number>()
    for (let at = 0; at < optional.length; at++) {
      const kind = this.#model.alike(this.#history[optional[at]!]!.input)
      twins[at] = latest.get(kind) ?? -1
      latest.set(kind, at)
    }
    return twins
  }
}
