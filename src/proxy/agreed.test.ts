/** What was compared once is not compared again, and what differs in anything that matters is. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAddress, TCP } from '../dataplane/index.ts'
import type { EndpointSlice } from '../objects/index.ts'
import { compare } from './compare.ts'
import { PROXY_DECISIONS } from './decisions.ts'
import type { ServiceObjects } from './naive.ts'
import { NodeNetwork } from './network.ts'
import { planService } from './plan.ts'
import { anyServices, makeEndpoint, makeService, makeSlice } from './testing.ts'

function node(index: number): NodeNetwork {
  return new NodeNetwork({
    nodeName: `node-${index}`,
    nodeAddress: `192.168.0.1${index}`,
    podCidr: `10.244.${index}.0/24`,
  })
}

function install(network: NodeNetwork, services: readonly ServiceObjects[]): void {
  const proxied = services.filter(({ service }) => service.spec.clusterIP !== 'None')
  const plans = proxied.map(({ service, slices }) => planService(service, slices))
  network.restore(new Map(plans.map((plan) => [plan.key, plan])), true, PROXY_DECISIONS, 0)
}

const service = makeService('web', {
  type: 'NodePort',
  clusterIP: '10.96.0.10',
  ports: [{ port: 80, nodePort: 30_080 }],
})
const ready = makeEndpoint('10.244.0.2', 'node-0')
const web = (slices: readonly EndpointSlice[]): ServiceObjects => ({ service, slices })
const slice = (...endpoints: Parameters<typeof makeSlice>[2]) =>
  makeSlice('web', 'a', endpoints, [{ port: 8080, protocol: TCP }])

/** The same services with the slices of others where those have some. */
function toldOtherwise(
  services: readonly ServiceObjects[],
  others: readonly ServiceObjects[],
): readonly ServiceObjects[] {
  return services.map(({ service, slices }, index) => ({ service, slices: others[index]?.slices ?? slices }))
}

test('whatever agreed before, on this node or on others, a comparison finds what a first one would find', () => {
  let wrong = 0
  let right = 0
  fc.assert(
    fc.property(anyServices, anyServices, (services, others) => {
      const nodes = [0, 1, 2, 0].map(node)
      for (const network of nodes) install(network, services)
      // Equal objects, but others: with them nothing is shared.
      const copies = structuredClone(services) as readonly ServiceObjects[]
      const otherCopies = structuredClone(others) as readonly ServiceObjects[]
      for (const [index, network] of [...nodes, ...nodes].entries()) {
        const alone = node([0, 1, 2, 0][index % 4] ?? 0)
        install(alone, copies)
        for (const told of [services, toldOtherwise(services, others)]) {
          const own = compare(alone, told === services ? copies : toldOtherwise(copies, otherCopies))
          const shared = compare(network, told)
          expect(shared.disagreements).toEqual(own.disagreements)
          expect(shared.classesAsked).toBe(own.classesAsked)
          expect([...shared.differencesMet].sort()).toEqual([...own.differencesMet].sort())
          if (own.disagreements.length > 0) wrong++
          else right++
        }
      }
    }),
    { seed: 11, numRuns: 25 },
  )
  expect(wrong).toBeGreaterThan(50)
  expect(right).toBeGreaterThan(100)
})

test('nodes with the same rules share their tables, and so does a node whose rules a change left alone', () => {
  const [first, second] = [node(0), node(1)]
  const before = web([slice(ready)])
  for (const network of [first, second]) install(network, [before])
  expect(first.tables()).toBe(second.tables())
  const tables = first.tables()
  install(first, [web([slice(ready, makeEndpoint('10.244.1.3', 'node-1', 'unready'))])])
  expect(first.tables()).toBe(tables)
  install(first, [web([slice(ready, makeEndpoint('10.244.1.3', 'node-1'))])])
  expect(first.tables()).not.toBe(tables)
})

test('what agreed on one node is asked again on a node whose IPVS or objects differ', () => {
  const objects = web([slice(ready, makeEndpoint('10.244.1.3', 'node-1'))])
  const fresh = (): NodeNetwork => {
    const network = node(1)
    install(network, [objects])
    return network
  }
  for (const network of [node(0), node(1), node(2)]) {
    install(network, [objects])
    for (let again = 0; again < 3; again++) expect(compare(network, [objects]).disagreements).toEqual([])
  }
  const address = parseAddress('10.96.0.10')

  const unbound = fresh()
  unbound.ipvs().boundAddresses.delete(address)
  expect(compare(unbound, [objects]).disagreements).not.toEqual([])

  const drained = fresh()
  const virtual = drained.ipvs().find(TCP, address, 80)
  const server = virtual?.servers[0]
  if (virtual === undefined || server === undefined) throw new Error('the service has a virtual server')
  drained.ipvs().setWeight(virtual, server, 0)
  expect(compare(drained, [objects]).disagreements).not.toEqual([])

  const other = web([slice(ready)])
  expect(compare(fresh(), [other]).disagreements).not.toEqual([])
  expect(compare(fresh(), [objects]).disagreements).toEqual([])
})
