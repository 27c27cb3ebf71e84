/**
 * What of a fact tells more than its type: the outcome, the reason, the kind of object; never a name, a number without a
 * bound or a time, which are new in every trial. A type that is not named here, a user's own say, counts by its type alone.
 */
import type { Fact } from '../../kernel/index.ts'
import type { FactOf, FactType } from '../temporal/facts.ts'

type Details = { readonly [T in FactType]?: (fact: FactOf<T>) => string }

const DETAILS: Details = {
  'api-request': ({ verb, resource, subresource, code }) => `${verb} ${resource} ${subresource ?? ''} ${code}`,
  'bind-failed': ({ code }) => String(code),
  'cache-broken': ({ resource }) => resource,
  'cache-filled': ({ resource }) => resource,
  'client-failover': ({ reason }) => reason,
  'client-timeout': ({ verb, resource }) => `${verb} ${resource}`,
  'connection-lost': ({ reason }) => reason,
  'container-exited': ({ reason }) => reason,
  'deployment-progress': ({ complete }) => (complete ? 'complete' : ''),
  'etcd-member-refused': ({ reason }) => reason,
  'etcd-restored': ({ source }) => source,
  'etcd-request-timed-out': ({ request }) => request,
  'etcd-snapshot-sent': ({ delivered }) => (delivered ? 'delivered' : ''),
  'gc-deleted': ({ resource }) => resource,
  'image-pulled': ({ cached }) => (cached ? 'cached' : ''),
  'informer-event': ({ resource, change, tombstone }) => `${resource} ${change}${tombstone ? ' tombstone' : ''}`,
  'ipvs-drain-ended': ({ how }) => how,
  'leader-started': ({ lease }) => lease,
  'leader-stopped': ({ lease }) => lease,
  'node-registered': ({ existed }) => (existed ? 'existed' : ''),
  'node-status-written': ({ ready }) => (ready ? 'ready' : ''),
  'pod-phase': ({ phase, ready }) => `${phase}${ready ? ' ready' : ''}`,
  'pod-readiness': ({ ready }) => (ready ? 'ready' : ''),
  'pod-rejected': ({ reason }) => reason,
  'podgc-deleted': ({ reason }) => reason,
  'poststart-ended': ({ outcome }) => outcome,
  'prestop-ended': ({ outcome }) => outcome,
  'probe-result': ({ kind, result }) => `${kind} ${result}`,
  'proxy-synced': ({ full }) => (full ? 'full' : ''),
  'raft-change-refused': ({ reason }) => reason,
  'raft-role': ({ role, leader }) => (leader === 0 ? role : `${role} of a leader`),
  'raft-vote-granted': ({ id, candidate }) => (id === candidate ? 'its own' : ''),
  'records-lost': ({ file, torn }) => `${file.replace(/-.*/, '')}${torn ? ' torn' : ''}`,
  'reflector-list': ({ resource, requestedVersion }) => `${resource} ${requestedVersion === '0' ? 'any' : ''}`,
  'replicaset-resized': ({ from, to }) => `${from < to ? 'up' : 'down'}${from === 0 || to === 0 ? ' 0' : ''}`,
  'request-finished': ({ outcome, opened }) => `${outcome}${opened ? ' opened' : ''}`,
  'stale-read': ({ resource }) => resource,
  'step-finished': ({ step, code }) => `${step.kind} ${code}`,
  'step-started': ({ step }) => step.kind,
  'stop-started': ({ reason, preStop }) => `${reason}${preStop ? ' preStop' : ''}`,
  'termination-started': ({ cause }) => cause,
  'watch-closed': ({ resource, reason }) => `${resource} ${reason}`,
  'watch-opened': ({ resource }) => resource,
  'zone-state': ({ state }) => state,
}

const BY_TYPE = new Map(Object.entries(DETAILS) as [string, (fact: Fact) => string][])

/** A word or two; undefined when the type says all. */
export function detailOf(fact: Fact): string | undefined {
  return BY_TYPE.get(fact.type)?.(fact)
}
