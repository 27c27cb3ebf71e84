/**
 * What every sync of kube-proxy left in the two rule sets of its node, compared with what the proxy had been told. One
 * comparison a sync, shared by the properties that read it.
 */
import type { Cluster } from '../../src/cluster/index.ts'
import { compare, type Disagreement, type KubeProxy, type ProxyFact } from '../../src/proxy/index.ts'
import { onFact } from '../define.ts'

export interface Comparison {
  readonly node: string
  readonly disagreements: readonly Disagreement[]
  /** Classes of packets that both modes were asked about. */
  readonly classesAsked: number
}

type Listener = (comparison: Comparison) => void

const listenersByCluster = new WeakMap<Cluster, Listener[]>()

/** Calls `listener` after every sync of a kube-proxy, with the classes of packets of the services that the sync changed. */
export function onComparison(cluster: Cluster, listener: Listener): void {
  const listeners = listenersByCluster.get(cluster)
  if (listeners !== undefined) {
    listeners.push(listener)
    return
  }
  const all = [listener]
  listenersByCluster.set(cluster, all)
  onFact<ProxyFact, 'proxy-synced'>(cluster, 'proxy-synced', ({ node, changed, full }, _at, process) => {
    const proxy = cluster.kernel.machineOf(process) as KubeProxy
    const { disagreements, classesAsked } = compare(proxy.network, proxy.told(), full ? undefined : new Set(changed))
    for (const each of all) each({ node, disagreements, classesAsked })
  })
}
