/**
 * The bounds that are searched one after the other, small ones first. A defect is hunted up the whole ladder without being
 * told where it lies; the right machine climbs it to the top and nothing breaks.
 */
import type { RaftDecisions } from '../decisions.ts'
import type { Bounds } from './bounds.ts'
import { type Exploration, explore } from './search.ts'

export interface Rung {
  readonly name: string
  readonly bounds: Partial<Bounds>
}

/** Every kind of step on one rung at least; all of it takes seconds. */
export const RUNGS: readonly Rung[] = [
  { name: 'a crash, two terms', bounds: { terms: 2, logLength: 1, crashes: 1, inFlight: 4 } },
  {
    name: 'a proposal, a snapshot, a doubled and a lost message',
    bounds: { terms: 1, logLength: 2, proposals: 1, snapshots: 1, duplicates: 1, drops: 1, inFlight: 3 },
  },
  {
    name: 'a proposal and a heartbeat, two terms',
    bounds: { terms: 2, logLength: 2, proposals: 1, heartbeats: 1, inFlight: 3 },
  },
  { name: 'a proposal, three terms', bounds: { terms: 3, logLength: 2, proposals: 1, inFlight: 3 } },
  { name: 'a change of the membership, two terms', bounds: { terms: 2, logLength: 3, changes: 1, inFlight: 3 } },
  { name: 'four terms', bounds: { terms: 4, logLength: 2, inFlight: 3 } },
  { name: 'a read, two terms', bounds: { terms: 2, logLength: 2, reads: 1, inFlight: 4 } },
  {
    name: 'a crash, two terms, rehearsed campaigns',
    bounds: { terms: 2, logLength: 1, crashes: 1, inFlight: 3, preVote: true },
  },
]

/** The same with more of everything; minutes. */
export const HIGH_RUNGS: readonly Rung[] = [
  {
    name: 'two changes of the membership, three terms, 26 steps',
    bounds: { terms: 3, logLength: 5, changes: 2, proposals: 1, inFlight: 3, depth: 26 },
  },
  {
    name: 'a crash and a proposal, two terms',
    bounds: { terms: 2, logLength: 2, crashes: 1, proposals: 1, inFlight: 4 },
  },
  {
    name: 'two crashes, two terms, rehearsed campaigns',
    bounds: { terms: 2, logLength: 2, crashes: 2, inFlight: 3, preVote: true },
  },
  { name: 'two crashes, three terms', bounds: { terms: 3, logLength: 2, crashes: 2, inFlight: 3 } },
  {
    name: 'two proposals, a snapshot, a doubled and a lost message, two terms',
    bounds: { terms: 2, logLength: 3, proposals: 2, snapshots: 1, duplicates: 1, drops: 1, inFlight: 3 },
  },
  { name: 'five terms', bounds: { terms: 5, logLength: 3, inFlight: 4 } },
  {
    name: 'a read and a heartbeat, two terms',
    bounds: { terms: 2, logLength: 2, reads: 1, heartbeats: 1, inFlight: 5 },
  },
]

export interface Climb {
  /** The rung on which a claim broke, or the last one. */
  readonly rung: Rung
  /** The search of that rung. */
  readonly exploration: Exploration
  /** Distinct states on all rungs climbed. */
  readonly states: number
  /** Everything within the bounds of all rungs climbed was seen. */
  readonly isComplete: boolean
}

/** Searches rung after rung until a claim breaks. */
export function climb(rungs: readonly Rung[], decisions: Partial<RaftDecisions>): Climb {
  let states = 0
  let isComplete = true
  let last: Climb | undefined
  for (const rung of rungs) {
    const exploration = explore({ ...rung.bounds, decisions })
    states += exploration.states
    isComplete &&= exploration.isComplete
    last = { rung, exploration, states, isComplete }
    if (exploration.violation !== undefined) break
  }
  return last as Climb
}
