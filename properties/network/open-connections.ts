/** An open connection outlives the news that its pod is leaving: a node's proxy does not cut it while the pod still runs. */
import type { Cluster, ConnectionCut } from '../../src/cluster/index.ts'
import type { KernelFact, Micros } from '../../src/kernel/index.ts'
import { isPodTerminal, type Service, sameValue } from '../../src/objects/index.ts'
import type { ProxyFact } from '../../src/proxy/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact, seconds } from '../define.ts'

/**
 * When the rules of a node last came to know a service as another one than before, or no more: read off what its kube-proxy
 * has installed after every sync. News that has not reached a node cuts nothing there.
 */
function installedAt(cluster: Cluster): (node: string, service: string) => Micros {
  const specs = new Map<string, Map<string, Service['spec']>>()
  const changedAt = new Map<string, Micros>()
  onFact<ProxyFact, 'proxy-synced'>(cluster, 'proxy-synced', ({ node, changed, full }, at) => {
    const known = specs.get(node) ?? new Map<string, Service['spec']>()
    specs.set(node, known)
    const { plans } = cluster.networkOf(node)
    for (const key of full ? new Set([...known.keys(), ...plans.keys()]) : changed) {
      const before = known.get(key)
      const after = plans.get(key)?.service.spec
      if (before === after || sameValue(before, after)) continue
      changedAt.set(`${node} ${key}`, at)
      if (after === undefined) known.delete(key)
      else known.set(key, after)
    }
  })
  return (node, service) => changedAt.get(`${node} ${service}`) ?? Number.NEGATIVE_INFINITY
}

export const openConnectionsAreKept: PropertyDefinition = {
  id: 'open-connection-is-kept',
  mode: 'always',
  claim:
    'an open connection through a service is not cut by the node that translates it while its pod runs, the node has not been told since that the service is another one or gone, and it does not lose power',
  source: 'kubernetes pkg/proxy/ipvs/graceful_termination.go, v1.33; Linux nf_conntrack',
  trigger: 'a request went out on a connection that was open, after its pod had begun to leave',
  catches: ['proxy-ipvs-abrupt-removal'],
  monitor(cluster, report) {
    const toldAt = installedAt(cluster)
    const nodeLostAt = new Map<string, Micros>()
    /** Addresses of pods that run, with whether they are leaving. */
    const leaving = new Map<string, boolean>()
    cluster.truth.onChange('pods', ({ previous, current }) => {
      const address = (current ?? previous)?.status?.podIP
      if (address === undefined) return
      if (current === undefined || isPodTerminal(current)) leaving.delete(address)
      else leaving.set(address, current.metadata.deletionTimestamp !== undefined)
    })
    onFact<KernelFact, 'host-crashed'>(cluster, 'host-crashed', ({ host }, at) => nodeLostAt.set(host, at))
    cluster.kernel.subscribe('request-finished', (fact) => {
      const { opened, backend } = fact as { readonly opened: boolean; readonly backend: string } & typeof fact
      if (!opened && leaving.get(backend.slice(0, backend.indexOf(':'))) === true) report.reached()
    })
    cluster.kernel.subscribe('connection-cut', (fact) => {
      const { client, namespace, service, node, backend, openedAt, how } = fact as ConnectionCut
      const isLeaving = leaving.get(backend.slice(0, backend.indexOf(':')))
      if (isLeaving === undefined) return
      if (toldAt(node, `${namespace}/${service}`) >= openedAt) return
      if ((nodeLostAt.get(node) ?? 0) >= openedAt) return
      report.fail({
        subject: client,
        shape: how,
        message: `the connection of ${client} to ${backend}, open for ${seconds(cluster.kernel.now - openedAt)}, was ${how} on ${node} although its pod ${isLeaving ? 'is leaving but still runs' : 'runs'}`,
      })
    })
    return {}
  },
}
