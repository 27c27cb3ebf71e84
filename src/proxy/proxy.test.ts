/** Stories of one kube-proxy against a small API server: syncs, failures, drains, stale flows; each seam with its bug and without. */
import { expect, test } from 'vitest'
import type { ApiClient } from '../client/index.ts'
import { FakeApi } from '../client/testing.ts'
import { type Flow, formatBackend, parseAddress } from '../dataplane/index.ts'
import { MILLISECOND, MINUTE, Rand, SECOND, Streams } from '../kernel/index.ts'
import type { Endpoint, Service } from '../objects/index.ts'
import { compare } from './compare.ts'
import type { ProxyDecisions } from './decisions.ts'
import type { IpvsDrainEnded, IpvsDrainStarted, ProxySynced, ProxySyncFailed } from './facts.ts'
import { NodeNetwork, type ProxyMode } from './network.ts'
import { KubeProxy } from './proxy.ts'
import { makeEndpoint, makeService, makeSlice } from './testing.ts'

const draws = new Rand(3, 4)
const NODE = { nodeName: 'node-0', nodeAddress: '192.168.0.10', podCidr: '10.244.0.0/24' }

class World {
  readonly api = new FakeApi()
  readonly network = new NodeNetwork(NODE)
  readonly #decisions: Partial<ProxyDecisions> | undefined
  proxy: KubeProxy

  constructor(decisions?: Partial<ProxyDecisions>) {
    this.#decisions = decisions
    this.proxy = this.#start()
  }

  #start(): KubeProxy {
    const { api, network } = this
    const proxy = new KubeProxy({
      name: 'kube-proxy-0',
      network,
      servers: api.portsForNextClient(),
      streams: new Streams(1),
      decisions: this.#decisions,
    })
    api.attach(proxy as unknown as ApiClient)
    proxy.onStart(api)
    return proxy
  }

  /** The process dies and another takes its place; the kernel state stays. */
  restart(): void {
    this.api.timers.length = 0
    this.api.disconnect(0)
    this.proxy = this.#start()
  }

  service(name: string, address: string, spec: Partial<Service['spec']> = {}): void {
    this.api.put(
      'services',
      makeService(name, { type: 'ClusterIP', clusterIP: address, ports: [{ port: 80 }], ...spec }),
    )
  }

  endpoints(name: string, endpoints: readonly Endpoint[], protocol: 'TCP' | 'UDP' = 'TCP'): void {
    this.api.put('endpointslices', makeSlice(name, 'a', endpoints, [{ port: 8080, protocol }]))
  }

  send(
    destination: string,
    mode: ProxyMode = 'iptables',
    more: Partial<Flow> & { readonly from?: string } = {},
  ): string {
    const { from = '10.244.0.200', ...rest } = more
    const flow: Flow = {
      protocol: 'TCP',
      source: parseAddress(from),
      sourcePort: 1000,
      destination: parseAddress(destination),
      destinationPort: 80,
      ...rest,
    }
    const { verdict, backend } = this.network.connect(flow, mode, this.api.now, draws)
    return verdict === 'dnat' && backend !== undefined ? formatBackend(backend) : verdict
  }

  agrees(): void {
    const { disagreements, classesAsked } = compare(this.network, this.proxy.told())
    expect(disagreements).toEqual([])
    expect(classesAsked).toBeGreaterThan(0)
  }
}

const A = makeEndpoint('10.244.0.5', 'node-0')
const B = makeEndpoint('10.244.1.6', 'node-1')
const C = makeEndpoint('10.244.1.7', 'node-1')

test('syncs after the first lists, then at most once a second after a burst of two; nothing changed costs nothing', () => {
  const world = new World()
  world.service('web', '10.96.0.10')
  world.endpoints('web', [A])
  world.api.advance(10 * SECOND)
  expect(world.api.takeNotes<ProxySynced>('proxy-synced')).toMatchObject([{ full: true, services: 1, node: 'node-0' }])
  const times: number[] = []
  for (let i = 0; i < 30; i++) {
    world.endpoints('web', i % 2 === 0 ? [A, B] : [A])
    world.api.advance(100 * MILLISECOND)
    for (const fact of world.api.takeNotes<ProxySynced>('proxy-synced')) {
      times.push(world.api.now)
      expect(fact).toMatchObject({ full: false, changed: ['default/web'] })
    }
  }
  expect(times.length).toBeGreaterThanOrEqual(4)
  expect(times.length).toBeLessThanOrEqual(5)
  world.api.advance(5 * SECOND)
  world.api.clear()
  const { api } = world
  api.put('services', { ...(api.objects<Service>('services').get('default/web') as Service) })
  api.advance(5 * SECOND)
  expect(api.takeNotes('proxy-synced')).toEqual([])
  world.agrees()
})

