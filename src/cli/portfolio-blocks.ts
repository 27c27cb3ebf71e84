/**
 * The blocks of a portfolio campaign: lane after lane, as `planRound` decides by what the lanes before brought. A lane of a later
 * round is given out when all lanes of the round before the last have been delivered; whoever asks earlier waits.
 */

import {
  type Block,
  featuresOf,
  type Gain,
  laneTrialsOf,
  PORTFOLIO,
  parseTrialId,
  planRound,
  type Shard,
  seedAt,
  strategyOf,
} from '../trial/index.ts'
import type { Delivered } from './drive.ts'
import { failureOf } from './keeper.ts'

/** A lane that came to its end, as the journal keeps it. */
export interface LaneRecord {
  readonly lane: string
  readonly events: number
  /** Features and kinds of failure that no lane before had. */
  readonly features: readonly number[]
  readonly failures: readonly string[]
}

export interface PortfolioPlan {
  readonly suites: readonly string[]
  readonly defects: readonly string[]
  readonly seed: number
  readonly shard: Shard
  readonly seedTrials: number
  readonly most: number
  /** Lanes of the past, by name: they are not run again. */
  readonly past: ReadonlyMap<string, LaneRecord>
  isStopped(): boolean
  onLane(record: LaneRecord): void
}

interface Given extends Block {
  readonly round: number
  readonly lane: string
}

export interface StrategyRow {
  readonly strategy: string
  readonly lanes: number
  readonly features: number
  readonly failures: number
  readonly events: number
}

type Answer = IteratorResult<Block, undefined>

const END: Answer = { done: true, value: undefined }

export class PortfolioBlocks implements AsyncIterator<Block, undefined> {
  readonly #plan: PortfolioPlan
  readonly #gains: Gain[] = []
  readonly #features = new Set<number>()
  readonly #failures = new Set<string>()
  /** Lanes given out so far, by suite and strategy. */
  readonly #counts = new Map<string, number>()
  readonly #waiting: ((answer: Answer) => void)[] = []
  #round = -1
  #queue: Given[] = []
  /** Lanes of each round that have not come to their end. */
  readonly #open: number[] = []
  #left: number
  /** Of the lane that is being delivered. */
  #now: { events: number; features: number[]; failures: string[]; trials: number } = nothing()

  constructor(plan: PortfolioPlan) {
    this.#plan = plan
    this.#left = plan.most
  }

  next(): Promise<Answer> {
    const answer = this.#take()
    if (answer !== undefined) return Promise.resolve(answer)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** In the order of the campaign. */
  onTrial({ record }: Delivered): void {
    if (parseTrialId(record.trialId) === undefined) return
    const { result } = record
    this.#now.trials++
    this.#now.events += result.steps
    for (const feature of featuresOf(result)) {
      if (this.#features.has(feature)) continue
      this.#features.add(feature)
      this.#now.features.push(feature)
    }
    const failure = failureOf(result)
    if (failure === undefined || this.#failures.has(failure)) return
    this.#failures.add(failure)
    this.#now.failures.push(failure)
  }

  /** All trials of the block were delivered, as far as they were run. */
  onBlock(block: Block): void {
    const { trials, ...lane } = this.#now
    this.#now = nothing()
    const given = block as Given
    if (trials === block.count || !this.#plan.isStopped()) {
      const record = { lane: given.lane, ...lane }
      this.#enter(given, record)
      // One that was cut short by the number of trials may go on another time.
      if (block.count === laneTrialsOf(strategyOf(block.strategy))) this.#plan.onLane(record)
    }
    while (this.#waiting.length > 0) {
      const answer = this.#plan.isStopped() ? END : this.#take()
      if (answer === undefined) return
      this.#waiting.shift()?.(answer)
    }
  }

  /** What each strategy brought. */
  rows(): StrategyRow[] {
    return [...new Set(PORTFOLIO)].map((strategy) => {
      const own = this.#gains.filter((gain) => gain.strategy === strategy)
      const sum = (of: (gain: Gain) => number) => own.reduce((total, gain) => total + of(gain), 0)
      return {
        strategy,
        lanes: own.length,
        features: sum(({ features }) => features),
        failures: sum(({ failures }) => failures),
        events: sum(({ events }) => events),
      }
    })
  }

  /** Undefined: not before other lanes have come to their end. */
  #take(): Answer | undefined {
    for (;;) {
      const block = this.#queue.shift()
      if (block === undefined) {
        if (this.#left <= 0 || this.#plan.suites.length === 0) return END
        // What is decided next goes by all rounds but the last.
        if ((this.#open[this.#round - 1] ?? 0) > 0) return undefined
        this.#nextRound()
        continue
      }
      const known = this.#plan.past.get(block.lane)
      if (known === undefined) return { done: false, value: block }
      for (const feature of known.features) this.#features.add(feature)
      for (const failure of known.failures) this.#failures.add(failure)
      this.#enter(block, known)
    }
  }

  #nextRound(): void {
    const { suites, defects, seed, shard, seedTrials } = this.#plan
    const round = ++this.#round
    const name = `${seed}/${shard.index}/${shard.count}`
    for (const { suite, strategy } of planRound(round, suites, PORTFOLIO, this.#gains, name)) {
      const key = `${suite}~${strategy}`
      const length = laneTrialsOf(strategyOf(strategy))
      const lane = this.#counts.get(key) ?? 0
      this.#counts.set(key, lane + 1)
      const place = lane * length
      const count = Math.min(length, this.#left)
      if (count <= 0) break
      this.#left -= count
      const own = seedAt(seed, shard, Math.floor(place / seedTrials))
      const from = place % seedTrials
      const how = strategy === 'random' ? {} : { strategy }
      this.#queue.push({
        suite,
        defects,
        ...how,
        seed: own,
        from,
        count,
        round,
        lane: `${key}:${own}:${from}`,
      })
    }
    this.#open[round] = this.#queue.length
  }

  #enter({ suite, strategy = 'random', round }: Given, { events, features, failures }: LaneRecord): void {
    this.#open[round] = (this.#open[round] ?? 0) - 1
    this.#gains.push({
      suite,
      strategy: strategy as Gain['strategy'],
      round,
      events,
      features: features.length,
      failures: failures.length,
    })
  }
}

function nothing() {
  return { events: 0, features: [] as number[], failures: [] as string[], trials: 0 }
}
