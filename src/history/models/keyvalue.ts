/**
 * A store of keys with revisions as etcd has it, in three strengths. They take the same histories and differ in how much
 * of the answers they look at, and in whether keys can be checked apart.
 *
 * - `KEY_VALUES` looks at values, at what is there and what is not, and at how many keys a deletion took. Keys that no
 *   operation connects are independent, so cutting by key is sound and complete. A comparison of mod revisions counts only
 *   as far as it says whether the key was there.
 * - `KEY_REVISIONS` looks at the revisions of each key too, and demands that the revisions told by operations
 *   on a key grow in the order of their effects. Of versions it only looks whether they are 1: puts of unknown outcome
 *   that were overwritten before anybody looked are not counted. A revision is told by one counter for the whole store, so cutting by key
 *   is sound (what it refuses is wrong) but not complete: that two keys' revisions fit together is not seen (but see
 *   `revisionGoesBack`).
 * - `revisionedStore()` knows the counter: every write takes the next revision and every read tells the present one. All
 *   keys share it, so a history cannot be cut. It sees everything, but a gap that many writes of unknown outcome might fill
 *   makes the search grow; outcomes that other evidence tells (see `Operation.return`) keep it small.
 */
import { type Model, REFUSED, type Step } from '../model.ts'
import { bareCell, type Cell, cellAsFound, comparesEqual, putCell, withModRevision } from './cell.ts'
import {
  branchOf,
  type Comparison,
  describeInput,
  describeStore,
  overwrites,
  partitionByKeys,
  type StoreInput,
  type StoreOutput,
  type TxnInput,
  writes,
} from './store.ts'

export interface StoreState {
  /** The store's revision, or one that it is not below (that of the last write); 0 where nobody looks at it. */
  readonly revision: number
  /** The keys that are there, in their order. */
  readonly cells: ReadonlyMap<string, Cell>
}

type Strength = 'values' | 'key-revisions' | 'revisions'

export type StoreModel = Model<StoreState, StoreInput, StoreOutput>

export const KEY_VALUES: StoreModel = { ...modelOf('values', 0), partition: partitionByKeys }

export const KEY_REVISIONS: StoreModel = { ...modelOf('key-revisions', 0), partition: partitionByKeys }

/** `initialRevision`: of the empty store that the history begins with; 1 for a new etcd. */
export function revisionedStore(initialRevision = 1): StoreModel {
  return modelOf('revisions', initialRevision)
}

function modelOf(strength: Strength, initialRevision: number): StoreModel {
  return {
    name: `key-value store, ${strength}`,
    init: () => ({ revision: initialRevision, cells: new Map() }),
    step: (state, input, output) => new Effect(state, strength).of(input, output),
    key(state) {
      let text = `${state.revision}`
      for (const [key, cell] of state.cells) text += `;${JSON.stringify(key)}=${cell.text}`
      return text
    },
    readOnly: (input, output) => !writes(input) || (output !== undefined && wroteNothing(input, output)),
    rank: (input, output) => 2 * output.revision + (writes(input) && !wroteNothing(input, output) ? 0 : 1),
    alike: describeInput,
    absorbs: (state, earlier, later) =>
      strength !== 'revisions' &&
      later.type !== 'txn' &&
      overwrites(later, earlier, state.cells.has(later.key), strength === 'key-revisions'),
    describe: describeStore,
    describeState(state) {
      const cells = [...state.cells].map(([key, cell]) => `${key}=${cell.value}${mark(cell)}`).join(' ')
      return `${cells === '' ? 'nothing' : cells}${state.revision > 0 ? ` at revision ${state.revision}` : ''}`
    },
  }
}

function wroteNothing(input: StoreInput, output: StoreOutput): boolean {
  return output.deleted === 0 && !branchOf(input, output.succeeded).some((one) => one.type === 'put')
}

function mark(cell: Cell): string {
  if (cell.version === 0) return ''
  return cell.modExact ? `@${cell.modRevision}` : `@${cell.modRevision} or later`
}

/** One operation taking effect. Cells are copied when the first one changes. */
class Effect {
  readonly #before: StoreState
  readonly #strength: Strength
  #cells: ReadonlyMap<string, Cell>
  #wrote = false

  constructor(before: StoreState, strength: Strength) {
    this.#before = before
    this.#strength = strength
    this.#cells = before.cells
  }

