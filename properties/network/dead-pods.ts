/** Once the news of a pod's end has spread, no client's packets go to its address any more. */
import type { RequestFinished } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import { isPodTerminal } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { seconds } from '../define.ts'

/** The endpoint slice is written, every proxy is told, and has synced at its pace; names are resolved anew after 5 s. */
const BOUND_MICROS: Micros = 8_000_000

export const noPacketToDeadPod: PropertyDefinition = {
  id: 'no-packet-to-dead-pod',
  mode: 'always',
  claim:
    'no request is begun towards the address of a pod that has been gone for longer than the propagation bound, while nothing is disturbed; in iptables mode a source port whose last SYN nobody answered goes where that one went (Linux takes the next for a repetition)',
  source:
    'documentation "Virtual IPs and Service Proxies"; kubernetes pkg/proxy/conntrack/cleanup.go, v1.33; Linux nf_conntrack_proto_tcp.c',
  trigger: 'a request was begun when a pod that had served was gone for so long',
  catches: [
    'proxy-udp-conntrack-after-endpoint-removal',
    'proxy-ipvs-port-reuse-to-dead-backend',
    'proxy-udp-scale-to-zero-skipped',
  ],
  monitor(cluster, report) {
    /** Address of a pod that is gone, since when. */
    const goneAt = new Map<string, Micros>()
    let firstGoneAt = Number.POSITIVE_INFINITY
    cluster.truth.onChange('pods', ({ previous, current }) => {
      const address = current?.status?.podIP ?? previous?.status?.podIP
      if (address === undefined) return
      if (current !== undefined && !isPodTerminal(current)) {
        goneAt.delete(address)
        return
      }
      if (goneAt.has(address)) return
      const { now } = cluster.kernel
      goneAt.set(address, now)
      firstGoneAt = Math.min(firstGoneAt, now)
    })
    cluster.kernel.subscribe('request-finished', (fact) => {
      const { backend, startedAt, opened, repeatsSyn, client } = fact as RequestFinished
      if (!opened || repeatsSyn || startedAt - firstGoneAt < BOUND_MICROS) return
      report.reached()
      const since = goneAt.get(backend.slice(0, backend.indexOf(':')))
      if (since === undefined || startedAt - since < BOUND_MICROS || cluster.calm.disturbedSince(since)) return
      report.fail({
        subject: client,
        shape: 'dead-backend',
        message: `${client} was sent to ${backend} ${seconds(startedAt - since)} after the pod of that address was gone`,
      })
    })
    return {}
  },
}
