/** How far the exhaustive search goes. Within its bounds it leaves nothing out; beyond them it says nothing. */
import { invariant } from '../../kernel/invariant.ts'
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
  /** A leader removes a member, takes one back as a voter, or, where there are learners, promotes or demotes one. */
  readonly changes: number
  /** A leader begins a joint change, that one member alone is left or everybody taken in, or ends one by order. */
  readonly joint: number
  /** A leader is ordered to hand over. */
  readonly transfers: number
  /** A leader counts whom it hears, and steps down or gives a transfer up. */
  readonly checks: number
  /** A follower has not heard its leader for long and does not campaign yet. Matters with refusals. */
  readonly lapses: number
  /**
   * Moments that pass, two to an election time-out; a leader sends its heartbeats and counts whom it hears by them, and
   * nobody's election pause or lease ends before its time. 0 means that pauses end at any time.
   */
  readonly moments: number
  /** Moments pass for each member on its own: clocks that run apart without bound. Default false. */
  readonly drift: boolean
  /** Most messages under way at once, with those that wait for a disk. A step that would send more is not taken. */
  readonly inFlight: number
  /** So many of the members begin as learners. Default 0. */
  readonly learners: number
  /** Campaigns are rehearsed. Without, anybody campaigns at any time: more can happen, in fewer steps. */
  readonly preVote: boolean
  /** Whoever hears from a leader does not vote. Default: as campaigns are rehearsed. */
  readonly refusal: boolean
  /** Reads trust a leader's lease. Default false. */
  readonly leaseReads: boolean
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

/** Each step that is bounded, in the order in which it is counted: as many bits of one word as its bound needs. */
export const COUNTED = [
  'crashes',
  'drops',
  'duplicates',
  'proposals',
  'heartbeats',
  'reads',
  'snapshots',
  'changes',
  'joint',
  'transfers',
  'checks',
  'lapses',
  'moments',
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
    joint: 0,
    transfers: 0,
    checks: 0,
    lapses: 0,
    moments: 0,
    drift: false,
    inFlight: 6,
    learners: 0,
    preVote: false,
    refusal: given.preVote ?? false,
    leaseReads: false,
    plain: false,
    states: Number.POSITIVE_INFINITY,
    depth: Number.POSITIVE_INFINITY,
    decisions: {},
    ...given,
  }
}

/** Where each count begins in the word of counts, and its bits. */
export function layoutOf(bounds: Bounds): { shift: Record<Counted, number>; mask: Record<Counted, number> } {
  const shift: Partial<Record<Counted, number>> = {}
  const mask: Partial<Record<Counted, number>> = {}
  let at = 0
  for (const what of COUNTED) {
    const bits = 32 - Math.clz32(bounds[what])
    shift[what] = at
    mask[what] = (1 << bits) - 1
    at += bits
  }
  invariant(at < 32, 'raft: what the search counts fits a word', bounds)
  return { shift: shift as Record<Counted, number>, mask: mask as Record<Counted, number> }
}
