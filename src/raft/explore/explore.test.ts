// The whole of small clusters: nothing breaks with the right decisions; every defect breaks a claim, by a shortest path
// that is kept beside as a script to be read.
import { expect, test } from 'vitest'
import { climb, HIGH_RUNGS, RUNGS, type Rung } from './ladder.ts'
import { DEEP_MISTAKES, MISTAKES } from './mistakes.ts'
import { scriptOf } from './script.ts'
import { explore } from './search.ts'

test.each(RUNGS)('$name: everything within the bounds is seen, and nothing breaks', ({ bounds }) => {
  const { violation, isComplete, states, depth } = explore(bounds)
  expect({ violation, isComplete }).toEqual({ violation: undefined, isComplete: true })
  expect(states).toBeGreaterThan(3_000)
  expect(depth).toBeGreaterThan(20)
})

test.each(MISTAKES)('$id is found without being told where it lies', async ({ id, decisions, claim }) => {
  const { exploration, rung } = climb(RUNGS, decisions)
  expect(exploration.violation?.claim).toMatch(claim)
  await expect(`${rung.name}\n${scriptOf(exploration)}\n`).toMatchFileSnapshot(`scripts/${id}.txt`)
})

// Higher rungs are climbed as a whole by the bench: here the search begins on the one that shows it.
test.each(DEEP_MISTAKES)('$id is found on a higher rung', async ({ id, decisions, claim, rung: name }) => {
  const rung = HIGH_RUNGS.find((one) => name.test(one.name)) as Rung
  const { exploration } = climb([rung], decisions)
  expect(exploration.violation?.claim).toMatch(claim)
  await expect(`${rung.name}\n${scriptOf(exploration)}\n`).toMatchFileSnapshot(`scripts/${id}.txt`)
})

test('a lease is good for reads only as far as clocks run alike', () => {
  const bounds = { terms: 2, logLength: 2, reads: 1, leaseReads: true, refusal: true, inFlight: 3, moments: 5 }
  const { violation, states } = explore({ ...bounds, drift: true })
  expect(violation?.claim).toMatch(/^linearizable read/)
  expect(states).toBeLessThan(500_000)
  // With one clock for all the same is on the ladder, and nothing breaks.
})
