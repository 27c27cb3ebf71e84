/**
 * What of a fact tells more than its type: the outcome, the reason, the kind of object; never a name, a number without a
 * bound or a time, which are new in every trial. A type that is not named here, a user's own say, counts by its type alone.
 */
import type { Fact } from '../../kernel/index.ts'
import type { FactOf, FactType } from '../temporal/facts.ts'
import { mix, type Words } from './hash.ts'

type Detail<F> = (fact: F, words: Words) => number
type Details = { readonly [T in FactType]?: Detail<FactOf<T>> }

const byReason: Detail<{ readonly reason: string }> = ({ reason }, words) => words.hash(reason)
const byResource: Detail<{ readonly resource: string }> = ({ resource }, words) => words.hash(resource)
const byLease: Detail<{ readonly lease: string }> = ({ lease }, words) => words.hash(lease)
const byOutcome: Detail<{ readonly outcome: string }> = ({ outcome }, words) => words.hash(outcome)
const byCode: Detail<{ readonly code: number }> = ({ code }) => code
const byReady: Detail<{ readonly ready: boolean }> = ({ ready }) => flag(ready)

const DETAILS: Details = {
  'api-request': ({ verb, resource, subresource, code }, words) =>
    mix(mix(mix(words.hash(verb), words.hash(resource)), words.hash(subresource ?? '')), code),
  'bind-failed': byCode,
  'cache-broken': byResource,
  'cache-filled': byResource,
  'client-failover': byReason,
  'client-timeout': ({ verb, resource }, words) => mix(words.hash(verb), words.hash(resource)),
  'connection-lost': byReason,
  'container-exited': byReason,
  'deployment-progress': ({ complete }) => flag(complete),
  'etcd-member-refused': byReason,
  'etcd-restored': ({ source }, words) => words.hash(source),
  'etcd-request-timed-out': ({ request }, words) => words.hash(request),
  'etcd-snapshot-sent': ({ delivered }) => flag(delivered),
  'gc-deleted': byResource,
  'image-pulled': ({ cached }) => flag(cached),
  'informer-event': ({ resource, change, tombstone }, words) =>
    mix(mix(words.hash(resource), words.hash(change)), flag(tombstone)),
  'ipvs-drain-ended': ({ how }, words) => words.hash(how),
  'leader-started': byLease,
  'leader-stopped': byLease,
  'node-registered': ({ existed }) => flag(existed),
  'node-status-written': byReady,
  'pod-phase': ({ phase, ready }, words) => mix(words.hash(phase), flag(ready)),
  'pod-readiness': byReady,
  'pod-rejected': byReason,
  'podgc-deleted': byReason,
  'poststart-ended': byOutcome,
  'prestop-ended': byOutcome,
  'probe-result': ({ kind, result }, words) => mix(words.hash(kind), words.hash(result)),
  'proxy-synced': ({ full }) => flag(full),
  'raft-change-refused': byReason,
  'raft-role': ({ role, leader }, words) => mix(words.hash(role), flag(leader !== 0)),
  'raft-vote-granted': ({ id, candidate }) => flag(id === candidate),
  // A file of the log has a number in its name.
  'records-lost': ({ file, torn }, words) => mix(words.hash(file.replace(/-.*/, '')), flag(torn)),
  'reflector-list': ({ resource, requestedVersion }, words) =>
    mix(words.hash(resource), flag(requestedVersion === '0')),
  'replicaset-resized': ({ from, to }) => (from < to ? 1 : 2) + (from === 0 ? 4 : 0) + (to === 0 ? 8 : 0),
  'request-finished': ({ outcome, opened }, words) => mix(words.hash(outcome), flag(opened)),
  'stale-read': byResource,
  'step-finished': ({ step, code }, words) => mix(words.hash(step.kind), code),
  'step-started': ({ step }, words) => words.hash(step.kind),
  'stop-started': ({ reason, preStop }, words) => mix(words.hash(reason), flag(preStop)),
  'termination-started': ({ cause }, words) => words.hash(cause),
  'watch-closed': ({ resource, reason }, words) => mix(words.hash(resource), words.hash(reason)),
  'watch-opened': byResource,
  'zone-state': ({ state }, words) => words.hash(state),
}

const BY_TYPE = new Map(Object.entries(DETAILS) as [string, Detail<Fact>][])

/** What to ask a fact of that type; undefined when the type says all. */
export function detailsOf(type: string): Detail<Fact> | undefined {
  return BY_TYPE.get(type)
}

function flag(value: boolean): number {
  return value ? 2 : 1
}