test('rules outlive the proxy; the next one makes them follow what changed meanwhile', () => {
  const world = new World()
  world.service('web', '10.96.0.10')
  world.endpoints('web', [A])
  world.service('old', '10.96.0.11')
  world.endpoints('old', [B])
  world.api.advance(5 * SECOND)
  world.api.timers.length = 0
  world.api.drop('services', 'default/old')
  world.endpoints('web', [C])
  expect(world.send('10.96.0.10', 'ipvs')).toBe('10.244.0.5:8080')
  world.restart()
  expect(world.send('10.96.0.11')).toBe('10.244.1.6:8080')
  world.api.advance(5 * SECOND)
  expect(world.send('10.96.0.10', 'iptables', { sourcePort: 2 })).toBe('10.244.1.7:8080')
  expect(world.send('10.96.0.11', 'iptables', { sourcePort: 2 })).toBe('drop')
  world.agrees()
})

test.each([
  ['right', undefined, '10.244.1.7:8080'],
  ['bug', { afterFailedRestore: () => ({ pending: [], full: false }) }, '10.244.0.5:8080'],
] as const)('seam proxy-loses-changes-after-failed-restore: %s', (_, decisions, expected) => {
  const world = new World(decisions)
  for (const [name, address] of [
    ['a', '10.96.0.10'],
    ['b', '10.96.0.11'],
  ] as const) {
    world.service(name, address)
    world.endpoints(name, [A])
  }
  world.api.advance(10 * SECOND)
  world.network.failRestores(1)
  world.endpoints('a', [C])
  world.api.advance(2 * SECOND)
  expect(world.api.takeNotes<ProxySyncFailed>('proxy-sync-failed')).toMatchObject([{ changed: ['default/a'] }])
  expect(world.network.failedRestores).toBe(1)
  world.endpoints('b', [B])
  world.api.advance(35 * SECOND)
  expect(world.send('10.96.0.11')).toBe('10.244.1.6:8080')
  expect(world.send('10.96.0.10')).toBe(expected)
})

test('a failed restore is tried again after 30 s when nothing else happens', () => {
  const world = new World()
  world.network.failRestores(1)
  world.service('web', '10.96.0.10')
  world.endpoints('web', [A])
  world.api.advance(10 * SECOND)
  expect(world.send('10.96.0.10', 'iptables', { sourcePort: 9 })).toBe('drop')
  world.api.advance(30 * SECOND)
  expect(world.send('10.96.0.10')).toBe('10.244.0.5:8080')
})

const noUdp: Partial<ProxyDecisions> = { udpTargetsToClean: () => [] }
test.each([
  ['replaced', undefined, '10.244.1.7:8080'],
  ['replaced', noUdp, '10.244.0.5:8080'],
  ['scaled to zero', undefined, 'reject'],
  [
    'scaled to zero',
    { udpTargetsToClean: (touched) => touched.filter(({ live }) => live.size > 0) },
    '10.244.0.5:8080',
  ],
  ['deleted', undefined, 'drop'],
  ['deleted', { udpTargetsToClean: (touched) => touched.filter(({ present }) => present) }, '10.244.0.5:8080'],
] as readonly (readonly [
  string,
  Partial<ProxyDecisions> | undefined,
  string,
])[])('seam proxy-udp-conntrack-after-endpoint-removal: %s, %#', (what, decisions, expected) => {
  const world = new World(decisions)
  const udp = { protocol: 'UDP' } as const
  world.service('dns', '10.96.0.10', { ports: [{ port: 80, protocol: 'UDP' }] })
  world.endpoints('dns', [A], 'UDP')
  world.api.advance(10 * SECOND)
  for (let i = 0; i < 5; i++) {
    expect(world.send('10.96.0.10', 'iptables', udp)).toBe('10.244.0.5:8080')
    world.api.advance(SECOND)
  }
  if (what === 'deleted') world.api.drop('services', 'default/dns')
  else world.endpoints('dns', what === 'replaced' ? [C] : [], 'UDP')
  for (let i = 0; i < 30; i++) {
    world.api.advance(SECOND)
    if (i > 2) expect(world.send('10.96.0.10', 'iptables', udp)).toBe(expected)
  }
})

