/** What the desk asks about a request before it knows where to send it. Values in, an answer out. */
import { MembershipChange, type Proposal } from '../raft/index.ts'
import type { LoggedRequest } from './messages.ts'
import type { LeaderRequest, MemberChangeRequest, TxnRequest } from './requests.ts'

/** The end of a lease, or a checkpoint. */
export function isLeadersOwn(data: Proposal['data']): boolean {
  if (data instanceof MembershipChange) return false
  const { type } = (data as LoggedRequest).request
  return type === 'lease-revoke' || type === 'lease-checkpoint'
}

export function isAboutLease(request: LeaderRequest): request is Exclude<LeaderRequest, MemberChangeRequest> {
  return request.type === 'lease-keep-alive' || request.type === 'lease-time-to-live'
}

export function isSerializable({ success, failure }: TxnRequest): boolean {
  return [...success, ...failure].every((operation) => operation.type === 'range' && operation.serializable === true)
}
