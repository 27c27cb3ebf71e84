/** Random services and slices: iptables mode, IPVS mode and the naive model say the same for every class of packets. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compare } from './compare.ts'
import { PROXY_DECISIONS } from './decisions.ts'
import { IPTABLES_DIFFERENCES, IPVS_DIFFERENCES } from './differences.ts'
import type { ServiceObjects } from './naive.ts'
import { NodeNetwork } from './network.ts'
import { isProxied, planService, type ServicePlan } from './plan.ts'
import { anyServices } from './testing.ts'

function install(network: NodeNetwork, services: readonly ServiceObjects[], decisions = PROXY_DECISIONS): void {
  const changes = new Map(
    services
      .filter(({ service }) => isProxied(service))
      .map(({ service, slices }) => [`default/${service.metadata.name}`, planService(service, slices)]),
  )
  network.restore(changes, true, decisions, 0)
}

const node = { nodeName: 'node-0', nodeAddress: '192.168.0.10', podCidr: '10.244.0.0/24' }

test('both modes say what the objects say', () => {
  let asked = 0
  const met = new Set<string>()
  fc.assert(
    fc.property(anyServices, fc.boolean(), (services, masqueradeAll) => {
      const network = new NodeNetwork({ ...node, masqueradeAll })
      install(network, services)
      const { disagreements, classesAsked, differencesMet } = compare(network, services)
      asked += classesAsked
      for (const difference of differencesMet) met.add(difference)
      expect(disagreements.map(({ text }) => text)).toEqual([])
    }),
    { seed: 4, numRuns: 500 },
  )
  expect(asked).toBeGreaterThan(20_000)
  expect(met.size).toBe(IPTABLES_DIFFERENCES.length + IPVS_DIFFERENCES.length)
})

test('and go on saying so after any change, without a full sync', () => {
  fc.assert(
    fc.property(fc.array(anyServices, { minLength: 2, maxLength: 4 }), (versions) => {
      const network = new NodeNetwork(node)
      network.ipvs()
      let installed: ReadonlySet<string> = new Set()
      for (const services of versions) {
        const changes = new Map<string, ServicePlan>(
          services
            .filter(({ service }) => isProxied(service))
            .map(({ service, slices }) => [`default/${service.metadata.name}`, planService(service, slices)] as const),
        )
        const gone = [...installed].filter((key) => !changes.has(key)).map((key) => [key, undefined] as const)
        network.restore(new Map<string, ServicePlan | undefined>([...gone, ...changes]), false, PROXY_DECISIONS, 0)
        installed = new Set<string>(changes.keys())
        expect(compare(network, services).disagreements).toEqual([])
      }
    }),
    { seed: 5, numRuns: 100 },
  )
})