test('a UDP flow that was sent before the service existed is not stuck', () => {
  const world = new World()
  world.api.advance(5 * SECOND)
  const udp = { protocol: 'UDP' } as const
  expect(world.send('10.96.0.10', 'iptables', udp)).toBe('drop')
  world.service('dns', '10.96.0.10', { ports: [{ port: 80, protocol: 'UDP' }] })
  world.endpoints('dns', [A], 'UDP')
  world.api.advance(2 * SECOND)
  expect(world.send('10.96.0.10', 'iptables', udp)).toBe('10.244.0.5:8080')
})

test.each([
  ['right', undefined, '10.244.1.6:8080'],
  ['bug', { addressesToUnbind: (released) => released }, 'direct'],
] as readonly (readonly [
  string,
  Partial<ProxyDecisions> | undefined,
  string,
])[])('seam proxy-ipvs-unbinds-shared-address: %s', (_, decisions, expected) => {
  const world = new World(decisions)
  world.service('a', '10.96.0.10', { externalIPs: ['198.51.100.1'], ports: [{ port: 80 }] })
  world.service('b', '10.96.0.11', { externalIPs: ['198.51.100.1'], ports: [{ port: 81 }] })
  world.endpoints('a', [A])
  world.endpoints('b', [B])
  world.api.advance(10 * SECOND)
  const b = { destinationPort: 81 }
  expect(world.send('198.51.100.1', 'ipvs', b)).toBe('10.244.1.6:8080')
  world.api.drop('services', 'default/a')
  world.api.advance(10 * SECOND)
  expect(world.send('198.51.100.1', 'ipvs', { ...b, sourcePort: 1001 })).toBe(expected)
  if (decisions === undefined) world.agrees()
})

test('a removed real server of TCP drains, one of UDP goes at once, and a restart of the proxy forgets no drain', () => {
  const world = new World()
  world.service('web', '10.96.0.10')
  world.endpoints('web', [A, C])
  world.api.advance(10 * SECOND)
  const [first, second] = [
    world.send('10.96.0.10', 'ipvs', { sourcePort: 1 }),
    world.send('10.96.0.10', 'ipvs', { sourcePort: 2 }),
  ]
  expect(new Set([first, second]).size).toBe(2)
  const flow: Flow = {
    protocol: 'TCP',
    source: parseAddress('10.244.0.200'),
    sourcePort: first === '10.244.0.5:8080' ? 1 : 2,
    destination: parseAddress('10.96.0.10'),
    destinationPort: 80,
  }
  world.network.established(flow, 'ipvs', world.api.now)
  world.api.clear()
  world.endpoints('web', [C])
  world.api.advance(3 * SECOND)
  expect(world.api.takeNotes<IpvsDrainStarted>('ipvs-drain-started')).toMatchObject([
    { backend: '10.244.0.5:8080', virtualServer: 'tcp 10.96.0.10:80' },
  ])
  for (let i = 0; i < 10; i++) expect(world.send('10.96.0.10', 'ipvs', { sourcePort: 10 + i })).toBe('10.244.1.7:8080')
  expect(world.network.established(flow, 'ipvs', world.api.now)?.verdict).toBe('dnat')
  world.restart()
  world.api.advance(5 * SECOND)
  expect(world.api.takeNotes('ipvs-drain-started')).toHaveLength(1)
  world.network.close(flow, 'ipvs', world.api.now)
  world.api.advance(4 * MINUTE)
  expect(world.api.takeNotes<IpvsDrainEnded>('ipvs-drain-ended')).toMatchObject([
    { how: 'removed', backend: '10.244.0.5:8080' },
  ])
  world.agrees()
})

test('an endpoint that comes back during its drain serves again', () => {
  const world = new World()
  world.service('web', '10.96.0.10')
  world.endpoints('web', [A])
  world.api.advance(10 * SECOND)
  world.send('10.96.0.10', 'ipvs')
  world.endpoints('web', [C])
  world.api.advance(3 * SECOND)
  world.endpoints('web', [A])
  world.api.advance(3 * SECOND)
  expect(world.send('10.96.0.10', 'ipvs', { sourcePort: 7 })).toBe('10.244.0.5:8080')
  world.api.advance(2 * MINUTE)
  expect(world.api.takeNotes<IpvsDrainEnded>('ipvs-drain-ended')).toMatchObject([{ how: 'returned' }])
  world.agrees()
})

