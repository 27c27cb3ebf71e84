/**
 * Changing who belongs: which member a process is, and what the leader refuses. Models etcdserver's AddMember,
 * RemoveMember and PromoteMember with the strict check of reconfiguration, v3.5. Simplified: the leader makes all changes
 * (etcd's members all check additions and removals themselves), and a process stands for its peer addresses.
 */
import type { ProcessId } from '../kernel/machine.ts'
import type { LogIndex, MemberChange, MemberId, Membership } from '../raft/index.ts'
import type { EtcdDecisions } from './decisions.ts'
import type { EtcdFailure } from './errors.ts'
import * as errors from './errors.ts'
import type { EtcdOptions } from './options.ts'
import type { MemberChangeRequest } from './requests.ts'
import type { MemberInfo } from './responses.ts'

/** The first members are numbered 1, 2, 3 ...; who joins later has a number above theirs that nobody else ever gets. */
export function memberOf(process: ProcessId, first: readonly ProcessId[]): MemberId {
  const at = first.indexOf(process)
  return at >= 0 ? at + 1 : first.length + process
}

/** The member that a process with these options is. */
export function ownMember({ joins, index, members }: EtcdOptions, self: ProcessId): MemberId {
  return joins ? memberOf(self, members) : index + 1
}

export function processOf(member: MemberId, first: readonly ProcessId[]): ProcessId {
  return member <= first.length ? (first[member - 1] as ProcessId) : member - first.length
}

export function listMembers({ voters, learners }: Membership, first: readonly ProcessId[]): MemberInfo[] {
  return [...voters, ...learners]
    .sort((left, right) => left - right)
    .map((member) => ({ member, process: processOf(member, first), isLearner: learners.includes(member) }))
}

/** What the leader knows when it is asked for a change. */
export interface Standing {
  readonly membership: Membership
  readonly self: MemberId
  /** The processes of the first members. */
  readonly first: readonly ProcessId[]
  readonly maxLearners: number
  /** Who belonged once, and never will again. */
  readonly removed: readonly MemberId[]
  /** Did anything ever come from the member? */
  wasHeard(member: MemberId): boolean
  /** Did anything come from it within the last seconds? */
  isConnected(member: MemberId): boolean
  /** How much of the log it is known to hold. */
  match(member: MemberId): LogIndex
  learnerIsReady: EtcdDecisions['learnerIsReady']
}

/** The change that is asked for, or why it is refused. */
export function changeFor(request: MemberChangeRequest, standing: Standing): MemberChange | EtcdFailure {
  switch (request.type) {
    case 'member-add':
      return addition(memberOf(request.process, standing.first), request.isLearner === true, standing)
    case 'member-remove':
      return removal(request.member, standing)
    case 'member-promote':
      return promotion(request.member, standing)
  }
}

function addition(member: MemberId, isLearner: boolean, standing: Standing): MemberChange | EtcdFailure {
  const { voters, learners } = standing.membership
  if (voters.includes(member) || learners.includes(member)) return errors.MEMBER_EXISTS
  if (standing.removed.includes(member)) return errors.MEMBER_REMOVED
  if (isLearner) {
    return learners.length >= standing.maxLearners ? errors.TOO_MANY_LEARNERS : { kind: 'add-learner', member }
  }
  if (!isReadyToAddVoter(standing)) return errors.NOT_ENOUGH_STARTED
  if (!voters.every((voter) => isReached(voter, standing))) return errors.UNHEALTHY
  return { kind: 'add-voter', member }
}

function removal(member: MemberId, standing: Standing): MemberChange | EtcdFailure {
  const { voters, learners } = standing.membership
  const change = { kind: 'remove', member } as const
  if (learners.includes(member)) return change
  if (!voters.includes(member)) return errors.MEMBER_NOT_FOUND
  const rest = voters.filter((voter) => voter !== member)
  const quorum = Math.floor(rest.length / 2) + 1
  if (rest.filter((voter) => isStarted(voter, standing)).length < quorum) return errors.NOT_ENOUGH_STARTED
  // A member that is down is no part of any majority that is at work.
  if (member !== standing.self && !standing.isConnected(member)) return change
  const active = voters.filter((voter) => isReached(voter, standing)).length
  return active - 1 < 1 + Math.floor((voters.length - 1) / 2) ? errors.UNHEALTHY : change
}

function promotion(member: MemberId, standing: Standing): MemberChange | EtcdFailure {
  const { voters, learners } = standing.membership
  if (voters.includes(member)) return errors.MEMBER_NOT_LEARNER
  if (!learners.includes(member)) return errors.MEMBER_NOT_FOUND
  if (!standing.learnerIsReady(standing.match(member), standing.match(standing.self))) return errors.LEARNER_NOT_READY
  return isReadyToAddVoter(standing) ? { kind: 'add-voter', member } : errors.NOT_ENOUGH_STARTED
}

/** Would the started members be a majority with one voter more? The second member of all is let in in any case. */
function isReadyToAddVoter(standing: Standing): boolean {
  const { voters } = standing.membership
  const started = voters.filter((voter) => isStarted(voter, standing)).length
  const members = voters.length + 1
  return (started === 1 && members === 2) || started >= Math.floor(members / 2) + 1
}

function isStarted(member: MemberId, { self, wasHeard }: Standing): boolean {
  return member === self || wasHeard(member)
}

function isReached(member: MemberId, { self, isConnected }: Standing): boolean {
  return member === self || isConnected(member)
}
