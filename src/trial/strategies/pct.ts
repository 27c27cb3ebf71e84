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
const PLACES_PER_SECOND = 256
/** By how much the message to the lowest process may be late. A hop takes 0.2 to 0.8 ms, an election timeout is 1 s. */
const DELAYS: readonly Micros[] = [0, 2 * MILLISECOND, 10 * MILLISECOND, 50 * MILLISECOND]

function drawSchedule(durationMicros: Micros, dice: Dice): Schedule {
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

/** What the method promises of one trial for bugs of a depth. */
export interface PctBound {
  readonly depth: number
  /** Processes: n. */
  readonly processes: number
  /** Places that each change point is drawn from, evenly: k. */
  readonly places: number
  /** At least one trial of that depth in so many finds the bug: n k^(d-1). */
  readonly oneIn: number
}

/**
 * The bounds for a scenario, one for each depth that is drawn (each in a fourth of the trials). They hold for orderings of events at
 * one moment, and of messages that race by less than the delays, which are among the first 256 events of their second.
 */
export function pctBounds({ topology, durationMicros }: Scenario): readonly PctBound[] {
  // The container runtime of each node too.
  const processes = componentNames(topology).length + topology.nodes
  const places = Math.max(1, Math.floor(durationMicros / SECOND)) * PLACES_PER_SECOND
  let oneIn = processes
  return Array.from({ length: DEPTH_MAXIMUM }, (_, index) => {
    if (index > 0) oneIn *= places
    return { depth: index + 1, processes, places, oneIn }
  })
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
