/**
 * Exhaustive search of small Raft clusters: distinct states a minute of one core's user time, on bounds too wide to be
 * exhausted, all the states that the ladder of exhausted bounds comes to, and how far up each mistake of history is found
 * by a search that begins at the bottom and knows nothing.
 */
import { climb, HIGH_RUNGS, RUNGS } from '../src/raft/explore/ladder.ts'
import { CHANGE_BEFORE_TERM_COMMIT, DEEP_MISTAKES, MISTAKES } from '../src/raft/explore/mistakes.ts'
import { explore } from '../src/raft/explore/search.ts'
import { main } from './main.ts'
import type { Row } from './row.ts'

export const name = 'raft-explore'

function userSeconds(work: () => void): number {
  const from = process.cpuUsage()
  work()
  return process.cpuUsage(from).user / 1e6
}

/** A mistake that takes so many states has a row of its own. */
const DEEP = 1_000_000

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
  const hunts: Row[] = []
  let found = 0
  const all = userSeconds(() => {
    for (const { id, decisions, claim } of [...MISTAKES, ...DEEP_MISTAKES, CHANGE_BEFORE_TERM_COMMIT]) {
      const { exploration, states: seen } = climb([...RUNGS, ...HIGH_RUNGS], decisions)
      if (!claim.test(exploration.violation?.claim ?? '')) throw new Error(`${id}: ${exploration.violation?.claim}`)
      found++
      if (seen >= DEEP)
        hunts.push({ figure: `raft: ${id} is found, from the lowest rung up`, value: seen, unit: 'states' })
    }
  })
  return [
    { figure: 'raft: distinct states explored', value: (states / wide) * 60, unit: '1/min', target: 1_000_000 },
    { figure: 'raft: steps explored', value: steps / wide, unit: '1/s' },
    { figure: 'raft: distinct states within all bounds of the ladder', value: rungs, unit: 'states' },
    { figure: 'raft: the ladder, nothing broken', value: ladder, unit: 's', atMost: true },
    { figure: 'raft: mistakes found from the lowest rung up, without any hint', value: found, unit: 'mistakes' },
    { figure: 'raft: all of them are found', value: all, unit: 's', atMost: true },
    ...hunts,
  ]
}

await main(import.meta.url, name, run)
