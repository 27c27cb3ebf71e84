// One row a case: what a majority has reached, how an election stands.
import { expect, test } from 'vitest'
import { type Ballot, type Electorate, majority, reachedByQuorum, tally } from './quorum.ts'

function everyone(count: number): Electorate {
  return { incoming: Array.from({ length: count }, (_, slot) => slot), outgoing: [] }
}

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
])('of %i members %i are a majority', (members, needed) => {
  expect(majority(members)).toBe(needed)
})

test.each<[values: number[], reached: number]>([
  [[], 0],
  [[7], 7],
  [[7, 0], 0],
  [[7, 5], 5],
  [[9, 7, 0], 7],
  [[0, 0, 9], 0],
  [[4, 4, 4], 4],
  [[9, 8, 7, 6, 5], 7],
  [[9, 9, 9, 0, 0], 9],
  [[9, 9, 0, 0, 0], 0],
])('%j: a majority has reached %i', (values, reached) => {
  expect(reachedByQuorum(values, everyone(values.length))).toBe(reached)
})

test('it equals the naive answer: sort and take the middle', () => {
  for (let seed = 0; seed < 500; seed++) {
    const values = Array.from({ length: [1, 3, 5][seed % 3]! }, (_, i) => (seed * 7919 + i * 104_729) % 11)
    const sorted = [...values].sort((a, b) => b - a)
    expect(reachedByQuorum(values, everyone(values.length))).toBe(sorted[majority(values.length) - 1])
  }
})

test.each<[ballots: Ballot[], result: string]>([
  [[1], 'won'],
  [[0], 'pending'],
  [[1, 0, 0], 'pending'],
  [[1, 1, 0], 'won'],
  [[1, -1, 0], 'pending'],
  [[1, -1, -1], 'lost'],
  [[1, 1, -1, -1, 0], 'pending'],
  [[1, 1, -1, -1, -1], 'lost'],
  [[1, 1, 1, -1, -1], 'won'],
])('ballots %j: %s', (ballots, result) => {
  expect(tally(ballots, everyone(ballots.length))).toBe(result)
})

test.each<[name: string, values: number[], incoming: number[], outgoing: number[], reached: number]>([
  ['a learner’s copy counts for nothing', [5, 0, 0, 9, 9], [0, 1, 2], [], 0],
  ['both halves are asked, the incoming is behind', [9, 9, 0, 4, 4], [0, 3, 4], [0, 1, 2], 4],
  ['both halves are asked, the outgoing is behind', [9, 2, 2, 9, 9], [0, 3, 4], [0, 1, 2], 2],
  ['halves without a common member', [7, 7, 0, 5, 5, 0], [0, 1, 2], [3, 4, 5], 5],
])('joint: %s', (_name, values, incoming, outgoing, reached) => {
  expect(reachedByQuorum(values, { incoming, outgoing })).toBe(reached)
})

test.each<[ballots: Ballot[], incoming: number[], outgoing: number[], result: string]>([
  [[1, 1, 0, 0], [0, 1], [2, 3], 'pending'],
  [[1, 1, 1, 1], [0, 1], [2, 3], 'won'],
  [[1, 1, -1, 0], [0, 1], [2, 3], 'lost'],
  [[-1, 0, 1, 1], [0, 1], [2, 3], 'lost'],
  [[0, 0, 1, 1], [0, 1], [2, 3], 'pending'],
  [[1, 1, 0, -1, -1], [0, 1, 2], [], 'won'],
])('joint ballots %j in %j and %j: %s', (ballots, incoming, outgoing, result) => {
  expect(tally(ballots, { incoming, outgoing })).toBe(result)
})
