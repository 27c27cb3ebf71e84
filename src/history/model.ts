/**
 * What an object may do, one operation at a time: the sequential specification that a history is held to. A model is
 * deterministic: state and input decide the new state. What it may leave open is which outputs it accepts.
 */
import type { History } from './history.ts'

/** The operation fits and leads to `state`, or it does not fit here. */
export type Step<State> = { readonly ok: true; readonly state: State } | { readonly ok: false }

/** The operation does not fit in this state. */
export const REFUSED: Step<never> = Object.freeze({ ok: false })

/** A part of a history that can be checked without the others. */
export interface Partition<Input, Output> {
  /** What the part is about, such as the key. */
  readonly name: string
  readonly operations: History<Input, Output>
}

export interface Model<State, Input, Output> {
  readonly name: string
  init(): State
  /**
   * The operation, taking effect in `state`. `output` undefined: nobody saw the answer, so any will do. States are values:
   * never changed, always made anew.
   */
  step(state: State, input: Input, output: Output | undefined): Step<State>
  /** Equal if and only if the states are equal. */
  key(state: State): string | number
  /**
   * Cuts a history into parts, such that the whole is linearizable if and only if every part is (P-compositionality).
   * A model that can only promise that the parts of a linearizable whole are linearizable says so. Unset: one part.
   */
  partition?(history: History<Input, Output>): readonly Partition<Input, Output>[]
  /**
   * True if the operation, with that answer (undefined: with any), changes no state wherever it fits. Unset: any may. Then
   * the checker places it at once where it fits, or leaves it out if its outcome is unknown.
   */
  readOnly?(input: Input, output: Output | undefined): boolean
  /** Equal for inputs that do the same in every state. Unset: none are alike. Spares the checker to try twins of unknown outcome. */
  alike?(input: Input): string
  /**
   * True if `later` fits in `state`, and leaves the same whether or not `earlier`, of an answer that nobody saw, takes effect
   * right before it. Unset: never. Spares the checker to try both where one does.
   */
  absorbs?(state: State, earlier: Input, later: Input): boolean
  /** A guess in which order operations took effect, from their answers: the lower first. Costs nothing but time if it is wrong. */
  rank?(input: Input, output: Output): number
  /** An operation in a few letters: `put a=1`, `get a -> 1`. */
  describe(input: Input, output: Output | undefined): string
  describeState(state: State): string
}
