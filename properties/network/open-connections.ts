/** An open connection outlives the news that its pod is leaving: a node's proxy does not cut it while the pod still runs. */
import type { ConnectionCut } from '../../src/cluster/index.ts'
import type { KernelFact, Micros } from '../../src/kernel/index.ts'
import { isPodTerminal } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact, seconds } from '../define.ts'

/** Longer than any fault keeps a proxy from the news that a service has changed or is gone. */
const NEWS_MICROS: Micros = 60_000_000

export const openConnectionsAreKept: PropertyDefinition = {
  id: 'open-connection-is-kept',
  mode: 'always',
  claim:
    'an open connection through a service is not cut by the node that translates it while its pod runs, the service has been as it is for a minute and stays so, and the node does not lose power',
  source: 'kubernetes pkg/proxy/ipvs/graceful_termination.go, v1.33; Linux nf_conntrack',
  trigger: 'a request went out on a connection that was open, after its pod had begun to leave',
  catches: ['proxy-ipvs-abrupt-removal'],
  monitor(cluster, report) {
    const serviceChangedAt = new Map<string, Micros>()
    const nodeLostAt = new Map<string, Micros>()
    /** Addresses of pods that run, with whether they are leaving. */
    const leaving = new Map<string, boolean>()
    cluster.truth.onChange('services', ({ key, previous, current }) => {
      // Of a service that is new nobody can have an old picture.
      if (previous !== undefined && previous.spec !== current?.spec) serviceChangedAt.set(key, cluster.kernel.now)
    })
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
      const changedAt = serviceChangedAt.get(`${namespace}/${service}`) ?? Number.NEGATIVE_INFINITY
      if (changedAt + NEWS_MICROS >= openedAt) return
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
