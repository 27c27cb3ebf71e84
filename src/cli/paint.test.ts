/** Colour: which words, and when not. */
import { expect, test } from 'vitest'
import { CoverageBook } from '../trial/index.ts'
import { paint } from './paint.ts'
import { statesOf, viewOf } from './progress.ts'

test('telling words are coloured for whoever looks at a terminal', () => {
  expect(paint('12. 0:40.009  BROKEN it', true, {})).toBe('12. 0:40.009  \u001b[31mBROKEN\u001b[39m it')
  expect(paint('a.yaml:1:1: warning: x', true, {})).toBe('a.yaml:1:1: \u001b[33mwarning\u001b[39m: x')
  expect(paint('a drain   passed   25 trials', true, {})).toBe('a drain   \u001b[32mpassed\u001b[39m   25 trials')
  expect(paint('x FAILED', false, { FORCE_COLOR: '1' })).toContain('\u001b[31m')
})

test('files, NO_COLOR, dumb terminals and JSON get plain text', () => {
  for (const [isTerminal, environment] of [
    [false, {}],
    [true, { NO_COLOR: '1' }],
    [true, { TERM: 'dumb' }],
  ] as const)
    expect(paint('x FAILED', isTerminal, environment)).toBe('x FAILED')
  expect(paint('{"verdict": "x passed"}', true, {})).toBe('{"verdict": "x passed"}')
})

test('the view of a campaign: what was found most, what was reached, in a few lines', () => {
  const failures = Array.from({ length: 12 }, (_, index) => ({ signature: `p${index}/x/pod`, count: index + 1 }))
  const view = viewOf({ failures, reached: 40, checked: 44, unreached: ['a', 'b', 'c', 'd'] })
  expect(view).toHaveLength(8)
  expect(view[0]).toBe('      12 x p11/x/pod')
  expect(view.at(-2)).toBe('         and 6 more kinds of failure')
  expect(view.at(-1)).toBe('  40 of 44 properties reached; not yet: a, b, c, …')
  expect(viewOf({ failures: [], reached: 44, checked: 44, unreached: [] })).toEqual(['  44 of 44 properties reached'])
})

test('the view says what is still to be expected, and what was never felt', () => {
  const book = new CoverageBook()
  const strike = { fault: 'f1', kind: 'partition', component: 'node', phase: 'rollout', bit: true } as const
  for (let trial = 0; trial < 10; trial++)
    book.add({ features: Uint32Array.of(2, ...(trial < 2 ? [10 + 2 * trial] : [])), strikes: [strike] }, true)
  const coverage = book.summary()
  const failures = Array.from({ length: 12 }, (_, index) => ({ signature: `p${index}/x/pod`, count: index + 1 }))
  const view = viewOf({ failures, reached: 44, checked: 44, unreached: [], coverage })
  expect(view).toHaveLength(8)
  expect(view.at(-1)).toBe(
    '  the next trial shows a new state with 20 %; 1 of 7 combinations of fault, component and phase felt',
  )
  expect(statesOf(coverage)).toBe(', 3 states')
  expect(statesOf(undefined)).toBe('')
})
