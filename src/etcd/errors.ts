/** Refusals and failures, with gRPC's codes and etcd's messages. Models etcd's rpctypes, v3.5; checked against 3.4.23. */

export interface EtcdFailure {
  readonly ok: false
  /** gRPC status: 3 invalid, 4 deadline, 5 not found, 8 exhausted, 9 precondition, 11 out of range, 14 unavailable. */
  readonly code: number
  readonly message: string
  /** The write may have taken effect, or may yet. Always false for a refusal. */
  readonly outcomeUnknown: boolean
}

function failure(code: number, message: string, outcomeUnknown = false): EtcdFailure {
  return Object.freeze({ ok: false, code, message, outcomeUnknown })
}

export const COMPACTED = failure(11, 'etcdserver: mvcc: required revision has been compacted')
export const FUTURE_REVISION = failure(11, 'etcdserver: mvcc: required revision is a future revision')
export const DUPLICATE_KEY = failure(3, 'etcdserver: duplicate key given in txn request')
export const TOO_MANY_OPERATIONS = failure(3, 'etcdserver: too many operations in txn request')
export const TOO_LARGE = failure(3, 'etcdserver: request is too large')
export const EMPTY_KEY = failure(3, 'etcdserver: key is not provided')
export const LEASE_EXISTS = failure(9, 'etcdserver: lease already exists')
export const LEASE_NOT_FOUND = failure(5, 'etcdserver: requested lease not found')
export const LEASE_TTL_TOO_LARGE = failure(11, 'etcdserver: too large lease TTL')
export const TOO_MANY_REQUESTS = failure(8, 'etcdserver: too many requests')
export const NO_LEADER = failure(14, 'etcdserver: no leader')
export const READ_TIMED_OUT = failure(14, 'etcdserver: request timed out')
export const WRITE_TIMED_OUT = failure(14, 'etcdserver: request timed out', true)
export const WRITE_LOST_LEADER = failure(
  14,
  'etcdserver: request timed out, possibly due to previous leader failure',
  true,
)
/** The client's own: the connection broke before an answer came. */
export const CONNECTION_LOST = failure(14, 'error reading from server: connection closed', true)
export const WRITE_DEADLINE = failure(4, 'context deadline exceeded', true)
export const READ_DEADLINE = failure(4, 'context deadline exceeded')
