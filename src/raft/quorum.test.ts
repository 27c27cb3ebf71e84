// One row a case: what a majority has reached, how an election stands.
import { expect, test } from 'vitest'
import { type Ballot, majority, reachedByMajority, tally } from './quorum.ts'

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
  expect(reachedByMajority(values)).toBe(reached)
})

test('it equals the naive answer: sort and take the middle', () => {
  for (let seed = 0; seed < 500; seed++) {
    const values = Array.from({ length: [1, 3, 5][seed % 3]! }, (_, i) => (seed * 7919 + i * 104_729) % 11)
    const sorted = [...values].sort((a, b) => b - a)
    expect(reachedByMajority(values)).toBe(sorted[majority(values.length) - 1])
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
  expect(tally(ballots)).toBe(result)
})
