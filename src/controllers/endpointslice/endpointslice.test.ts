// Tables for endpoints and slices, a property over random pods, and the tracker.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Endpoint, EndpointSlice, Pod, Service } from '../../objects/index.ts'
import { service as makeService, node, pod } from '../testingpods.ts'
import { belongsInEndpoints, endpointChanged, endpointKey, endpointPorts, podToEndpoint } from './endpoints.ts'
import {
  computeSliceChanges,
  type DesiredGroup,
  MANAGED_BY,
  MANAGED_BY_LABEL,
  SERVICE_NAME_LABEL,
  sliceLabels,
} from './slices.ts'
import { SliceTracker } from './tracker.ts'

const service: Service = { ...makeService('web', 'web'), metadata: { name: 'web', namespace: 'default', uid: 'svc' } }

interface Shape {
  readonly ready?: boolean
  readonly going?: boolean
  readonly ip?: string
  readonly phase?: 'Running' | 'Succeeded' | 'Pending'
}

function shaped(name: string, { ready = true, going = false, ip = '10.244.0.1', phase = 'Running' }: Shape = {}): Pod {
  const plain = pod(name, { app: 'web' })
  return {
    ...plain,
    metadata: { ...plain.metadata, deletionTimestamp: going ? '2025-01-01T00:00:00Z' : undefined },
    spec: { ...plain.spec, nodeName: 'node-0' },
    status: { phase, podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  }
}

test.each<[string, Shape, Partial<Service['spec']>, Endpoint['conditions']]>([
  ['ready', {}, {}, { ready: true, serving: true, terminating: false }],
  ['not ready', { ready: false }, {}, { ready: false, serving: false, terminating: false }],
  ['ready and going', { going: true }, {}, { ready: false, serving: true, terminating: true }],
  ['going', { ready: false, going: true }, {}, { ready: false, serving: false, terminating: true }],
  [
    'published anyway',
    { ready: false },
    { publishNotReadyAddresses: true },
    { ready: true, serving: false, terminating: false },
  ],
  [
    'published while going',
    { going: true },
    { publishNotReadyAddresses: true },
    { ready: true, serving: true, terminating: true },
  ],
])('conditions of a pod that is %s', (_name, shape, spec, conditions) => {
  const endpoint = podToEndpoint(shaped('a', shape), undefined, { ...service, spec: { ...service.spec, ...spec } })
  expect(endpoint.conditions).toEqual(conditions)
})

test('zone, node and hostname', () => {
  const plain = shaped('a')
  const named: Pod = { ...plain, spec: { ...plain.spec, hostname: 'db-0', subdomain: 'web' } }
  const zoned = node('node-0', 'True', { 'topology.kubernetes.io/zone': 'z1' })
  expect(podToEndpoint(named, zoned, service)).toMatchObject({ hostname: 'db-0', nodeName: 'node-0', zone: 'z1' })
  expect(podToEndpoint(plain, undefined, service)).not.toHaveProperty('hostname')
})

test('who belongs in endpoints, and which changes matter', () => {
  expect(belongsInEndpoints(shaped('a'))).toBe(true)
  expect(belongsInEndpoints(shaped('a', { going: true }))).toBe(true)
  expect(belongsInEndpoints(shaped('a', { phase: 'Succeeded' }))).toBe(false)
  expect(belongsInEndpoints(pod('a', {}))).toBe(false)
  expect(endpointChanged(shaped('a'), { ...shaped('a'), kind: 'Pod' })).toBe(false)
  expect(endpointChanged(shaped('a'), shaped('a', { ready: false }))).toBe(true)
  expect(endpointChanged(shaped('a'), shaped('a', { going: true }))).toBe(true)
})

test('ports: numbers, names, and names that a pod does not have', () => {
  const ports = [
    { name: 'a', port: 80, targetPort: 'http' },
    { name: 'b', port: 81, targetPort: 8081 },
    { name: 'c', port: 82, targetPort: 'none' },
    { port: 83 },
  ]
  expect(endpointPorts(shaped('a'), { ...service, spec: { ...service.spec, ports } })).toEqual([
    { name: 'a', port: 80, protocol: 'TCP' },
    { name: 'b', port: 8081, protocol: 'TCP' },
    { name: '', port: 83, protocol: 'TCP' },
  ])
})

const PORTS = [{ name: 'web', port: 80, protocol: 'TCP' as const }]

function endpoints(count: number, from = 0): Endpoint[] {
  return Array.from({ length: count }, (_entry, index) =>
    podToEndpoint(shaped(`p${from + index}`, { ip: `10.0.0.${from + index}` }), undefined, service),
  )
}

function slice(name: string, list: readonly Endpoint[], version = '1'): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion: version,
      labels: sliceLabels(service),
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'svc', controller: true, blockOwnerDeletion: true },
      ],
    },
    addressType: 'IPv4',
    endpoints: list,
    ports: PORTS,
  }
}

function shape(
  groups: readonly DesiredGroup[],
  existing: readonly EndpointSlice[],
  max: number,
): [number[], [string, number][], string[]] {
  const { create, update, remove } = computeSliceChanges(service, groups, existing, max)
  return [
    create.map((entry) => entry.endpoints.length),
    update.map((entry) => [entry.metadata.name, entry.endpoints.length]),
    remove.map((entry) => entry.metadata.name),
  ]
}

