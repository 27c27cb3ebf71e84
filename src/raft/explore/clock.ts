/**
 * What time is to the search. Mostly nothing: an election pause is over when the search says so. With rehearsed campaigns
 * it matters whether a member has heard its leader lately, and the search says when that ends. In moments time passes for
 * all members alike, as much as lies between two heartbeats; two make an election time-out.
 */
import type { RaftState } from '../state.ts'
import type { Bounds } from './bounds.ts'

/** Every step happens at this moment; what lies back is put back. */
export const NOW = 10_000_000

/** Between two heartbeats, where time passes in moments. */
export const MOMENT_MICROS = 500_000

/** The election time-out, and so how long a lease lasts at most. */
export const PAUSE_MICROS = 2 * MOMENT_MICROS

/** What a state keeps of time; the rest would only make equal states look different. */
export interface Kept {
  /** Whether an election pause is over. */
  readonly pauses: boolean
  /** Whom a leader has heard since it last counted. */
  readonly activity: boolean
  /** How many moments ago things were. */
  readonly moments: boolean
}

export function keptOf({ preVote, refusal, checks, moments }: Bounds): Kept {
  return { pauses: preVote || refusal, activity: checks > 0 || moments > 0, moments: moments > 0 }
}

/** Has the member heard a leader within an election time-out, as far as is kept? */
export function hearsLeader({ leader, role, electionFrom }: RaftState): boolean {
  return role === 'leader' || (leader !== 0 && NOW - electionFrom < PAUSE_MICROS)
}

/** A moment passes: everything lies that much further back. */
export function passMoment(state: RaftState): void {
  state.electionFrom -= MOMENT_MICROS
  state.refusesUntil -= MOMENT_MICROS
  if (state.leaseFrom >= 0) state.leaseFrom -= MOMENT_MICROS
  state.leaseRounds = state.leaseRounds.map(({ sequence, sentAt }) => ({ sequence, sentAt: sentAt - MOMENT_MICROS }))
}

/** Takes the rest of time out of a state. */
export function forgetTime(state: RaftState, kept: Kept): void {
  const { options } = state
  state.now = NOW
  state.electionTimerAt = 0
  state.electionTimeout = 1
  state.attempt = 0
  if (kept.moments) {
    state.electionFrom = Math.max(state.electionFrom, NOW - PAUSE_MICROS)
    state.refusesUntil = state.refusesUntil <= NOW ? 0 : state.refusesUntil
    if (NOW - state.leaseFrom >= options.leaseMicros) state.leaseFrom = -1
    state.leaseRounds = state.leaseRounds.filter(({ sentAt }) => NOW - sentAt < options.leaseMicros)
    return
  }
  state.beats = 0
  state.refusesUntil = 0
  if (!kept.pauses) state.electionFrom = NOW
}
