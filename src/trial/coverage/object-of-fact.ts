/** Which object a fact is about, for those that are about one: what the same fact about another object would not be told from. */
import type { Fact } from '../../kernel/index.ts'
import type { FactOf, FactType } from '../temporal/facts.ts'

/** The kind of object and its key; an empty key: about none. */
export interface About<F> {
  readonly kind: string | ((fact: F) => string)
  readonly key: (fact: F) => string
}

type AboutTable = { readonly [T in FactType]?: About<FactOf<T>> }

const ofPod = { kind: 'pods', key: ({ podKey }: { readonly podKey: string }) => podKey }
const pod = { kind: 'pods', key: ({ pod: key }: { readonly pod: string }) => key }
const node = { kind: 'nodes', key: ({ node: name }: { readonly node: string }) => name }
const service = { kind: 'services', key: ({ service: key }: { readonly service: string }) => key }
const deployment = { kind: 'deployments', key: ({ deployment: key }: { readonly deployment: string }) => key }
const lease = { kind: 'leases', key: ({ lease: key }: { readonly lease: string }) => key }
const log = { kind: 'log', key: () => 'the log' }
const cached = { kind: ({ resource }: { readonly resource: string }) => resource, key: () => 'the cache' }

const ABOUT: AboutTable = {
  'api-request': {
    kind: ({ resource }) => resource,
    key: ({ namespace, name }) => (name === undefined ? '' : namespace === undefined ? name : `${namespace}/${name}`),
  },
  'informer-event': { kind: ({ resource }) => resource, key: ({ key }) => key },
  'gc-deleted': { kind: ({ resource }) => resource, key: ({ key }) => key },
  'cache-broken': cached,
  'cache-filled': cached,
  'cache-held': cached,
  'cache-released': cached,
  'stale-read': cached,
  'reflector-list': cached,
  'bind-failed': pod,
  'controller-created-pod': pod,
  'controller-deleted-pod': pod,
  'pod-assumed': pod,
  'pod-evicted-by-taint': pod,
  'pod-scheduled': pod,
  'pod-unschedulable': pod,
  'podgc-deleted': pod,
  'container-exited': ofPod,
  'container-listening': ofPod,
  'container-started': ofPod,
  'kill-sent': ofPod,
  'pod-admitted': ofPod,
  'pod-phase': ofPod,
  'pod-readiness': ofPod,
  'pod-rejected': ofPod,
  'pod-removed': ofPod,
  'prestop-started': ofPod,
  'sandbox-started': ofPod,
  'sandbox-stopped': ofPod,
  'stop-started': ofPod,
  'term-sent': ofPod,
  'termination-finished': ofPod,
  'termination-shortened': ofPod,
  'termination-started': ofPod,
  'node-marked-unknown': node,
  'node-pods-marked-not-ready': node,
  'node-registered': node,
  'node-tainted-noexecute': node,
  'node-untainted-noexecute': node,
  'deployment-progress': deployment,
  'replicaset-resized': deployment,
  'endpoints-written': service,
  'endpointslice-cache-stale': service,
  'proxy-synced': { kind: 'services', key: ({ changed }) => (changed.length === 1 ? (changed[0] as string) : '') },
  'proxy-sync-failed': { kind: 'services', key: ({ changed }) => (changed.length === 1 ? (changed[0] as string) : '') },
  'request-finished': { kind: 'services', key: ({ namespace, service: name }) => `${namespace}/${name}` },
  'leader-started': lease,
  'leader-stopped': lease,
  'raft-role': log,
  'raft-vote-granted': log,
  'raft-log-truncated': log,
  'raft-snapshot-installed': log,
  'raft-membership-changed': log,
  'etcd-restored': log,
  'etcd-compacted': log,
  'etcd-member-refused': log,
  'etcd-member-started': log,
}

const BY_TYPE = new Map(Object.entries(ABOUT) as [string, About<Fact>][])

/** How facts of that type say which object they are about; undefined when they are about none. */
export function objectsOf(type: string): About<Fact> | undefined {
  return BY_TYPE.get(type)
}