test.each([
  ['right', undefined, 0],
  ['bug', { ipvsSysctls: () => ({ connReuseMode: 0, expireNodestConn: true, expireQuiescentTemplate: true }) }, 100],
] as readonly (readonly [
  string,
  Partial<ProxyDecisions> | undefined,
  number,
])[])('seam proxy-ipvs-port-reuse-to-dead-backend: %s', (_, decisions, atLeast) => {
  const world = new World(decisions)
  world.service('web', '10.96.0.10')
  world.endpoints('web', [A, C])
  world.api.advance(10 * SECOND)
  let dead = 0
  for (let i = 0; i < 40 * 30; i++) {
    const sourcePort = 1000 + (i % 20)
    const backend = world.send('10.96.0.10', 'ipvs', { sourcePort })
    const flow: Flow = {
      protocol: 'TCP',
      source: parseAddress('10.244.0.200'),
      sourcePort,
      destination: parseAddress('10.96.0.10'),
      destinationPort: 80,
    }
    world.network.established(flow, 'ipvs', world.api.now)
    world.network.close(flow, 'ipvs', world.api.now)
    if (i === 200) world.endpoints('web', [C])
    if (i > 300 && backend === '10.244.0.5:8080') dead++
    world.api.advance(25 * MILLISECOND)
  }
  if (atLeast === 0) expect(dead).toBe(0)
  else expect(dead).toBeGreaterThan(atLeast)
})

test.each([
  ['right', undefined, '10.244.0.5:8080', '10.244.0.5:8080'],
  [
    'bug',
    {
      usableEndpoints: (reached, policy) => {
        const ready = reached.filter((endpoint) => endpoint.ready)
        return ready.length > 0 || policy === 'Local'
          ? ready
          : reached.filter((endpoint) => endpoint.serving && endpoint.terminating)
      },
    },
    'drop',
    '10.244.1.6:8080',
  ],
] as readonly (readonly [
  string,
  Partial<ProxyDecisions> | undefined,
  string,
  string,
])[])('seam proxy-local-policy-blackhole: %s', (_, decisions, expected, expectedOfIpvs) => {
  const world = new World(decisions)
  world.service('web', '10.96.0.10', {
    type: 'NodePort',
    externalTrafficPolicy: 'Local',
    ports: [{ port: 80, nodePort: 30080 }],
  })
  world.endpoints('web', [makeEndpoint('10.244.0.5', 'node-0', 'leaving'), B])
  world.api.advance(10 * SECOND)
  const outside = { from: '203.0.113.9', destinationPort: 30080 }
  expect(world.send('192.168.0.10', 'iptables', outside)).toBe(expected)
  expect(world.send('192.168.0.10', 'ipvs', outside)).toBe(expectedOfIpvs)
})

test('seam proxy-ipvs-nodeport-ignores-local: the comparison sees remote servers behind a Local node port', () => {
  for (const decisions of [
    undefined,
    { localServers: (_local, cluster) => cluster } satisfies Partial<ProxyDecisions>,
  ]) {
    const world = new World(decisions)
    world.service('web', '10.96.0.10', {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      ports: [{ port: 80, nodePort: 30080 }],
    })
    world.endpoints('web', [A, B])
    world.api.advance(10 * SECOND)
    const { disagreements } = compare(world.network, world.proxy.told())
    expect(disagreements.length > 0).toBe(decisions !== undefined)
  }
})

test('seam proxy-ipvs-abrupt-removal: a real server that goes at once breaks its open connections', () => {
  for (const drains of [true, false]) {
    const world = new World({ drainsRealServers: () => drains })
    world.service('web', '10.96.0.10')
    world.endpoints('web', [A])
    world.api.advance(10 * SECOND)
    world.send('10.96.0.10', 'ipvs')
    world.endpoints('web', [C])
    world.api.advance(3 * SECOND)
    const flow: Flow = {
      protocol: 'TCP',
      source: parseAddress('10.244.0.200'),
      sourcePort: 1000,
      destination: parseAddress('10.96.0.10'),
      destinationPort: 80,
    }
    expect(world.network.established(flow, 'ipvs', world.api.now)?.verdict).toBe(drains ? 'dnat' : 'reset')
  }
})
