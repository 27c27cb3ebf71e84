/** How far the exhaustive search goes. Within its bounds it leaves nothing out; beyond them it says nothing. */
import type { RaftDecisions } from '../decisions.ts'

export interface Bounds {
  /** Default 3; at most 4, as all renamings are tried. */
  readonly members: number
  /** No election time-out fires in this term. */
  readonly terms: number
  /** Most entries of a log, empty ones too; nothing is proposed and nobody campaigns to lead beyond. */
  readonly logLength: number
  /** How often each happens in one run, over all members. */
  readonly crashes: number
  readonly drops: number
  readonly duplicates: number
  readonly proposals: number
  readonly heartbeats: number
  readonly reads: number
  readonly snapshots: number
  /** A leader removes a member, or takes one back as a voter. Not together with snapshots. */
  readonly changes: number
  /** Most messages under way at once, with those that wait for a disk. A step that would send more is not taken. */
  readonly inFlight: number
  /**
   * Campaigns are rehearsed and whoever hears from a leader does not vote. Without, anybody campaigns at any time: more
   * can happen, in fewer steps.
   */
  readonly preVote: boolean
  /**
   * Without what spares states: renaming members, forgetting messages that can mean nothing any more, ending disk writes
   * at once when no crash can come. Slow; to check those three. Default false.
   */
  readonly plain: boolean
  /** Most steps of a run. Default no limit. */
  readonly depth: number
  /** After so many states the search gives up, though there is more within the bounds. Default never. */
  readonly states: number
  readonly decisions: Partial<RaftDecisions>
}

/** Each step that is bounded, in the order in which it is counted: four bits each of one word. */
export const COUNTED = [
  'crashes',
  'drops',
  'duplicates',
  'proposals',
  'heartbeats',
  'reads',
  'snapshots',
  'changes',
] as const

export type Counted = (typeof COUNTED)[number]

export function completeBounds(given: Partial<Bounds>): Bounds {
  return {
    members: 3,
    terms: 2,
    logLength: 2,
    crashes: 0,
    drops: 0,
    duplicates: 0,
    proposals: 0,
    heartbeats: 0,
    reads: 0,
    snapshots: 0,
    changes: 0,
    inFlight: 6,
    preVote: false,
    plain: false,
    states: Number.POSITIVE_INFINITY,
    depth: Number.POSITIVE_INFINITY,
    decisions: {},
    ...given,
  }
}
