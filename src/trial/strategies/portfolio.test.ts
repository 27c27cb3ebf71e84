/** The bandit: everybody's turn first, then those that pay; nothing that the last round did is asked for. */
import { expect, test } from 'vitest'
import { type Gain, planRound } from './portfolio.ts'
import type { StrategyId } from './strategy.ts'

const SUITES = ['a', 'b', 'c', 'd']
const STRATEGIES: readonly StrategyId[] = ['random', 'swarm', 'pct']

function gain(round: number, suite: string, strategy: StrategyId, features: number, failures = 0): Gain {
  return { round, suite, strategy, features, failures, events: 300_000 }
}

test('in the first two rounds every suite has a lane, and strategies take turns', () => {
  expect(planRound(0, SUITES, STRATEGIES, [], '1').map(({ suite, strategy }) => `${suite} ${strategy}`)).toEqual([
    'a random',
    'b swarm',
    'c pct',
    'd random',
  ])
  const known = [gain(0, 'a', 'random', 9)]
  expect(planRound(1, SUITES, STRATEGIES, known, '1').map(({ strategy }) => strategy)).toEqual([
    'swarm',
    'pct',
    'random',
    'swarm',
  ])
})

test('later every suite has a lane still, and what pays has more', () => {
  const gains = SUITES.flatMap((suite) =>
    STRATEGIES.map((strategy) => gain(5, suite, strategy, strategy === 'swarm' ? 90 : 1)),
  )
  const lanes = Array.from({ length: 200 }, (_, seed) => planRound(7, SUITES, STRATEGIES, gains, `${seed}`))
  for (const round of lanes) {
    expect(round.length).toBe(6)
    expect(new Set(round.slice(0, 4).map(({ suite }) => suite)).size).toBe(4)
  }
  const all = lanes.flat()
  const share = (id: StrategyId) => all.filter(({ strategy }) => strategy === id).length / all.length
  expect(share('swarm')).toBeGreaterThan(0.6)
  expect(share('random')).toBeGreaterThan(0.02)
})

test('a kind of failure that is new pays more than features do', () => {
  const gains = [gain(5, 'a', 'pct', 0, 2), gain(5, 'a', 'random', 9), gain(5, 'a', 'swarm', 9)]
  const all = Array.from({ length: 300 }, (_, seed) => planRound(7, ['a'], STRATEGIES, gains, `${seed}`)).flat()
  const count = (id: StrategyId) => all.filter(({ strategy }) => strategy === id).length
  expect(count('pct')).toBeGreaterThan(count('random'))
  expect(count('pct')).toBeGreaterThan(count('swarm'))
})

test('a round is the same whatever the last one brought, for it may still be under way', () => {
  const gains = [gain(3, 'a', 'pct', 5), gain(4, 'b', 'swarm', 8)]
  const late = [...gains, gain(6, 'a', 'random', 500, 9)]
  for (let seed = 0; seed < 30; seed++)
    expect(planRound(7, SUITES, STRATEGIES, late, `${seed}`)).toEqual(
      planRound(7, SUITES, STRATEGIES, gains, `${seed}`),
    )
  expect(planRound(8, SUITES, STRATEGIES, late, '0')).not.toEqual(planRound(8, SUITES, STRATEGIES, gains, '0'))
})
