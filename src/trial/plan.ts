/**
 * Which trials a campaign runs, in which order: blocks of all suites in turn, under one seed after another. A pure function
 * of the plan, so a campaign can be cut into shards that share nothing, and go on where it was broken off.
 */

/** Part `index` of `count`, counted from 1. */
export interface Shard {
  readonly index: number
  readonly count: number
}

export interface Block {
  readonly suite: string
  readonly defects: readonly string[]
  /** Left out: plain random. */
  readonly strategy?: string
  readonly seed: number
  /** Number of the first trial. */
  readonly from: number
  readonly count: number
}

export interface BlockPlan {
  readonly suites: readonly string[]
  readonly defects: readonly string[]
  /** Left out: plain random. */
  readonly strategy?: string
  /** A 32-bit integer. */
  readonly seed: number
  readonly shard: Shard
  readonly blockTrials: number
  /** Trials of a suite under one seed; then the next seed begins: a trial far down a seed costs the draws of all before it. */
  readonly seedTrials: number
  /** Trials in all, those that were done before included. Default: no end. */
  readonly most?: number
}

/** `2/8`. */
export function printShard({ index, count }: Shard): string {
  return `${index}/${count}`
}

/**
 * The seeds that a shard goes through, without end. The shards of one number deal the seeds `seed`, `seed + 1`, … among
 * themselves: none is left out, none is given twice (within 2^32).
 */
export function* seedsOf(seed: number, shard: Shard): Generator<number> {
  for (let place = 0; ; place++) yield seedAt(seed, shard, place)
}

/** The seed at that place, from 0, of those that a shard goes through. */
export function seedAt(seed: number, { index, count }: Shard, place: number): number {
  return (seed + index - 1 + place * count) | 0
}

/** Trials that need not be run again. */
export class DoneTrials {
  readonly #numbers = new Map<string, Set<number>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(suite: string, seed: number, number: number, strategy?: string): void {
    const key = `${suite}~${strategy ?? ''}:${seed}`
    const numbers = this.#numbers.get(key) ?? new Set<number>()
    if (numbers.size === 0) this.#numbers.set(key, numbers)
    if (!numbers.has(number)) this.#size++
    numbers.add(number)
  }

  has(suite: string, seed: number, number: number, strategy?: string): boolean {
    return this.#numbers.get(`${suite}~${strategy ?? ''}:${seed}`)?.has(number) ?? false
  }
}

/** The blocks of a plan in order, without the trials that are done. */
export function* blocksOf(plan: BlockPlan, done: DoneTrials = new DoneTrials()): Generator<Block> {
  const { suites, defects, strategy, blockTrials, seedTrials } = plan
  const how = strategy === undefined ? {} : { strategy }
  if (suites.length === 0) return
  let left = plan.most ?? Number.POSITIVE_INFINITY
  for (const seed of seedsOf(plan.seed, plan.shard)) {
    for (let from = 0; from < seedTrials; from += blockTrials) {
      for (const suite of suites) {
        const count = Math.min(blockTrials, seedTrials - from, left)
        if (count <= 0) return
        left -= count
        yield* gaps({ suite, defects, ...how, seed, from, count }, done)
      }
    }
  }
}

/** What of a block is not done. */
function* gaps(block: Block, done: DoneTrials): Generator<Block> {
  const { suite, strategy, seed, from, count } = block
  let start: number | undefined
  for (let number = from; number <= from + count; number++) {
    const open = number < from + count && !done.has(suite, seed, number, strategy)
    if (open) start ??= number
    else if (start !== undefined) {
      yield { ...block, from: start, count: number - start }
      start = undefined
    }
  }
}
