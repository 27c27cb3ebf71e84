/** Refusals and failures, with gRPC's codes and etcd's messages. Models etcd's rpctypes, v3.5; checked against 3.4.23. */

export interface EtcdFailure {
  readonly ok: false
  /** gRPC status: 3 invalid, 4 deadline, 5 not found, 8 exhausted, 9 precondition, 11 out of range, 14 unavailable, 15 data loss. */
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
export const KEY_NOT_FOUND = failure(3, 'etcdserver: key not found')
export const VALUE_PROVIDED = failure(3, 'etcdserver: value is provided')
export const LEASE_PROVIDED = failure(3, 'etcdserver: lease is provided')
export const LEASE_EXISTS = failure(9, 'etcdserver: lease already exists')
export const LEASE_NOT_FOUND = failure(5, 'etcdserver: requested lease not found')
export const LEASE_TTL_TOO_LARGE = failure(11, 'etcdserver: too large lease TTL')
export const NO_SPACE = failure(8, 'etcdserver: mvcc: database space exceeded')
export const CORRUPT = failure(15, 'etcdserver: corrupt cluster')
export const MEMBER_EXISTS = failure(9, 'etcdserver: Peer URLs already exists')
export const MEMBER_REMOVED = failure(2, 'membership: ID removed')
export const MEMBER_NOT_FOUND = failure(5, 'etcdserver: member not found')
export const MEMBER_NOT_LEARNER = failure(9, 'etcdserver: can only promote a learner member')
export const LEARNER_NOT_READY = failure(
  9,
  'etcdserver: can only promote a learner member which is in sync with leader',
)
export const TOO_MANY_LEARNERS = failure(9, 'etcdserver: too many learner members in cluster')
export const NOT_ENOUGH_STARTED = failure(9, 'etcdserver: re-configuration failed due to not enough started members')
export const UNHEALTHY = failure(14, 'etcdserver: unhealthy cluster')
export const NOT_LEADER = failure(9, 'etcdserver: not leader')
export const BAD_TRANSFEREE = failure(9, 'etcdserver: bad leader transferee')
export const LEARNER_REFUSES = failure(14, 'etcdserver: rpc not supported for learner')
export const TOO_MANY_REQUESTS = failure(8, 'etcdserver: too many requests')
export const LEADER_CHANGED = failure(14, 'etcdserver: leader changed')
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
