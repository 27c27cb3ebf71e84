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
  {
    name: 'a crash, two terms, rehearsed campaigns',
    bounds: { terms: 2, logLength: 1, crashes: 1, inFlight: 3, preVote: true },
  },
  {
    name: 'rehearsed campaigns, a leader that is not heard for long',
    bounds: { terms: 2, logLength: 2, lapses: 2, inFlight: 3, preVote: true },
  },
  {
    name: 'a learner and a change, two terms',
    bounds: { terms: 2, logLength: 3, learners: 1, changes: 1, inFlight: 3 },
  },
  { name: 'a read, two terms', bounds: { terms: 2, logLength: 2, reads: 1, inFlight: 3 } },
  {
    name: 'a proposal and a heartbeat, two terms',
    bounds: { terms: 2, logLength: 2, proposals: 1, heartbeats: 1, inFlight: 3 },
  },
  {
    name: 'a leader counts whom it hears, two terms',
    bounds: { terms: 2, logLength: 2, checks: 1, heartbeats: 1, inFlight: 3 },
  },
  { name: 'a proposal, three terms', bounds: { terms: 3, logLength: 2, proposals: 1, inFlight: 3 } },
  {
    name: 'leadership is handed over, a proposal, two terms',
    bounds: { terms: 2, logLength: 2, transfers: 1, proposals: 1, inFlight: 3 },
  },
  { name: 'a change of the membership, two terms', bounds: { terms: 2, logLength: 3, changes: 1, inFlight: 3 } },
  { name: 'a crash, two terms', bounds: { terms: 2, logLength: 1, crashes: 1, inFlight: 4 } },
  { name: 'four terms', bounds: { terms: 4, logLength: 2, inFlight: 3 } },
  { name: 'a joint change, two terms', bounds: { terms: 2, logLength: 4, joint: 1, inFlight: 3 } },
  {
    name: 'a proposal, a snapshot, a doubled and a lost message',
    bounds: { terms: 1, logLength: 2, proposals: 1, snapshots: 1, duplicates: 1, drops: 1, inFlight: 3 },
  },
  {
    name: 'a read by lease, two moments, two terms',
    bounds: { terms: 2, logLength: 2, moments: 2, reads: 1, leaseReads: true, refusal: true, inFlight: 3 },
  },
]

/** The same with more of everything, from tens of thousands of states to millions; minutes. */
export const HIGH_RUNGS: readonly Rung[] = [
  { name: 'leadership is handed over, three terms', bounds: { terms: 3, logLength: 2, transfers: 1, inFlight: 3 } },
  {
    name: 'rehearsed campaigns, handing over, counting, a leader not heard for long',
    bounds: { terms: 2, logLength: 2, lapses: 1, checks: 1, transfers: 1, preVote: true, inFlight: 3 },
  },
  {
    name: 'a snapshot and a change, two terms',
    bounds: { terms: 2, logLength: 3, snapshots: 1, changes: 1, inFlight: 3 },
  },
  {
    name: 'a snapshot that is lost, and a change',
    bounds: { terms: 1, logLength: 3, snapshots: 1, changes: 1, drops: 1, heartbeats: 1, inFlight: 3 },
  },
  { name: 'a read, two terms, more under way', bounds: { terms: 2, logLength: 2, reads: 1, inFlight: 4 } },
  {
    name: 'a learner and two changes, two terms',
    bounds: { terms: 2, logLength: 4, learners: 1, changes: 2, inFlight: 3 },
  },
  {
    name: 'two changes of the membership, two terms',
    bounds: { terms: 2, logLength: 4, changes: 2, inFlight: 3 },
  },
  {
    name: 'a joint change while leadership is handed over, two terms',
    bounds: { terms: 2, logLength: 4, joint: 1, transfers: 1, inFlight: 3 },
  },
  { name: 'two joint changes, two terms', bounds: { terms: 2, logLength: 5, joint: 2, inFlight: 3 } },
  {
    name: 'a read by lease, handing over, rehearsed campaigns',
    bounds: {
      terms: 2,
      logLength: 2,
      moments: 2,
      reads: 1,
      transfers: 1,
      leaseReads: true,
      preVote: true,
      inFlight: 3,
    },
  },
  {
    name: 'a snapshot and a crash, two terms, 22 steps',
    bounds: { terms: 2, logLength: 2, snapshots: 1, crashes: 1, heartbeats: 1, inFlight: 4, depth: 22 },
  },
  { name: 'a joint change, three terms', bounds: { terms: 3, logLength: 5, joint: 1, inFlight: 3 } },
  {
    name: 'two crashes, two terms, rehearsed campaigns',
    bounds: { terms: 2, logLength: 2, crashes: 2, inFlight: 3, preVote: true },
  },
  {
    name: 'a crash and a proposal, two terms',
    bounds: { terms: 2, logLength: 2, crashes: 1, proposals: 1, inFlight: 4 },
  },
  { name: 'two crashes, three terms', bounds: { terms: 3, logLength: 2, crashes: 2, inFlight: 3 } },
  {
    name: 'a read by lease, a crash, rehearsed campaigns',
    bounds: { terms: 2, logLength: 2, moments: 3, reads: 1, crashes: 1, leaseReads: true, preVote: true, inFlight: 3 },
  },
  {
    name: 'a read by lease, three moments, more under way',
    bounds: { terms: 2, logLength: 2, moments: 3, reads: 1, leaseReads: true, refusal: true, inFlight: 4 },
  },
  {
    name: 'two changes of the membership, three terms, 26 steps',
    bounds: { terms: 3, logLength: 5, changes: 2, proposals: 1, inFlight: 3, depth: 26 },
  },
  { name: 'five terms', bounds: { terms: 5, logLength: 3, inFlight: 4 } },
  {
    name: 'two proposals, a snapshot, a doubled and a lost message, two terms',
    bounds: { terms: 2, logLength: 3, proposals: 2, snapshots: 1, duplicates: 1, drops: 1, inFlight: 3 },
  },
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
