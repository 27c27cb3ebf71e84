/** Tables for the cluster's DNS answers, and the seam dns-headless-returns-unready. */
import { expect, test } from 'vitest'
import type { Endpoint, EndpointSlice, Service } from '../objects/index.ts'
import { answerQuery, type DnsSource, lookup, resolve } from './dns.ts'

function service(name: string, spec: Service['spec']): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec }
}

function slice(name: string, endpoints: readonly Endpoint[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    endpoints,
    metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  }
}

const ready = { addresses: ['10.244.0.5'], conditions: { ready: true } }
const unready = { addresses: ['10.244.1.6'], conditions: { ready: false } }
const leaving = { addresses: ['10.244.1.7'], conditions: { ready: false, serving: true, terminating: true } }

const services = [
  service('web', { clusterIP: '10.96.0.10', ports: [{ name: 'http', port: 80 }] }),
  service('db', { clusterIP: 'None' }),
  service('peers', { clusterIP: 'None', publishNotReadyAddresses: true }),
  service('empty', { clusterIP: 'None' }),
  service('away', { type: 'ExternalName', externalName: 'example.org' }),
]
const slices: Record<string, EndpointSlice[]> = {
  db: [slice('db', [{ ...ready, hostname: 'db-0' }, unready, leaving])],
  peers: [slice('peers', [ready, unready, leaving])],
  empty: [slice('empty', [unready])],
}
const source: DnsSource = {
  service: (key) => services.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key),
  slices: (key) => slices[key.split('/')[1] ?? ''] ?? [],
}

test.each([
  ['web.default.svc.cluster.local', ['10.96.0.10']],
  ['db.default.svc.cluster.local', ['10.244.0.5']],
  ['peers.default.svc.cluster.local', ['10.244.0.5', '10.244.1.6', '10.244.1.7']],
  ['db-0.db.default.svc.cluster.local', ['10.244.0.5']],
  ['10-244-1-6.peers.default.svc.cluster.local', ['10.244.1.6']],
  ['10-244-1-7.default.pod.cluster.local', ['10.244.1.7']],
  ['empty.default.svc.cluster.local', []],
  ['nowhere.default.svc.cluster.local', []],
  ['web.other.svc.cluster.local', []],
  ['web.default.svc.example.org', []],
])('%s', (name, addresses) => {
  expect(answerQuery(name, source)).toEqual(addresses)
})

test('codes, aliases, service records and the search list', () => {
  expect(resolve('empty.default.svc.cluster.local', source).code).toBe('NXDOMAIN')
  expect(resolve('away.default.svc.cluster.local', source)).toMatchObject({ alias: 'example.org' })
  expect(resolve('_http._tcp.web.default.svc.cluster.local', source)).toMatchObject({
    services: [{ target: 'web.default.svc.cluster.local', port: 80 }],
  })
  expect(resolve('_http._tcp.db.default.svc.cluster.local', source)).toMatchObject({
    services: [{ target: 'db-0.db.default.svc.cluster.local', port: 8080 }],
  })
  expect(lookup('web', 'default', source)).toMatchObject({ addresses: ['10.96.0.10'] })
  expect(lookup('web.default', 'other', source)).toMatchObject({ addresses: ['10.96.0.10'] })
  expect(lookup('web', 'other', source).code).toBe('NXDOMAIN')
})

test('seam dns-headless-returns-unready: ignoring the ready condition answers with everything', () => {
  const decisions = { publishes: () => true }
  expect(answerQuery('db.default.svc.cluster.local', { ...source, decisions })).toEqual([
    '10.244.0.5',
    '10.244.1.6',
    '10.244.1.7',
  ])
})
