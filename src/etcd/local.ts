/** What a member answers from its own state, without asking anybody. Models etcdserver's maintenance and cluster services, v3.5. */
import type { Micros } from '../kernel/time.ts'
import { SECOND } from '../kernel/time.ts'
import { MembershipChange } from '../raft/index.ts'
import type { StateMachine } from './apply.ts'
import type { Consensus } from './consensus.ts'
import type { EtcdFailure } from './errors.ts'
import * as errors from './errors.ts'
import type { LeaseKeeper } from './leasekeeper.ts'
import { changeFor, listMembers } from './members.ts'
import type { EtcdResult } from './messages.ts'
import type { EtcdOptions } from './options.ts'
import type {
  HashRequest,
  LeaseListRequest,
  MemberChangeRequest,
  MemberListRequest,
  StatusRequest,
} from './requests.ts'
import type { MembersResponse, StatusResponse } from './responses.ts'

/** A member as these answers see it. */
export interface Parts {
  readonly options: EtcdOptions
  readonly consensus: Consensus
  readonly machine: StateMachine
  readonly leases: LeaseKeeper
}

/** A member counts as connected when it was heard within this. */
const HEALTH_INTERVAL: Micros = 5 * SECOND

export function answerLocally(
  request: StatusRequest | HashRequest | LeaseListRequest | MemberListRequest,
  parts: Parts,
): EtcdResult {
  switch (request.type) {
    case 'status':
      return { ok: true, value: statusOf(parts) }
    case 'hash':
      return hashOf(request, parts)
    case 'lease-list': {
      const { revision } = parts.machine.store
      return { ok: true, value: { type: 'lease-list', revision, leases: parts.leases.list() } }
    }
    case 'member-list':
      return { ok: true, value: membersAnswer(parts) }
  }
}

export function membersAnswer({ consensus, options }: Parts): MembersResponse {
  return { type: 'members', members: listMembers(consensus.state.membership, options.members) }
}

function statusOf({ consensus, machine }: Parts): StatusResponse {
  const { leader, term, commit, applied, membership, id } = consensus.state
  const { store, alarms } = machine
  return {
    type: 'status',
    revision: store.revision,
    leader,
    term,
    committedIndex: commit,
    appliedIndex: applied,
    backendBytes: store.peakBytes,
    usedBytes: store.bytes,
    isLearner: membership.learners.includes(id),
    alarms: alarms.raised,
  }
}

export function hashOf({ revision = 0 }: HashRequest, { machine: { store } }: Parts): EtcdResult {
  const { compactRevision } = store
  if (revision > 0 && revision <= compactRevision) return errors.COMPACTED
  if (revision > store.revision) return errors.FUTURE_REVISION
  const hashRevision = revision > 0 ? revision : store.revision
  const hash = store.hashAt(hashRevision)
  return { ok: true, value: { type: 'hash', revision: store.revision, compactRevision, hashRevision, hash } }
}

/** The leader's change of members, or why it makes none. */
export function memberChange(
  request: MemberChangeRequest,
  { consensus, options, machine }: Parts,
  context: unknown,
  now: Micros,
): MembershipChange | EtcdFailure {
  const { membership, id } = consensus.state
  const change = changeFor(request, {
    membership,
    self: id,
    first: options.members,
    maxLearners: options.maxLearners,
    removed: machine.removed,
    wasHeard: (member) => consensus.heardAt(member) !== undefined,
    isConnected: (member) => now - (consensus.heardAt(member) ?? Number.NEGATIVE_INFINITY) <= HEALTH_INTERVAL,
    match: (member) => consensus.match(member),
    learnerIsReady: options.decisions.learnerIsReady,
  })
  return 'ok' in change ? change : new MembershipChange([change], 'auto', context)
}
