/** Every setting of the Raft machine, with its unit and default (etcd's own where it has one). */
import { invariant } from '../kernel/invariant.ts'
import { MILLISECOND, type Micros } from '../kernel/time.ts'
import { RAFT_DECISIONS, type RaftDecisions } from './decisions.ts'
import type { MemberId, Term } from './types.ts'

export interface RaftOptions {
  readonly id: MemberId
  /** The member's name in facts. */
  readonly name: string
  /** The voters at the beginning of the log. A member that joins later is not among them. */
  readonly members: readonly MemberId[]
  /**
   * The pause without a leader after which a campaign starts, microseconds: a pure function of the term and the number of
   * the campaign in it, from `electionTimeoutMicros` to just under twice that.
   */
  readonly drawElectionTimeout: (term: Term, attempt: number) => Micros
  /** The lower bound of the draw; a follower that heard from a leader within it refuses to vote. Default 1 s. */
  readonly electionTimeoutMicros: Micros
  /** Default 100 ms. */
  readonly heartbeatMicros: Micros
  /** Shorten the first wait after a start by nearly one election time-out, as etcd does. Default true. */
  readonly hurriesFirstElection: boolean
  /** Most bytes of entries in one append message. Default 512 KiB. */
  readonly maxAppendBytes: number
  /** Most append messages under way to one follower. Default 512. */
  readonly maxInflight: number
  /** Most bytes of entries under way to one follower, by which the window is full as well. Default no limit. */
  readonly maxInflightBytes: number
  /** Most bytes of entries that a leader has appended and not applied; one proposal is always let in. Default no limit. */
  readonly maxUncommittedBytes: number
  /** Most bytes of entries handed out to be applied and not yet applied. Default no limit. */
  readonly maxApplyingBytes: number
  /**
   * How a leader makes sure of a read: a majority confirms that it still leads, or it trusts its lease, hence clocks.
   * Default quorum.
   */
  readonly readMode: 'quorum' | 'lease'
  /**
   * By lease: how long it lasts from when the heartbeats were sent that a majority answered. It must end, by any clock,
   * before an election time-out does. Default nine tenths of the election time-out.
   */
  readonly leaseMicros: Micros
  /** A follower hands proposals on to the leader. Default true. */
  readonly forwardsProposals: boolean
  /** A leader whose removal or demotion was applied steps down. Default true. */
  readonly leavesWhenRemoved: boolean
  readonly decisions: RaftDecisions
}

export type RaftOptionsInput = Partial<RaftOptions> & Pick<RaftOptions, 'id' | 'members' | 'drawElectionTimeout'>

/** Fills in the defaults and checks what was given. */
export function completeRaftOptions(given: RaftOptionsInput): RaftOptions {
  const electionTimeoutMicros = given.electionTimeoutMicros ?? 1_000 * MILLISECOND
  const options: RaftOptions = {
    id: given.id,
    name: given.name ?? `member-${given.id}`,
    members: given.members,
    drawElectionTimeout: given.drawElectionTimeout,
    electionTimeoutMicros,
    heartbeatMicros: given.heartbeatMicros ?? 100 * MILLISECOND,
    hurriesFirstElection: given.hurriesFirstElection ?? true,
    maxAppendBytes: given.maxAppendBytes ?? 512 * 1024,
    maxInflight: given.maxInflight ?? 512,
    maxInflightBytes: given.maxInflightBytes ?? Number.POSITIVE_INFINITY,
    maxUncommittedBytes: given.maxUncommittedBytes ?? Number.POSITIVE_INFINITY,
    maxApplyingBytes: given.maxApplyingBytes ?? Number.POSITIVE_INFINITY,
    readMode: given.readMode ?? 'quorum',
    leaseMicros: given.leaseMicros ?? Math.floor((electionTimeoutMicros * 9) / 10),
    forwardsProposals: given.forwardsProposals ?? true,
    leavesWhenRemoved: given.leavesWhenRemoved ?? true,
    decisions: given.decisions ?? RAFT_DECISIONS,
  }
  invariant(options.id > 0 && options.members.length > 0, 'raft: a log begins with members', options.id)
  invariant(!options.members.includes(0), 'raft: no member has id 0')
  invariant(options.heartbeatMicros > 0, 'raft: heartbeats take time')
  invariant(electionTimeoutMicros > options.heartbeatMicros, 'raft: an election time-out spans heartbeats')
  invariant(options.leaseMicros <= electionTimeoutMicros, 'raft: a lease ends before an election may begin')
  return options
}
