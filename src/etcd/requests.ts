/**
 * What may be asked of etcd. Models etcd's rpc.proto, v3.5: ranges, puts, deletions, transactions, compaction, leases,
 * alarms, members, maintenance. Answers are in responses.ts. Not here: users and roles, snapshots as a stream.
 */
import type { ProcessId } from '../kernel/machine.ts'
import type { MemberId } from '../raft/index.ts'
import type { AlarmKind, LeaseId, Revision } from './types.ts'

export interface RangeRequest {
  readonly type: 'range'
  readonly key: string
  /** All keys from `key` up to, without, this one; '\0' means all from `key` on. Unset: the one key. */
  readonly rangeEnd?: string
  /** The state as of this revision. Unset or 0: the newest. */
  readonly revision?: Revision
  /** At most so many values. Unset or 0: all. */
  readonly limit?: number
  readonly countOnly?: boolean
  readonly keysOnly?: boolean
  /** Answer from the member's own state, which may be behind. Default false: linearizable. */
  readonly serializable?: boolean
  readonly order?: RangeOrder
}

/** In which order values come, and which are left out. What is left out still counts in `count`. */
export interface RangeOrder {
  /** Unset: as the keys are; with a target other than the key: ascending. */
  readonly sort?: 'ascending' | 'descending'
  /** Default key. */
  readonly target?: 'key' | 'version' | 'create-revision' | 'mod-revision' | 'value'
  /** Bounds, both ends included; unset or 0: none. */
  readonly minModRevision?: Revision
  readonly maxModRevision?: Revision
  readonly minCreateRevision?: Revision
  readonly maxCreateRevision?: Revision
}

export interface PutRequest {
  readonly type: 'put'
  readonly key: string
  readonly value: unknown
  /** Size of key and value. Unset: 512. */
  readonly bytes?: number
  readonly lease?: LeaseId
  readonly previousValue?: boolean
  /** What of the key's state stays as it is, which must be there then; it is not given in this request. */
  readonly keeps?: 'value' | 'lease' | 'value-and-lease'
}

export interface DeleteRequest {
  readonly type: 'delete'
  readonly key: string
  readonly rangeEnd?: string
  readonly previousValue?: boolean
}

export type CompareResult = 'equal' | 'not-equal' | 'greater' | 'less'

/** A condition on one key, or on all keys of a range. A key that is not there has revision, version and lease 0. */
export type Compare = { readonly key: string; readonly rangeEnd?: string; readonly result: CompareResult } & (
  | { readonly target: 'mod-revision' | 'create-revision' | 'version' | 'lease'; readonly operand: number }
  | { readonly target: 'value'; readonly operand: unknown }
)

export type Operation = RangeRequest | PutRequest | DeleteRequest | TxnRequest

export interface TxnRequest {
  readonly type: 'txn'
  /** All must hold for `success` to be done; otherwise `failure` is. */
  readonly compare: readonly Compare[]
  readonly success: readonly Operation[]
  readonly failure: readonly Operation[]
}

export interface CompactRequest {
  readonly type: 'compact'
  readonly revision: Revision
  /** Answer only once what is compacted has left the backend as well. */
  readonly physical?: boolean
}

export interface LeaseGrantRequest {
  readonly type: 'lease-grant'
  /** Chosen by the client, above 0. */
  readonly lease: LeaseId
  readonly ttlSeconds: number
}

export interface LeaseRevokeRequest {
  readonly type: 'lease-revoke'
  readonly lease: LeaseId
}

/** The leader's own: how long leases have left, so that the next leader does not begin anew. */
export interface LeaseCheckpointRequest {
  readonly type: 'lease-checkpoint'
  /** 0 seconds: the whole time again. */
  readonly remaining: readonly { readonly lease: LeaseId; readonly seconds: number }[]
}

export interface LeaseKeepAliveRequest {
  readonly type: 'lease-keep-alive'
  readonly lease: LeaseId
}

export interface LeaseTimeToLiveRequest {
  readonly type: 'lease-time-to-live'
  readonly lease: LeaseId
  readonly keys?: boolean
}

export interface LeaseListRequest {
  readonly type: 'lease-list'
}

export interface AlarmRequest {
  readonly type: 'alarm'
  readonly action: 'get' | 'activate' | 'deactivate'
  /** Whose alarm; no matter for `get`. */
  readonly member: MemberId
  /** `any` only for `get`. */
  readonly alarm: AlarmKind | 'any'
}

export interface StatusRequest {
  readonly type: 'status'
}

/** A hash of everything that is kept up to a revision; unset or 0: up to now. */
export interface HashRequest {
  readonly type: 'hash'
  readonly revision?: Revision
}

/** Writes the backend anew without its free pages. This member answers nobody meanwhile. */
export interface DefragmentRequest {
  readonly type: 'defragment'
}

export interface MemberListRequest {
  readonly type: 'member-list'
}

/** The process runs, or will run, a member that joins. */
export interface MemberAddRequest {
  readonly type: 'member-add'
  readonly process: ProcessId
  readonly isLearner?: boolean
}

export interface MemberRemoveRequest {
  readonly type: 'member-remove'
  readonly member: MemberId
}

/** A learner that has caught up becomes a voter. */
export interface MemberPromoteRequest {
  readonly type: 'member-promote'
  readonly member: MemberId
}

export interface MoveLeaderRequest {
  readonly type: 'move-leader'
  readonly to: MemberId
}

/** Requests that go through the log. */
export type WriteRequest =
  | PutRequest
  | DeleteRequest
  | TxnRequest
  | CompactRequest
  | LeaseGrantRequest
  | LeaseRevokeRequest
  | LeaseCheckpointRequest
  | AlarmRequest

export type MemberChangeRequest = MemberAddRequest | MemberRemoveRequest | MemberPromoteRequest

/** Requests that the leader answers: from its memory, or once the change of members is made. */
export type LeaderRequest = LeaseKeepAliveRequest | LeaseTimeToLiveRequest | MemberChangeRequest

/** Requests that the asked member answers from what it has. */
export type LocalRequest =
  | StatusRequest
  | HashRequest
  | DefragmentRequest
  | LeaseListRequest
  | MemberListRequest
  | MoveLeaderRequest

export type EtcdRequest = WriteRequest | LeaderRequest | RangeRequest | LocalRequest

const DEFAULT_BYTES = 512

/** Rough size of a request on the wire and in the log. */
export function requestBytes(request: EtcdRequest): number {
  switch (request.type) {
    case 'put':
      return 64 + (request.bytes ?? DEFAULT_BYTES)
    case 'txn':
      return 64 + request.compare.length * 64 + branchBytes(request.success) + branchBytes(request.failure)
    default:
      return 96
  }
}

function branchBytes(operations: readonly Operation[]): number {
  let bytes = 0
  for (const operation of operations) bytes += requestBytes(operation)
  return bytes
}

export function valueBytes(request: PutRequest): number {
  return request.bytes ?? DEFAULT_BYTES
}

/** Does the transaction change nothing, whichever branch it takes? Nested ones count as changing, as in etcd. */
export function isReadOnly({ success, failure }: TxnRequest): boolean {
  for (const operation of success) if (operation.type !== 'range') return false
  for (const operation of failure) if (operation.type !== 'range') return false
  return true
}
