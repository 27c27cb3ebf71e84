/** Tables for the chains of iptables mode: the hostnames example and each special case of a service, as iptables-save shows them. */
import { expect, test } from 'vitest'
import { parseAddress } from '../dataplane/index.ts'
import { Rand } from '../kernel/index.ts'
import { PROXY_DECISIONS } from './decisions.ts'
import type { ServiceObjects } from './naive.ts'
import { NodeNetwork } from './network.ts'
import { planService } from './plan.ts'
import { makeEndpoint, makeService, makeSlice } from './testing.ts'

const draws = new Rand(1, 2)

function networkWith(...services: readonly ServiceObjects[]): NodeNetwork {
  const network = new NodeNetwork({
    nodeName: 'node-1',
    nodeAddress: '192.168.0.11',
    podCidr: '10.244.1.0/24',
    clusterCidr: '10.244.0.0/16',
  })
  network.restore(
    new Map(services.map(({ service, slices }) => [`default/${service.metadata.name}`, planService(service, slices)])),
    true,
    PROXY_DECISIONS,
    0,
  )
  return network
}

const pods = [
  makeEndpoint('10.244.1.7', 'node-1'),
  makeEndpoint('10.244.2.3', 'node-2'),
  makeEndpoint('10.244.3.6', 'node-3'),
]
const PORTS = [{ name: 'default', protocol: 'TCP', port: 9376 }] as const
const hostnames = makeService('hostnames', {
  type: 'ClusterIP',
  clusterIP: '10.96.1.175',
  ports: [{ name: 'default', protocol: 'TCP', port: 80, targetPort: 9376 }],
})
const slice = (endpoints = pods) => [makeSlice('hostnames', 'a', endpoints, PORTS)]

function lines(network: NodeNetwork, pattern: RegExp): string[] {
  return network
    .iptablesSave()
    .split('\n')
    .filter((line) => pattern.test(line))
}

test('the hostnames example: one service chain, a third, a half, the rest, and a chain for each pod', () => {
  const network = networkWith({ service: hostnames, slices: slice() })
  const svc = 'KUBE-SVC-ODX2UBAZM7RQWOIU'
  expect(lines(network, /-A KUBE-SERVICES .*10\.96\.1\.175/)).toEqual([
    `-A KUBE-SERVICES -d 10.96.1.175/32 -p tcp -m comment --comment "default/hostnames:default cluster IP" -m tcp --dport 80 -j ${svc}`,
  ])
  const balanced = lines(network, new RegExp(`-A ${svc}`))
  expect(balanced[0]).toBe(
    `-A ${svc} ! -s 10.244.0.0/16 -d 10.96.1.175/32 -p tcp -m comment --comment "default/hostnames:default cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ`,
  )
  expect(balanced.slice(1).map((line) => line.replace(/KUBE-SEP-\w+/, 'SEP'))).toEqual([
    `-A ${svc} -m comment --comment "default/hostnames:default -> 10.244.1.7:9376" -m statistic --mode random --probability 0.33333333349 -j SEP`,
    `-A ${svc} -m comment --comment "default/hostnames:default -> 10.244.2.3:9376" -m statistic --mode random --probability 0.50000000000 -j SEP`,
    `-A ${svc} -m comment --comment "default/hostnames:default -> 10.244.3.6:9376" -j SEP`,
  ])
  const first = /KUBE-SEP-\w+/.exec(balanced[1] ?? '')?.[0] ?? ''
  expect(lines(network, new RegExp(`-A ${first}`))).toEqual([
    `-A ${first} -s 10.244.1.7/32 -m comment --comment default/hostnames:default -j KUBE-MARK-MASQ`,
    `-A ${first} -p tcp -m comment --comment default/hostnames:default -m tcp -j DNAT --to-destination 10.244.1.7:9376`,
  ])
})

