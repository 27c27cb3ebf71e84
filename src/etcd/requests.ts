/**
 * What may be asked of etcd and what it answers. Models etcd's rpc.proto, v3.5: ranges, puts, deletions, transactions,
 * compaction, leases, status. Not yet: sorted ranges, filters by revision, maintenance other than status, members.
 */
import type { KeyValue, LeaseId, Revision } from './types.ts'

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
}

export interface PutRequest {
  readonly type: 'put'
  readonly key: string
  readonly value: unknown
  /** Size of key and value. Unset: 512. */
  readonly bytes?: number
  readonly lease?: LeaseId
  readonly previousValue?: boolean
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

export interface LeaseKeepAliveRequest {
  readonly type: 'lease-keep-alive'
  readonly lease: LeaseId
}

export interface LeaseTimeToLiveRequest {
  readonly type: 'lease-time-to-live'
  readonly lease: LeaseId
  readonly keys?: boolean
}

export interface StatusRequest {
  readonly type: 'status'
}

/** Requests that go through the log. */
export type WriteRequest =
  | PutRequest
  | DeleteRequest
  | TxnRequest
  | CompactRequest
  | LeaseGrantRequest
  | LeaseRevokeRequest

/** Requests that only the leader answers, from its memory. */
export type LeaderRequest = LeaseKeepAliveRequest | LeaseTimeToLiveRequest

export type EtcdRequest = WriteRequest | LeaderRequest | RangeRequest | StatusRequest

export interface RangeResponse {
  readonly type: 'range'
  /** The store's revision when it answered, whatever revision was asked for. */
  readonly revision: Revision
  readonly values: readonly KeyValue[]
  readonly more: boolean
  /** Keys in the range, whatever the limit. */
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
  readonly keys: readonly string[]
}

export interface StatusResponse {
  readonly type: 'status'
  readonly revision: Revision
  readonly leader: number
  readonly term: number
  readonly appliedIndex: number
}

export type EtcdResponse =
  | RangeResponse
  | PutResponse
  | DeleteResponse
  | TxnResponse
  | CompactResponse
  | LeaseResponse
  | StatusResponse

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

export function valueBytes(request: PutRequest): number {
  return request.bytes ?? DEFAULT_BYTES
}
