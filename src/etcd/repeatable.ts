/** Which requests a client may do twice. Models clientv3's retry.go and retry_interceptor.go, v3.5. */
import * as errors from './errors.ts'
import type { EtcdResult } from './messages.ts'
import type { EtcdRequest } from './requests.ts'

/** May it be done twice? What etcd's client marks as repeatable; a lease that is granted again is there already. */
export function isRepeatable(request: EtcdRequest): boolean {
  switch (request.type) {
    case 'lease-grant':
    case 'lease-revoke':
    case 'alarm':
    case 'move-leader':
      return true
    default:
      return isRead(request)
  }
}

/** Does it change nothing? A transaction is not asked what it would do. */
export function isRead({ type }: EtcdRequest): boolean {
  switch (type) {
    case 'range':
    case 'status':
    case 'lease-keep-alive':
    case 'lease-time-to-live':
    case 'lease-list':
    case 'member-list':
    case 'hash':
      return true
    default:
      return false
  }
}

/** Is this answer no answer, so that another of several members is asked the same? A learner has done nothing at all. */
export function isAskedAgain(request: EtcdRequest, result: EtcdResult, endpoints: number): boolean {
  if (result.ok || result.code !== 14) return false
  return isRepeatable(request) || (endpoints > 1 && result.message === errors.LEARNER_REFUSES.message)
}