test('session affinity: checks before the draw, the list set where the packet is translated', () => {
  const service = { ...hostnames, spec: { ...hostnames.spec, sessionAffinity: 'ClientIP' as const } }
  const network = networkWith({ service, slices: slice() })
  const checks = lines(network, /--rcheck/)
  expect(checks).toHaveLength(3)
  expect(checks[0]).toMatch(/-m recent --rcheck --seconds 10800 --reap --name (KUBE-SEP-\w+) --rsource -j \1$/)
  expect(lines(network, /recent --set/)).toHaveLength(3)
  const flow = (sourcePort: number) => ({
    protocol: 'TCP' as const,
    source: parseAddress('10.244.1.9'),
    sourcePort,
    destination: parseAddress('10.96.1.175'),
    destinationPort: 80,
  })
  const first = network.connect(flow(1000), 'iptables', 0, draws).backend
  for (let i = 1; i < 50; i++)
    expect(network.connect(flow(1000 + i), 'iptables', i * 1_000_000, draws).backend).toEqual(first)
  const later = new Set(
    Array.from(
      { length: 50 },
      (_, i) => network.connect(flow(2000 + i), 'iptables', 20_000_000_000 * (i + 1), draws).backend?.address,
    ),
  )
  expect(later.size).toBe(3)
})

test('no endpoints: refused for cluster addresses and node ports; Local without local endpoints: dropped', () => {
  const spec = { ...hostnames.spec, type: 'NodePort' as const, ports: [{ name: 'default', port: 80, nodePort: 30080 }] }
  const none = networkWith({ service: makeService('hostnames', spec), slices: slice([]) })
  expect(lines(none, /REJECT/)).toEqual([
    '-A KUBE-SERVICES -d 10.96.1.175/32 -p tcp -m comment --comment "default/hostnames:default has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
    '-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "default/hostnames:default has no endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j REJECT --reject-with icmp-port-unreachable',
  ])
  expect(lines(none, /KUBE-(SVC|SEP|EXT)-/)).toEqual([])
  const local = networkWith({
    service: makeService('hostnames', { ...spec, externalTrafficPolicy: 'Local' }),
    slices: slice(pods.slice(1)),
  })
  expect(lines(local, /has no local endpoints/)).toHaveLength(1)
  expect(
    lines(local, /-A KUBE-EXT-/).map((line) => line.replace(/"[^"]*"/, 'C').replaceAll('-ODX2UBAZM7RQWOIU', '')),
  ).toEqual([
    '-A KUBE-EXT -s 10.244.0.0/16 -m comment --comment C -j KUBE-SVC',
    '-A KUBE-EXT -m comment --comment C -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ',
    '-A KUBE-EXT -m comment --comment C -m addrtype --src-type LOCAL -j KUBE-SVC',
  ])
})

test('the walk costs rules: the last of many services is found after all others', () => {
  const many = Array.from({ length: 100 }, (_, i) => {
    const service = makeService(`s${i}`, { type: 'ClusterIP', clusterIP: `10.96.2.${i}`, ports: [{ port: 80 }] })
    return { service, slices: [makeSlice(`s${i}`, 'a', pods, [{ port: 8080, protocol: 'TCP' as const }])] }
  })
  const network = networkWith(...many)
  const visits = (last: number): number => {
    const flow = {
      protocol: 'TCP' as const,
      source: parseAddress('10.244.1.9'),
      sourcePort: 5,
      destination: parseAddress(`10.96.2.${last}`),
      destinationPort: 80,
    }
    return network.connect(flow, 'iptables', 0, draws).rulesVisited
  }
  expect(visits(99)).toBeGreaterThan(visits(0) + 90)
  expect(
    network.outcomes(
      {
        protocol: 'TCP',
        source: parseAddress('10.244.1.9'),
        sourcePort: 5,
        destination: parseAddress('10.96.2.50'),
        destinationPort: 80,
      },
      'ipvs',
    ).backends.size,
  ).toBe(3)
})

test('a known flow keeps its backend while packets keep its entry alive', () => {
  const network = networkWith({ service: hostnames, slices: slice() })
  const flow = {
    protocol: 'UDP' as const,
    source: parseAddress('10.244.1.9'),
    sourcePort: 5,
    destination: parseAddress('10.96.1.175'),
    destinationPort: 80,
  }
  const tcp = { ...flow, protocol: 'TCP' as const }
  const first = network.connect(tcp, 'iptables', 0, draws)
  expect(network.established(tcp, 'iptables', 1_000_000)?.backend).toEqual(first.backend)
  expect(network.established(tcp, 'iptables', 400_000_000)?.rulesVisited).toBe(0)
  network.close(tcp, 'iptables', 400_000_000)
  expect(network.established(tcp, 'iptables', 521_000_000)).toBeUndefined()
  expect(network.established(flow, 'iptables', 0)).toBeUndefined()
})
