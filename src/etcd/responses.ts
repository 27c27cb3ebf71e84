/** What etcd answers. Models etcd's rpc.proto, v3.5; what every answer's header says is in the answer itself. */
import type { ProcessId } from '../kernel/machine.ts'
import type { MemberId } from '../raft/index.ts'
import type { Alarm, KeyValue, LeaseId, Revision } from './types.ts'

export interface RangeResponse {
  readonly type: 'range'
  /** The store's revision when it answered, whatever revision was asked for. */
  readonly revision: Revision
  readonly values: readonly KeyValue[]
  readonly more: boolean
  /** Keys in the range, whatever the limit and the bounds. */
  readonly count: number
}

export interface PutResponse {
  readonly type: 'put'
  readonly revision: Revision
  readonly previous: KeyValue | undefined
}

export interface DeleteResponse {
  readonly type: 'delete'
  readonly revision: Revision
  readonly deleted: number
  readonly previous: readonly KeyValue[]
}

export type OperationResponse = RangeResponse | PutResponse | DeleteResponse | TxnResponse

export interface TxnResponse {
  readonly type: 'txn'
  readonly revision: Revision
  readonly succeeded: boolean
  /** One for each operation of the branch that was taken. */
  readonly responses: readonly OperationResponse[]
}

export interface CompactResponse {
  readonly type: 'compact'
  readonly revision: Revision
}

export interface LeaseResponse {
  readonly type: 'lease'
  readonly revision: Revision
  readonly lease: LeaseId
  /** Seconds left, or granted; -1 for a lease that is not there. */
  readonly ttlSeconds: number
  /** What it was granted; 0 when that was not asked for. */
  readonly grantedTtlSeconds: number
  readonly keys: readonly string[]
}

export interface LeaseListResponse {
  readonly type: 'lease-list'
  readonly revision: Revision
  /** Those that expire first come first, as far as the member knows. */
  readonly leases: readonly LeaseId[]
}

export interface AlarmResponse {
  readonly type: 'alarm'
  readonly alarms: readonly Alarm[]
}

export interface StatusResponse {
  readonly type: 'status'
  readonly revision: Revision
  readonly leader: number
  readonly term: number
  readonly committedIndex: number
  readonly appliedIndex: number
  /** Size of the backend's file, and of what is in use of it. */
  readonly backendBytes: number
  readonly usedBytes: number
  readonly isLearner: boolean
  readonly alarms: readonly Alarm[]
}

export interface HashResponse {
  readonly type: 'hash'
  readonly revision: Revision
  readonly compactRevision: Revision
  /** The state is that of this revision. */
  readonly hashRevision: Revision
  readonly hash: number
}

export interface DefragmentResponse {
  readonly type: 'defragment'
}

export interface MemberInfo {
  readonly member: MemberId
  readonly process: ProcessId
  readonly isLearner: boolean
}

export interface MembersResponse {
  readonly type: 'members'
  readonly members: readonly MemberInfo[]
}

export interface MoveLeaderResponse {
  readonly type: 'move-leader'
}

export type EtcdResponse =
  | RangeResponse
  | PutResponse
  | DeleteResponse
  | TxnResponse
  | CompactResponse
  | LeaseResponse
  | LeaseListResponse
  | AlarmResponse
  | StatusResponse
  | HashResponse
  | DefragmentResponse
  | MembersResponse
  | MoveLeaderResponse

/** Rough size of an answer on the wire. */
export function responseBytes(response: EtcdResponse): number {
  switch (response.type) {
    case 'range': {
      let bytes = 64
      for (const value of response.values) bytes += value.bytes
      return bytes
    }
    case 'txn': {
      let bytes = 64
      for (const inner of response.responses) bytes += responseBytes(inner)
      return bytes
    }
    default:
      return 64
  }
}
