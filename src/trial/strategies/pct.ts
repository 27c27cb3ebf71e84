/**
 * Probabilistic concurrency testing (Burckhardt et al., 2010) over the order of events due at one moment and of messages that
 * race: the suite's scenario with priorities of processes and d - 1 change points, as data (`schedule`). The depth of a bug is the
 * number of such orderings that it needs. What runs by priorities is `src/kernel/priorities.ts`.
 */
import { Arbitrary, type Random, Stream, Value } from 'fast-check'
import { componentNames } from '../../cluster/topology.ts'
import { MILLISECOND, type Micros, SECOND } from '../../kernel/index.ts'
import type { Scenario, Schedule } from '../scenario.ts'
import { Dice } from './dice.ts'
import type { DrawnStrategy } from './strategy.ts'

const DEPTH_MAXIMUM = 4
/** A change point is one of so many events after the beginning of a second: a small cluster has about as many in a second. */
export const PLACES_PER_SECOND = 256
/** By how much the message to the lowest process may be late. A hop takes 0.2 to 0.8 ms, an election timeout is 1 s. */
const DELAYS: readonly Micros[] = [0, 2 * MILLISECOND, 10 * MILLISECOND, 50 * MILLISECOND]

export function drawSchedule(durationMicros: Micros, dice: Dice): Schedule {
  const depth = dice.integer(1, DEPTH_MAXIMUM)
  const seconds = Math.max(1, Math.floor(durationMicros / SECOND))
  const changes = Array.from({ length: depth - 1 }, () => ({
    atMicros: dice.integer(0, seconds - 1) * SECOND,
    events: dice.integer(0, PLACES_PER_SECOND - 1),
  }))
  return {
    kind: 'pct',
    seed: String(dice.integer(0, 0x7fff_ffff)),
    changes: changes.sort((a, b) => a.atMicros - b.atMicros || a.events - b.events),
    delayMicros: dice.pick(DELAYS),
  }
}

/** What the method promises for one trial. */
export interface PctBound {
  /** Bugs that need so many orderings are within reach. */
  readonly depth: number
  /** Processes. */
  readonly processes: number
  /** Places that a change point is drawn from, evenly. */
  readonly places: number
  /** At least one trial in so many finds a bug of that depth: n k^(d-1). */
  readonly oneIn: number
}

/**
 * The bound for a scenario: n processes, k places, depth d. It holds for orderings of events at one moment, and of messages that
 * race by less than the delays, which are among the first 256 events of their second.
 */
export function pctBound(scenario: Scenario): PctBound | undefined {
  const { schedule, topology, durationMicros } = scenario
  if (schedule === undefined) return undefined
  const depth = schedule.changes.length + 1
  // The container runtime of each node too.
  const processes = componentNames(topology).length + topology.nodes
  const places = Math.max(1, Math.floor(durationMicros / SECOND)) * PLACES_PER_SECOND
  let oneIn = processes
  for (let change = 1; change < depth; change++) oneIn *= places
  return { depth, processes, places, oneIn }
}

/** `depth 2: at least 1 trial in 276,480 (n 18, k 15,360)`. */
export function printPctBound({ depth, processes, places, oneIn }: PctBound): string {
  const number = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ',')
  return `a bug of depth ${depth} shows in at least 1 trial in ${number(oneIn)} (n = ${processes} processes, k = ${number(places)} places)`
}

class PctArbitrary extends Arbitrary<Scenario> {
  readonly #suite: Arbitrary<Scenario>

  constructor(suite: Arbitrary<Scenario>) {
    super()
    this.#suite = suite
  }

  override generate(random: Random, biasFactor: number | undefined): Value<Scenario> {
    const scenario = this.#suite.generate(random, biasFactor).value
    const dice = new Dice(random.nextInt(0, 0x7fff_ffff), 'pct')
    return new Value({ ...scenario, schedule: drawSchedule(scenario.durationMicros, dice) }, undefined)
  }

  override canShrinkWithoutContext(value: unknown): value is Scenario {
    return this.#suite.canShrinkWithoutContext(value)
  }

  /** The house's shrinker stands in front of this one. */
  override shrink(): Stream<Value<Scenario>> {
    return Stream.nil()
  }
}

export const pct: DrawnStrategy = {
  kind: 'drawn',
  id: 'pct',
  title: 'processes get priorities, by which racing messages and events of one moment are ordered',
  source:
    'Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees", 2010',
  arbitrary: (suite) => new PctArbitrary(suite),
}
