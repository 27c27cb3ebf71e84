/** What all members of one search have in common, from its bounds: options, who belongs, names, what is kept of time. */
import { RAFT_DECISIONS } from '../decisions.ts'
import { votersOnly } from '../membership.ts'
import { completeRaftOptions, type RaftOptions } from '../options.ts'
import type { MemberId, Membership } from '../types.ts'
import type { Bounds } from './bounds.ts'
import { type Kept, keptOf, MOMENT_MICROS, PAUSE_MICROS } from './clock.ts'
import { type Renaming, renamings } from './symmetry.ts'
import { Wire } from './wire.ts'

/** What is the same for all members that are explored. */
export interface Common {
  readonly options: readonly RaftOptions[]
  /** Who belongs in the beginning. */
  readonly membership: Membership
  readonly renamings: readonly Renaming[]
  readonly wire: Wire
  readonly kept: Kept
  /** Campaigns are rehearsed. */
  readonly rehearses: boolean
  /** Whoever hears a leader does not vote. */
  readonly refuses: boolean
}

export function commonOf(bounds: Bounds): Common {
  const all = renamings(bounds.members, bounds.learners)
  const used = bounds.plain ? all.slice(0, 1) : all
  return {
    options: exploredOptions(bounds),
    membership: membershipOf(bounds),
    renamings: used,
    wire: new Wire(used),
    kept: keptOf(bounds),
    rehearses: bounds.preVote,
    refuses: bounds.refusal,
  }
}

function membershipOf({ members, learners }: Bounds): Membership {
  const ids = idsUpTo(members)
  return { ...votersOnly(ids.slice(0, members - learners)), learners: ids.slice(members - learners) }
}

function idsUpTo(count: number): MemberId[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

/** The options of members 1, 2 and so on. */
export function exploredOptions(bounds: Bounds): readonly RaftOptions[] {
  const ids = idsUpTo(bounds.members)
  return ids.map((id) =>
    completeRaftOptions({
      id,
      members: ids,
      drawElectionTimeout: () => 1,
      hurriesFirstElection: false,
      // One entry a message, so that logs can be seen half sent.
      maxAppendBytes: 1,
      electionTimeoutMicros: PAUSE_MICROS,
      heartbeatMicros: MOMENT_MICROS,
      readMode: bounds.leaseReads ? 'lease' : 'quorum',
      decisions: {
        ...RAFT_DECISIONS,
        startsWithPreVote: () => bounds.preVote,
        leaseRefusesVotes: () => bounds.refusal,
        ...bounds.decisions,
      },
    }),
  )
}
