/**
 * Exhaustive search of small Raft clusters: distinct states a minute of one core's user time, on bounds too wide to be
 * exhausted, and all the states that the ladder of exhausted bounds comes to.
 */
import { climb, HIGH_RUNGS, RUNGS } from '../src/raft/explore/ladder.ts'
import { explore } from '../src/raft/explore/search.ts'
import { main } from './main.ts'
import type { Row } from './row.ts'

export const name = 'raft-explore'

function userSeconds(work: () => void): number {
  const from = process.cpuUsage()
  work()
  return process.cpuUsage(from).user / 1e6
}

/** Wide bounds, cut after so many states: crashes, losses, doublings and proposals all at once. */
const WIDE = {
  terms: 3,
  logLength: 3,
  crashes: 2,
  drops: 1,
  duplicates: 1,
  proposals: 2,
  inFlight: 6,
  states: 5_000_000,
} as const

export async function run(): Promise<Row[]> {
  let states = 0
  let steps = 0
  const wide = userSeconds(() => {
    const found = explore(WIDE)
    if (found.violation !== undefined) throw new Error(found.violation.claim)
    states = found.states
    steps = found.steps
  })
  let rungs = 0
  const ladder = userSeconds(() => {
    const { exploration, states: seen, isComplete } = climb([...RUNGS, ...HIGH_RUNGS], {})
    if (exploration.violation !== undefined) throw new Error(exploration.violation.claim)
    if (!isComplete) throw new Error('a rung was not searched to its end')
    rungs = seen
  })
  let hunted = 0
  const membership = userSeconds(() => {
    // Two changes at once: the deepest of the defects, which only the higher rungs reach.
    const { exploration, states: seen } = climb(HIGH_RUNGS, { acceptsChange: (_settled, pending) => !pending })
    if (exploration.violation === undefined) throw new Error('two changes at once were not found')
    hunted = seen
  })
  return [
    { figure: 'raft: distinct states explored', value: (states / wide) * 60, unit: '1/min', target: 1_000_000 },
    { figure: 'raft: steps explored', value: steps / wide, unit: '1/s' },
    { figure: 'raft: distinct states within all bounds of the ladder', value: rungs, unit: 'states' },
    { figure: 'raft: the ladder, nothing broken', value: ladder, unit: 's', atMost: true },
    { figure: 'raft: two changes at once are found, states', value: hunted, unit: 'states' },
    { figure: 'raft: two changes at once are found', value: membership, unit: 's', atMost: true },
  ]
}

await main(import.meta.url, name, run)