  of(input: StoreInput, output: StoreOutput | undefined): Step<StoreState> {
    if (output !== undefined && !this.#mayTell(output.revision)) return REFUSED
    const succeeded = output === undefined || output.succeeded
    if (input.type === 'txn' ? !this.#branch(input, succeeded) : !succeeded) return REFUSED
    const known = this.#strength === 'revisions' ? undefined : output?.revision
    const revision = known ?? this.#before.revision + 1
    const exact = this.#strength === 'revisions' || known !== undefined
    let found = 0
    let deleted = 0
    for (const one of branchOf(input, succeeded)) {
      switch (one.type) {
        case 'get':
          if (output === undefined) break
          if (this.#cells.has(one.key) && !this.#found(output, found++, one.key)) return REFUSED
          break
        case 'range':
          if (output === undefined) break
          for (const key of this.#cells.keys())
            if (key >= one.key && key < one.rangeEnd && !this.#found(output, found++, key)) return REFUSED
          break
        case 'put': {
          const cell = this.#cells.get(one.key)
          const values = this.#strength === 'values'
          this.#set(
            one.key,
            values ? bareCell(one.value) : putCell(cell, one.value, revision, exact, this.#strength === 'revisions'),
          )
          this.#wrote = true
          break
        }
        case 'delete':
          if (!this.#cells.has(one.key)) break
          this.#set(one.key, undefined)
          this.#wrote = true
          deleted++
          break
      }
    }
    if (output !== undefined && (output.found.length !== found || output.deleted !== deleted)) return REFUSED
    return this.#after(output)
  }

  /** Spares the rest where the revision alone refuses. */
  #mayTell(revision: number): boolean {
    const before = this.#before.revision
    if (this.#strength === 'revisions') return revision === before || revision === before + 1
    return this.#strength === 'values' || revision >= before
  }

  /** Can the comparisons have come out like that? Learns what they tell. */
  #branch(input: TxnInput, succeeded: boolean): boolean {
    const results = input.compare.map((one) => compares(this.#cells.get(one.key), one))
    if (!succeeded) return results.some((result) => result !== true)
    if (results.includes(false)) return false
    if (this.#strength === 'values') return true
    for (const one of input.compare) {
      const cell = this.#cells.get(one.key)
      if ('modRevision' in one && cell !== undefined && !cell.modExact)
        this.#set(one.key, withModRevision(cell, one.modRevision))
    }
    return true
  }

  /** Does the answer's entry show that key as it is? Learns what it tells. */
  #found(output: StoreOutput, index: number, key: string): boolean {
    const cell = this.#cells.get(key)
    const found = output.found[index]
    if (cell === undefined || found === undefined || found.key !== key) return false
    if (this.#strength === 'values') return found.value === cell.value
    if (found.modRevision > output.revision) return false
    const learned = cellAsFound(cell, found, this.#strength === 'revisions')
    if (learned !== undefined && learned !== cell) this.#set(key, learned)
    return learned !== undefined
  }

  #after(output: StoreOutput | undefined): Step<StoreState> {
    const before = this.#before.revision
    if (this.#strength === 'values') return this.#result(0, before)
    const least = this.#wrote ? before + 1 : before
    // Where it is a bound a write of unknown outcome leaves it: by how much it went up is not known either.
    if (output === undefined) return this.#result(this.#strength === 'revisions' ? least : before, before)
    if (this.#strength === 'revisions' ? output.revision !== least : output.revision < least) return REFUSED
    // What a read tells is not kept where it is a bound: then every read would make another state.
    return this.#result(this.#wrote ? output.revision : before, before)
  }

  #result(revision: number, before: number): Step<StoreState> {
    if (revision === before && this.#cells === this.#before.cells) return { ok: true, state: this.#before }
    return { ok: true, state: { revision, cells: this.#cells } }
  }

  #set(key: string, cell: Cell | undefined): void {
    const cells = new Map(this.#cells)
    this.#cells = cells
    if (cell === undefined) cells.delete(key)
    else if (cells.has(key) || last(cells) < key) cells.set(key, cell)
    else this.#cells = new Map([...cells.set(key, cell)].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

/** Does the comparison hold for the key? Undefined: it may. Values are always known. */
function compares(cell: Cell | undefined, comparison: Comparison): boolean | undefined {
  if ('value' in comparison) return cell?.value === comparison.value
  return comparesEqual(cell, comparison.modRevision)
}

function last(cells: ReadonlyMap<string, Cell>): string {
  let key = ''
  for (const one of cells.keys()) key = one
  return key
}
