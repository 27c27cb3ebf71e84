/** How large a cluster is and how it is configured. Made total once by `completeTopology`; behind it nothing is optional. */
import type { Labels } from '../objects/index.ts'

export interface Topology {
  /** Members of the etcd cluster: 1, 3 or 5. */
  readonly etcdMembers: number
  /** Do the components tell what they do as Events, and does the API serve them? Left out: `off`. */
  readonly events?: 'off' | 'on'
  /** Members of Events' own etcd cluster, 1, 3 or 5, as large clusters have it. Left out or 0: Events are in the main one. */
  readonly eventsEtcdMembers?: number
  /** Hosts on which etcd runs but has not joined: `etcd-3`, ... after three members. Default: none. */
  readonly spareEtcdMembers?: number
  /** Entries between two snapshots of an etcd member; it keeps half as many behind. Default: etcd's own, 10,000 and 5,000. */
  readonly etcdSnapshotEntries?: number
  /**
   * How the clients of etcd, API servers among them, use its members: `round-robin` spreads requests over all, as etcd's client
   * does that is told of several. Left out: `pinned`, each keeps to one until it fails.
   */
  readonly etcdBalance?: 'pinned' | 'round-robin'
  readonly apiServers: number
  /** Replicas of kube-controller-manager; one leads. */
  readonly controllerManagers: number
  /** Replicas of kube-scheduler; one leads. */
  readonly schedulers: number
  readonly nodes: number
  /** Zones that nodes are dealt out to in turn (label topology.kubernetes.io/zone). */
  readonly zones: number
  /** What each node offers. */
  readonly nodeCapacity: { readonly cpu: string; readonly memory: string; readonly pods: string }
  /** Which of the two installed data planes carries the traffic. Both are always programmed. */
  readonly proxyMode: 'iptables' | 'ipvs'
  /** Client rate limits of the controller manager (requests a second). Upstream's defaults: 20 and 30. */
  readonly controllerQps: number
  readonly controllerBurst: number
  /** Client rate limits of the scheduler (`--kube-api-qps`, `--kube-api-burst`). Left out: upstream's defaults, 50 and 100. */
  readonly schedulerQps?: number
  readonly schedulerBurst?: number
  /** Labels that every node carries besides the well-known ones. */
  readonly nodeLabels: Labels
}

/** The small cluster: 3 etcd members, 2 API servers, 2 controller managers, 2 schedulers, 3 nodes. */
export const SMALL_TOPOLOGY: Topology = {
  etcdMembers: 3,
  apiServers: 2,
  controllerManagers: 2,
  schedulers: 2,
  nodes: 3,
  zones: 3,
  nodeCapacity: { cpu: '4', memory: '8Gi', pods: '110' },
  proxyMode: 'iptables',
  controllerQps: 20,
  controllerBurst: 30,
  nodeLabels: {},
}

/** Fills in what is left out from the small cluster. */
export function completeTopology(partial: Partial<Topology> = {}): Topology {
  return { ...SMALL_TOPOLOGY, ...partial }
}

/** The process and host names of a topology, in the order in which they are started. */
export function namesOf(topology: Topology) {
  const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
  return {
    etcdMembers: numbered('etcd', topology.etcdMembers),
    eventsEtcdMembers: numbered('events-etcd', topology.events === 'on' ? (topology.eventsEtcdMembers ?? 0) : 0),
    spareEtcdMembers: numbered('etcd', topology.etcdMembers + (topology.spareEtcdMembers ?? 0)).slice(
      topology.etcdMembers,
    ),
    apiServers: numbered('apiserver', topology.apiServers),
    /** The control-plane hosts: an API server each, and the controller managers, schedulers and DNS servers dealt out to them. */
    masters: numbered('master', topology.apiServers),
    controllerManagers: numbered('controller-manager', topology.controllerManagers),
    schedulers: numbered('scheduler', topology.schedulers),
    nodes: numbered('node', topology.nodes),
    dns: numbered('coredns', 2),
    wires: numbered('wire', topology.nodes),
    runtimes: numbered('runtime', topology.nodes),
    kubelets: numbered('kubelet', topology.nodes),
    proxies: numbered('kube-proxy', topology.nodes),
  }
}

/** The processes of the cluster's components, control plane first; what serves a node inside it (its runtime) is left out. */
export function componentNames(topology: Topology): readonly string[] {
  const names = namesOf(topology)
  return [
    ...names.etcdMembers,
    ...names.eventsEtcdMembers,
    ...names.spareEtcdMembers,
    ...names.apiServers,
    ...names.controllerManagers,
    ...names.schedulers,
    ...names.kubelets,
    ...names.proxies,
  ]
}

/** What is wrong with these hosts as the core of a cluster, all that is left of it for good; undefined when it can work. */
export function coreMistake(topology: Topology, core: readonly string[]): string | undefined {
  const { etcdMembers, masters, nodes, controllerManagers, schedulers, dns } = namesOf(topology)
  const known = [...etcdMembers, ...masters, ...nodes]
  const unknown = core.find((host) => !known.includes(host))
  if (unknown !== undefined) return `there is no host "${unknown}"; there are ${known.join(', ')}`
  const kept = (hosts: readonly string[]) => hosts.filter((host) => core.includes(host))
  if (kept(etcdMembers).length * 2 <= etcdMembers.length) return 'it has no majority of the etcd members'
  if (kept(nodes).length === 0) return 'it has no node'
  // Controller managers, schedulers and DNS servers are dealt out to the masters in turn.
  for (const [what, processes] of Object.entries({ controllerManagers, schedulers, dns })) {
    const isKept = processes.some((_, index) => core.includes(masters[index % masters.length] ?? ''))
    if (!isKept) return `none of the masters that it has runs one of the ${what}`
  }
  return undefined
}
