/** Historical bugs of kube-proxy, IPVS and DNS, each as the decision that it replaced. */
import type { Defect } from '../../src/trial/registry.ts'

export const NETWORK_DEFECTS: readonly Defect[] = [
  {
    id: 'proxy-loses-changes-after-failed-restore',
    title: 'Pending changes are dropped when applying the rules fails',
    subsystem: 'network',
    sources: ['kubernetes/kubernetes#112604', 'kubernetes/kubernetes#121362'],
    decisions: { proxy: { afterFailedRestore: () => ({ pending: [], full: false }) } },
    suite: 'network',
    caughtBy: ['proxy-rules-follow-the-api'],
  },
  {
    id: 'proxy-local-policy-blackhole',
    title: 'A node with only terminating local endpoints drops external traffic',
    subsystem: 'network',
    sources: ['kubernetes/kubernetes#85643 (KEP-1669)', 'kubernetes/kubernetes#75262', 'kubernetes/kubernetes#50977'],
    decisions: {
      proxy: {
        usableEndpoints: (reached, policy) => {
          const ready = reached.filter((endpoint) => endpoint.ready)
          return ready.length > 0 || policy === 'Local'
            ? ready
            : reached.filter((endpoint) => endpoint.serving && endpoint.terminating)
        },
      },
    },
    suite: 'network',
    caughtBy: ['proxy-modes-agree'],
  },
  {
    id: 'proxy-ipvs-nodeport-ignores-local',
    title: 'In IPVS mode a node port with policy Local leads to every endpoint of the cluster',
    subsystem: 'network',
    sources: ['kubernetes/kubernetes#66062'],
    decisions: { proxy: { localServers: (_local, cluster) => cluster } },
    suite: 'network',
    caughtBy: ['proxy-modes-agree'],
  },
  {
    id: 'proxy-ipvs-unbinds-shared-address',
    title: 'Deleting one service takes an address off the node that another still uses',
    subsystem: 'network',
    sources: ['kubernetes/kubernetes#80158'],
    decisions: { proxy: { addressesToUnbind: (released) => released } },
    suite: 'services',
    caughtBy: ['proxy-rules-follow-the-api'],
  },
  {
    id: 'proxy-ipvs-port-reuse-to-dead-backend',
    title: 'In IPVS mode a source port that is used again leads to the backend that it led to before, gone or not',
    subsystem: 'network',
    sources: ['kubernetes/kubernetes#81775'],
    decisions: {
      proxy: { ipvsSysctls: () => ({ connReuseMode: 0, expireNodestConn: true, expireQuiescentTemplate: true }) },
    },
    suite: 'busy-clients',
    caughtBy: ['no-packet-to-dead-pod', 'rollout-with-prestop-loses-no-request'],
  },
  {
    id: 'proxy-ipvs-abrupt-removal',
    title: 'In IPVS mode a backend that leaves is removed at once, and its open connections break',
    subsystem: 'network',
    sources: ['kubernetes/kubernetes#57841'],
    decisions: { proxy: { drainsRealServers: () => false } },
    suite: 'busy-clients',
    caughtBy: ['open-connection-is-kept'],
  },
  {
    id: 'proxy-udp-conntrack-after-endpoint-removal',
    title: 'A UDP flow keeps going to an endpoint that was removed',
    subsystem: 'network',
    sources: ['kubernetes/kubernetes#19029', 'kubernetes/kubernetes#125467'],
    decisions: { proxy: { udpTargetsToClean: () => [] } },
    suite: 'network',
    caughtBy: ['no-packet-to-dead-pod'],
  },
  {
    id: 'proxy-udp-scale-to-zero-skipped',
    title: 'UDP flows are not cleaned when a service has no endpoint left',
    subsystem: 'network',
    sources: ['kubernetes/kubernetes#139628', 'kubernetes/kubernetes PR 139629'],
    decisions: { proxy: { udpTargetsToClean: (touched) => touched.filter(({ live }) => live.size > 0) } },
    suite: 'busy-clients',
    caughtBy: ['no-packet-to-dead-pod'],
  },
  {
    id: 'dns-headless-returns-unready',
    title: 'A headless service answers with addresses of pods that are not ready',
    subsystem: 'network',
    sources: ['coredns/coredns#4594', 'kubernetes/dns#472', 'coredns/coredns PR 4580'],
    decisions: { dns: { publishes: () => true } },
    suite: 'network',
    caughtBy: ['dns-answers-equal-endpoints'],
  },
]
