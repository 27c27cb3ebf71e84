/**
 * Which strategy gets the next lanes: a bandit over pairs of suite and strategy. A lane pays by the features and the kinds of failure
 * that the campaign had not seen before, and costs its events (processor time would differ from run to run). Lanes come in
 * rounds: one for each suite, and some more for the pairs that pay best. A round is decided by the rounds before the last one, so
 * that workers need not wait for each other, and the same whatever their number.
 */
import { Dice } from './dice.ts'
import type { StrategyId } from './strategy.ts'

/**
 * What has shown in the ablation (BENCHMARKS.md) that it finds something sooner than plain random search: swarm most things,
 * targeted some that the others hardly find. One that stands here twice has twice the chance. Plain random search goes on
 * within the lanes of targeted: each of its runs that show phases is one of it. PCT, feedback and small scopes have not
 * shown that; they run when they are named.
 */
export const PORTFOLIO: readonly StrategyId[] = ['swarm', 'targeted', 'swarm']

/** A kind of failure that is new counts like so many features. */
const FAILURE_PAYS = 50
/** Out of so many lanes one goes to any strategy, whatever it paid. */
const EXPLORE_ONE_IN = 4
/** Events of a lane of which nothing is known yet. */
const LANE_EVENTS = 100_000
/** Rounds before the last that still count; each counts half of the next. */
const MEMORY_ROUNDS = 12

/** What a lane is of. */
export interface Choice {
  readonly suite: string
  readonly strategy: StrategyId
}

/** What a lane brought. */
export interface Gain extends Choice {
  readonly round: number
  readonly features: number
  readonly failures: number
  readonly events: number
}

interface Account {
  pay: number
  events: number
}

/** Decides round `round`; of `gains` those of the two rounds before it must not be known, and are left out. */
export function planRound(
  round: number,
  suites: readonly string[],
  strategies: readonly StrategyId[],
  gains: readonly Gain[],
  seed: string,
): readonly Choice[] {
  const rateOf = rates(round, gains)
  const dice = new Dice(seed, `portfolio/${round}`)
  const turn = (index: number) => strategies[(index + round) % strategies.length] as StrategyId
  const known = gains.some((gain) => gain.round < round - 1)
  const each = suites.map((suite, index): Choice => {
    if (!known || dice.chance(1, EXPLORE_ONE_IN))
      return { suite, strategy: known ? dice.pick(strategies) : turn(index) }
    return weighted(
      strategies.map((strategy) => ({ suite, strategy })),
      rateOf,
      dice,
    )
  })
  const pairs = suites.flatMap((suite) => strategies.map((strategy): Choice => ({ suite, strategy })))
  const more = known ? Math.ceil(suites.length / 2) : 0
  return [...each, ...Array.from({ length: more }, () => weighted(pairs, rateOf, dice))]
}

/** Pay for an event, for each pair: its own as far as it is known, that of its strategy otherwise. */
function rates(round: number, gains: readonly Gain[]): (choice: Choice) => number {
  const pairs = new Map<string, Account>()
  const strategies = new Map<string, Account>()
  const all: Account = { pay: 0, events: 0 }
  for (const gain of gains) {
    const age = round - 2 - gain.round
    if (age < 0 || age > MEMORY_ROUNDS) continue
    const weight = 1 / (1 << age)
    const accounts = [account(pairs, `${gain.suite}~${gain.strategy}`), account(strategies, gain.strategy), all]
    for (const one of accounts) {
      one.pay += weight * (gain.features + FAILURE_PAYS * gain.failures)
      one.events += weight * gain.events
    }
  }
  const rate = ({ pay, events }: Account, otherwise: number) => (pay + LANE_EVENTS * otherwise) / (events + LANE_EVENTS)
  const whole = rate(all, 1 / LANE_EVENTS)
  return ({ suite, strategy }) =>
    rate(account(pairs, `${suite}~${strategy}`), rate(account(strategies, strategy), whole))
}

function account(accounts: Map<string, Account>, key: string): Account {
  const known = accounts.get(key) ?? { pay: 0, events: 0 }
  accounts.set(key, known)
  return known
}

/** One of the choices, the better the likelier. */
function weighted(choices: readonly Choice[], rateOf: (choice: Choice) => number, dice: Dice): Choice {
  const most = Math.max(...choices.map(rateOf))
  const weights = choices.map((choice) => 1 + Math.floor((1_000 * rateOf(choice)) / most))
  let left = dice.integer(
    1,
    weights.reduce((sum, weight) => sum + weight, 0),
  )
  const index = weights.findIndex((weight) => {
    left -= weight
    return left <= 0
  })
  return choices[index] as Choice
}
