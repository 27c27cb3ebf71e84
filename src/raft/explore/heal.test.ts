// From every cluster within small bounds there is a way back: whoever is left and can decide elects a leader within
// four election time-outs and commits what is proposed within as many again. What history got wrong gets stuck.
import { expect, test } from 'vitest'
import type { RaftDecisions } from '../decisions.ts'
import type { Bounds } from './bounds.ts'
import { goesOn } from './heal.ts'
import { scriptOf } from './script.ts'
import { explore } from './search.ts'

const TIMEOUTS = 4

const SMALL: readonly [name: string, bounds: Partial<Bounds>][] = [
  ['a crash', { terms: 1, logLength: 1, crashes: 1, inFlight: 3, preVote: true }],
  ['two terms', { terms: 2, logLength: 2, inFlight: 3 }],
  ['a leader not heard for long', { terms: 2, logLength: 1, lapses: 1, inFlight: 3, preVote: true }],
  ['handing over', { terms: 1, logLength: 2, transfers: 1, inFlight: 3, preVote: true }],
  ['a leader that counts', { terms: 1, logLength: 2, checks: 1, heartbeats: 1, inFlight: 3, preVote: true }],
  ['a joint change', { terms: 1, logLength: 4, joint: 1, inFlight: 3 }],
  ['a learner and a change', { terms: 1, logLength: 3, learners: 1, changes: 1, inFlight: 3 }],
]

test.each(SMALL)('%s: there is a way back from everywhere', (_name, bounds) => {
  const { violation, isComplete, states } = explore(bounds, goesOn({ decisions: {}, timeouts: TIMEOUTS }))
  expect(violation?.claim).toBeUndefined()
  expect(isComplete).toBe(true)
  expect(states).toBeGreaterThan(200)
})

test('a promoted learner that refuses its vote is not gone on without', () => {
  const decisions: Partial<RaftDecisions> = { learnersAnswerVotes: () => false }
  const bounds = { terms: 1, logLength: 3, learners: 1, changes: 1, inFlight: 3 }
  const found = explore({ ...bounds, decisions }, goesOn({ decisions, timeouts: TIMEOUTS }))
  expect(scriptOf(found)).toMatch(/a way back: members 2 3 alone, nobody leads/)
})
