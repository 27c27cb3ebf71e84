/**
 * Who belongs: voters, learners, and the two overlapping electorates of a joint change. Models etcd-io/raft's confchange
 * and tracker.Config; Raft thesis 4.1 and 4.3. Values only: a change gives a new membership or says why it cannot be. A
 * change takes effect when it is applied, as in etcd-io/raft, not when it is appended, as in the thesis.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Electorate } from './quorum.ts'
import type { MemberId, Membership } from './types.ts'

export interface MemberChange {
  readonly kind: 'add-voter' | 'add-learner' | 'remove'
  readonly member: MemberId
}

/**
 * How a change is made. Auto: at once when it is one step, joint otherwise, and the joint change ends by itself. Implicit:
 * joint in any case, ends by itself. Explicit: joint in any case, ends by a change without steps.
 */
export type Transition = 'auto' | 'implicit' | 'explicit'

/** The data of an entry that changes the membership. Without steps it ends a joint change. */
export class MembershipChange {
  readonly steps: readonly MemberChange[]
  readonly transition: Transition
  /** The proposer's own. */
  readonly context: unknown

  constructor(steps: readonly MemberChange[], transition: Transition = 'auto', context?: unknown) {
    this.steps = steps
    this.transition = transition
    this.context = context
  }

  get leavesJoint(): boolean {
    return this.steps.length === 0 && this.transition === 'auto'
  }

  get entersJoint(): boolean {
    return this.transition !== 'auto' || this.steps.length > 1
  }
}

export type MembershipRefusal =
  | 'changes-wait-for-commit'
  | 'change-pending'
  | 'already-joint'
  | 'not-joint'
  | 'no-voters-left'
  | 'more-than-one-voter'

export function votersOnly(voters: readonly MemberId[]): Membership {
  return { voters: sorted(voters), outgoing: [], learners: [], learnersNext: [], autoLeave: false }
}

export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0
}

/** Everybody who is sent the log, in the order of their ids. */
export function membersOf({ voters, outgoing, learners }: Membership): readonly MemberId[] {
  return sorted([...new Set([...voters, ...outgoing, ...learners])])
}

export function votes(membership: Membership, member: MemberId): boolean {
  return membership.voters.includes(member) || membership.outgoing.includes(member)
}

/** The voters as slots of `members`; rightly those from before a joint change too. */
export function electorateOf(membership: Membership, members: readonly MemberId[], bothHalves = true): Electorate {
  const slotsOf = (ids: readonly MemberId[]) => ids.map((id) => members.indexOf(id))
  return { incoming: slotsOf(membership.voters), outgoing: bothHalves ? slotsOf(membership.outgoing) : [] }
}

/** The membership after `change`, or why there is none. */
export function changed(membership: Membership, change: MembershipChange): Membership | MembershipRefusal {
  if (change.leavesJoint) return leaveJoint(membership)
  if (isJoint(membership)) return 'already-joint'
  if (change.entersJoint) return enterJoint(membership, change)
  const next = stepped(membership, change.steps)
  if (next.voters.length === 0) return 'no-voters-left'
  const differing =
    next.voters.filter((id) => !membership.voters.includes(id)).length +
    membership.voters.filter((id) => !next.voters.includes(id)).length
  if (differing > 1) return 'more-than-one-voter'
  return checked(next)
}

function enterJoint(membership: Membership, change: MembershipChange): Membership | MembershipRefusal {
  if (membership.voters.length === 0) return 'no-voters-left'
  const joint = { ...membership, outgoing: membership.voters, autoLeave: change.transition !== 'explicit' }
  const next = stepped(joint, change.steps)
  return next.voters.length === 0 ? 'no-voters-left' : checked(next)
}

function leaveJoint(membership: Membership): Membership | MembershipRefusal {
  if (!isJoint(membership)) return 'not-joint'
  const learners = sorted([...membership.learners, ...membership.learnersNext])
  return checked({ voters: membership.voters, outgoing: [], learners, learnersNext: [], autoLeave: false })
}

function stepped(membership: Membership, steps: readonly MemberChange[]): Membership {
  let next = membership
  for (const { kind, member } of steps) {
    // Nobody is changed: a place that was taken out of a change that the proposer thought better of.
    if (member === 0) continue
    if (kind === 'add-learner' && (next.learners.includes(member) || next.learnersNext.includes(member))) continue
    const without = {
      ...next,
      voters: next.voters.filter((id) => id !== member),
      learners: next.learners.filter((id) => id !== member),
      learnersNext: next.learnersNext.filter((id) => id !== member),
    }
    if (kind === 'remove') next = without
    else if (kind === 'add-voter') next = { ...without, voters: sorted([...without.voters, member]) }
    // Who still votes in the outgoing half becomes a learner when that half ends.
    else if (next.outgoing.includes(member))
      next = { ...without, learnersNext: sorted([...without.learnersNext, member]) }
    else next = { ...without, learners: sorted([...without.learners, member]) }
  }
  return next
}

function checked(next: Membership): Membership {
  const { voters, outgoing, learners, learnersNext, autoLeave } = next
  invariant(voters.length > 0, 'raft: a membership has voters', next)
  invariant(!learners.some((id) => voters.includes(id) || outgoing.includes(id)), 'raft: a learner does not vote', next)
  invariant(
    learnersNext.every((id) => outgoing.includes(id) && !voters.includes(id)),
    'raft: a learner-to-be votes in the outgoing half only',
    next,
  )
  invariant(outgoing.length > 0 || (learnersNext.length === 0 && !autoLeave), 'raft: only a joint change ends', next)
  return next
}

function sorted(ids: readonly MemberId[]): readonly MemberId[] {
  return [...ids].sort((a, b) => a - b)
}