const all = endpoints(12)
const group = (list: readonly Endpoint[]): DesiredGroup => ({ ports: PORTS, endpoints: list })

test.each<[string, Endpoint[], EndpointSlice[], [number[], [string, number][], string[]]]>([
  ['nothing yet: a placeholder', [], [], [[0], [], []]],
  ['the first endpoints', all.slice(0, 3), [], [[3], [], []]],
  ['full slices first', all.slice(0, 12), [], [[5, 5, 2], [], []]],
  ['no change', all.slice(0, 3), [slice('a', all.slice(0, 3))], [[], [], []]],
  ['one leaves', all.slice(1, 3), [slice('a', all.slice(0, 3))], [[], [['a', 2]], []]],
  ['a leaver makes room for a newcomer', all.slice(1, 6), [slice('a', all.slice(0, 5))], [[], [['a', 5]], []]],
  [
    'newcomers fill the slice that comes closest to full',
    all.slice(0, 6),
    [slice('a', all.slice(0, 2)), slice('b', all.slice(2, 5))],
    [[], [['b', 4]], []],
  ],
  ['no room anywhere', all.slice(0, 6), [slice('a', all.slice(0, 5))], [[1], [], []]],
  [
    'an emptied slice goes',
    all.slice(5, 6),
    [slice('a', all.slice(0, 5)), slice('b', all.slice(5, 6))],
    [[], [], ['a']],
  ],
  [
    'the last endpoint leaves: its slice becomes the placeholder',
    [],
    [slice('a', all.slice(0, 1))],
    [[], [['a', 0]], []],
  ],
])('slices: %s', (_name, desired, existing, expected) => {
  expect(shape(desired.length === 0 ? [] : [group(desired)], existing, 5)).toEqual(expected)
})

test('a placeholder stays; slices of an earlier service of that name are not reused', () => {
  const placeholder = { ...slice('a', []), ports: [] }
  expect(shape([], [placeholder], 5)).toEqual([[], [], []])
  const foreign = { ...slice('old', all.slice(0, 1)), metadata: { ...slice('old', []).metadata, ownerReferences: [] } }
  expect(shape([group(all.slice(0, 1))], [foreign], 5)).toEqual([[1], [], ['old']])
})

test('changed labels of the service reach its slices, reserved ones excepted', () => {
  const labelled = { ...service, metadata: { ...service.metadata, labels: { team: 'b', [MANAGED_BY_LABEL]: 'me' } } }
  const { update } = computeSliceChanges(labelled, [group(all.slice(0, 1))], [slice('a', all.slice(0, 1))], 5)
  expect(update[0]?.metadata.labels).toEqual({ team: 'b', [MANAGED_BY_LABEL]: MANAGED_BY, [SERVICE_NAME_LABEL]: 'web' })
})

test('any sequence of desired sets ends with each endpoint in exactly one slice, none above the maximum', () => {
  const step = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 30 })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 7 }), (steps, max) => {
      let present: EndpointSlice[] = []
      let names = 0
      for (const numbers of steps) {
        const desired = numbers.map((number) => endpoints(1, number)[0] as Endpoint)
        const { create, update, remove } = computeSliceChanges(
          service,
          desired.length === 0 ? [] : [group(desired)],
          present,
          max,
        )
        const gone = new Set([...remove, ...update].map((entry) => entry.metadata.name))
        const made = create.map((entry) => ({ ...entry, metadata: { ...entry.metadata, name: `s${names++}` } }))
        present = [...present.filter((entry) => !gone.has(entry.metadata.name)), ...update, ...made]
        const keys = present.flatMap((entry) => entry.endpoints.map(endpointKey))
        expect(keys.sort()).toEqual(desired.map(endpointKey).sort())
        expect(Math.max(...present.map((entry) => entry.endpoints.length))).toBeLessThanOrEqual(max)
        const again = computeSliceChanges(service, desired.length === 0 ? [] : [group(desired)], present, max)
        expect([again.create, again.update, again.remove]).toEqual([[], [], []])
      }
    }),
    { seed: 11, numRuns: 200 },
  )
})

test('the tracker knows when the cache is behind', () => {
  const tracker = new SliceTracker()
  expect(tracker.isStale('default/web', 'svc', [])).toBe(false)
  tracker.wrote(slice('a', [], '10'))
  expect(tracker.isStale('default/web', 'svc', [])).toBe(true)
  expect(tracker.isStale('default/web', 'svc', [slice('a', [], '9')])).toBe(true)
  expect(tracker.isStale('default/web', 'svc', [slice('a', [], '10')])).toBe(false)
  expect([tracker.isForeign(slice('a', [], '10')), tracker.isForeign(slice('a', [], '11'))]).toEqual([false, true])
  tracker.expectDeletion(slice('a', [], '10'))
  expect(tracker.isStale('default/web', 'svc', [slice('a', [], '10')])).toBe(true)
  expect(tracker.isStale('default/web', 'svc', [])).toBe(false)
  expect(tracker.deletionSeen(slice('a', [], '12'))).toBe(true)
  tracker.wrote(slice('b', [], '20'))
  expect(tracker.deletionSeen(slice('b', [], '21'))).toBe(false)
  tracker.wrote(slice('c', [], '30'))
  expect(tracker.isStale('default/web', 'another service of that name', [])).toBe(false)
})
