/** Services and slices for tests: short makers, and arbitraries that try every feature of a service. For tests only. */
import fc from 'fast-check'
import type { Endpoint, EndpointSlice, Service } from '../objects/index.ts'
import type { ServiceObjects } from './naive.ts'

export function makeService(name: string, spec: Service['spec']): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec }
}

export function makeEndpoint(
  address: string,
  nodeName: string,
  state: 'ready' | 'unready' | 'leaving' | 'dead' = 'ready',
): Endpoint {
  const conditions = {
    ready: state === 'ready',
    serving: state === 'ready' || state === 'leaving',
    terminating: state === 'leaving' || state === 'dead',
  }
  return { addresses: [address], nodeName, conditions }
}

export function makeSlice(
  service: string,
  suffix: string,
  endpoints: readonly Endpoint[],
  ports: EndpointSlice['ports'],
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-${suffix}`, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints,
    ports,
  }
}

const anyEndpoint = fc
  .record({
    node: fc.integer({ min: 0, max: 2 }),
    host: fc.integer({ min: 2, max: 9 }),
    state: fc.constantFrom('ready' as const, 'ready' as const, 'unready' as const, 'leaving' as const, 'dead' as const),
  })
  .map(({ node, host, state }) => makeEndpoint(`10.244.${node}.${host}`, `node-${node}`, state))

const policy = fc.constantFrom('Cluster' as const, 'Cluster' as const, 'Local' as const, undefined)

const anyService = fc.record({
  type: fc.constantFrom('ClusterIP' as const, 'NodePort' as const, 'LoadBalancer' as const),
  headless: fc.nat({ max: 9 }).map((n) => n === 0),
  ports: fc.integer({ min: 1, max: 3 }),
  affinity: fc.boolean(),
  internal: policy,
  external: policy,
  outside: fc.boolean(),
  slices: fc.array(fc.uniqueArray(anyEndpoint, { maxLength: 4, selector: ({ addresses }) => addresses[0] }), {
    maxLength: 2,
  }),
})

/** Up to four services of all kinds with distinct addresses and ports. */
export const anyServices: fc.Arbitrary<readonly ServiceObjects[]> = fc
  .array(anyService, { maxLength: 4 })
  .map((drafts) =>
    drafts.map((draft, index) => {
      const name = `s${index}`
      const external = draft.type !== 'ClusterIP'
      const ports = ['http', 'dns', '']
        .slice(draft.ports === 1 ? 2 : 0, draft.ports === 1 ? 3 : draft.ports)
        .map((portName, at) => ({
          name: portName,
          protocol: portName === 'dns' ? ('UDP' as const) : ('TCP' as const),
          port: 80 + at,
          nodePort: external ? 30_000 + index * 10 + at : undefined,
        }))
      const service = makeService(name, {
        type: draft.type,
        clusterIP: draft.headless ? 'None' : `10.96.0.${10 + index}`,
        ports,
        sessionAffinity: draft.affinity ? 'ClientIP' : 'None',
        sessionAffinityConfig: draft.affinity ? { clientIP: { timeoutSeconds: 100 + index } } : undefined,
        internalTrafficPolicy: draft.internal,
        externalTrafficPolicy: external || draft.outside ? draft.external : undefined,
        externalIPs: draft.outside ? [`198.51.100.${index}`] : undefined,
      })
      const withStatus: Service =
        draft.type === 'LoadBalancer'
          ? { ...service, status: { loadBalancer: { ingress: [{ ip: `198.51.100.${100 + index}` }] } } }
          : service
      const seen = new Set<string>()
      const slices = draft.slices.map((endpoints, at) => {
        const fresh = endpoints.filter(({ addresses }) => !seen.has(addresses[0] ?? ''))
        for (const { addresses } of fresh) seen.add(addresses[0] ?? '')
        return makeSlice(
          name,
          String(at),
          fresh,
          ports.map((port) => ({ name: port.name, protocol: port.protocol, port: port.port + 8000 })),
        )
      })
      return { service: withStatus, slices }
    }),
  )
