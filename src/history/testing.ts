/**
 * For tests and benchmarks: a true linearizable store asked by clients that wait, give up and go on, so that the history
 * that comes out is linearizable by construction; ways to spoil it; and the definition of linearizability as a program.
 */
import { Rand } from '../kernel/random.ts'
import type { History, Operation } from './history.ts'
import type { Model } from './model.ts'
import { type Found, type StoreInput, type StoreOutput, storeOutput } from './models/store.ts'

/**
 * Linearizable by the definition: is there a subset of the operations of unknown outcome and an order of these and all
 * others, in which nobody comes after one that was called after it returned, and which the model allows? Tries all of them,
 * by a plain recursion that shares nothing with the checker. For up to eight operations or so.
 */
export function linearizableByDefinition<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
): boolean {
  const extend = (state: State, left: History<Input, Output>): boolean => {
    if (left.every((one) => one.return === undefined)) return true
    return left.some((one) => {
      const before = left.some((other) => other !== one && other.return !== undefined && other.return < one.call)
      if (before) return false
      const step = model.step(state, one.input, one.output)
      const rest = left.filter((other) => other !== one)
      return step.ok && extend(step.state, rest)
    })
  }
  return extend(model.init(), history)
}

/** A store that does each request at once and completely, as etcd answers. */
export class TrueStore {
  revision = 1
  readonly #cells = new Map<string, Found>()

  do(input: StoreInput): StoreOutput {
    const found: Found[] = []
    let deleted = 0
    const succeeded =
      input.type !== 'txn' ||
      input.compare.every((one) => {
        const cell = this.#cells.get(one.key)
        return 'value' in one ? cell?.value === one.value : (cell?.modRevision ?? 0) === one.modRevision
      })
    const branch = input.type !== 'txn' ? [input] : succeeded ? input.success : input.failure
    let wrote = 0
    for (const one of branch) {
      const cell = this.#cells.get(one.key)
      if (one.type === 'get' && cell !== undefined) found.push(cell)
      if (one.type === 'range')
        for (const key of [...this.#cells.keys()].sort())
          if (key >= one.key && key < one.rangeEnd) found.push(this.#cells.get(key)!)
      if (one.type === 'delete' && this.#cells.delete(one.key)) {
        deleted++
        wrote = 1
      }
      if (one.type === 'put') {
        wrote = 1
        this.#cells.set(one.key, {
          key: one.key,
          value: one.value,
          createRevision: cell?.createRevision ?? this.revision + 1,
          modRevision: this.revision + 1,
          version: (cell?.version ?? 0) + 1,
        })
      }
    }
    this.revision += wrote
    return storeOutput(this.revision, { found, deleted, succeeded })
  }

  modRevision(key: string): number {
    return this.#cells.get(key)?.modRevision ?? 0
  }
}

export interface WorkloadOptions {
  readonly seed: number
  readonly operations: number
  readonly clients: number
  readonly keys: number
  /** Chance of an unknown outcome, in parts per million; half of those took effect, some of them long after. */
  readonly unknownPpm?: number
  /** Values are drawn from so many; unset: every put writes a value of its own. */
  readonly values?: number
  /** Shares of puts, deletions and transactions in parts per million; the rest are gets. */
  readonly puts?: number
  readonly deletes?: number
  readonly transactions?: number
}

/** A history of a true store: every operation takes effect at one moment between call and return. */
export function trueHistory(options: WorkloadOptions): Operation<StoreInput, StoreOutput>[] {
  const rand = new Rand(options.seed, 41)
  const store = new TrueStore()
  const history: Operation<StoreInput, StoreOutput>[] = []
  // What happens when: effects and returns are drawn in advance, and done in the order of time.
  const free = Array.from({ length: options.clients }, (_, client) => rand.intAt(0, 50, client, 1))
  const inputs = new Map<number, StoreInput>()
  const effects: { at: number; index: number }[] = []
  const plans: { process: string; call: number; return: number | undefined }[] = []
  for (let index = 0; index < options.operations; index++) {
    let client = 0
    for (let other = 1; other < free.length; other++) if (free[other]! < free[client]!) client = other
    const call = free[client]!
    const effect = call + rand.intAt(1, 100, index, 2)
    const end = effect + rand.intAt(1, 100, index, 3)
    free[client] = end + rand.intAt(1, 40, index, 4)
    const unknown = rand.chanceAt(options.unknownPpm ?? 0, index, 5)
    plans.push({ process: `client-${client}`, call, return: unknown ? undefined : end })
    if (!unknown) effects.push({ at: effect, index })
    else if (rand.chanceAt(500_000, index, 6))
      effects.push({ at: effect + (rand.chanceAt(200_000, index, 7) ? rand.intAt(0, 5_000, index, 8) : 0), index })
  }
  const outputs = new Map<number, StoreOutput>()
  for (const { index } of effects.sort((a, b) => a.at - b.at || a.index - b.index)) {
    const input = draw(rand, options, index, store)
    inputs.set(index, input)
    outputs.set(index, store.do(input))
  }
  for (const [index, plan] of plans.entries()) {
    const input = inputs.get(index) ?? draw(rand, options, index, store)
    history.push({ ...plan, input, output: plan.return === undefined ? undefined : outputs.get(index)! })
  }
  return history
}

/** Transactions compare with the revision or the value that the key has, or had or may have, and write or read. */
function draw(rand: Rand, options: WorkloadOptions, index: number, store: TrueStore): StoreInput {
  const key = `k${rand.intAt(0, options.keys - 1, index, 11)}`
  const value = options.values === undefined ? index : rand.intAt(1, options.values, index, 12)
  const { puts = 400_000, deletes = 50_000, transactions = 150_000 } = options
  const dice = rand.intAt(0, 999_999, index, 13)
  if (dice < puts) return { type: 'put', key, value }
  if (dice < puts + deletes) return { type: 'delete', key }
  if (dice >= puts + deletes + transactions) return { type: 'get', key }
  const present = store.modRevision(key)
  const modRevision = rand.chanceAt(700_000, index, 14) ? present : Math.max(0, present - 1)
  return {
    type: 'txn',
    compare: [
      rand.chanceAt(200_000, index, 16)
        ? { key, value: rand.intAt(1, options.values ?? 4, index, 17) }
        : { key, modRevision },
    ],
    success: [rand.chanceAt(150_000, index, 15) ? { type: 'delete', key } : { type: 'put', key, value }],
    failure: [{ type: 'get', key }],
  }
}
