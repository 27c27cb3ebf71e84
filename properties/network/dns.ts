/** The cluster's DNS: a headless service's name stands for its ready endpoints, any other for its cluster address. */
import { type Cluster, type DnsServer, namesOf } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import { type EndpointSlice, keyOf, type Service } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { afterwards } from '../define.ts'

/** A change has reached the DNS servers of an undisturbed cluster by then; a disturbed one is asked about what it was told. */
const SETTLE_MICROS: Micros = 500_000

export const dnsAnswersEqualEndpoints: PropertyDefinition = {
  id: 'dns-answers-equal-endpoints',
  mode: 'always',
  claim:
    'every DNS server answers for a headless service exactly the ready endpoints that it was told of, and by the end of the quiet phase those that are stored; for another service its cluster address',
  source: 'Kubernetes DNS-based service discovery 1.1.0, sections 2.3 and 2.4; coredns plugin/kubernetes',
  trigger: 'the slices of a headless service changed, or the trial ended with services',
  catches: ['dns-headless-returns-unready'],
  monitor(cluster, report) {
    const servers = namesOf(cluster.topology).dns
    const ask = (
      service: Service,
      slicesFor: (server: DnsServer) => readonly EndpointSlice[],
      when: string,
      asked = servers,
    ) => {
      for (const name of asked) {
        const process = cluster.process(name)
        if (!cluster.kernel.isRunning(process)) continue
        const server = cluster.kernel.machineOf(process) as DnsServer
        const { namespace, name: label } = service.metadata
        const given = sorted(server.answer(`${label}.${namespace}.svc.cluster.local`))
        const expected = sorted(expectedOf(service, slicesFor(server)))
        report.reached()
        if (given === expected) continue
        report.fail({
          subject: keyOf(service),
          shape: when === '' ? 'other-than-told' : 'other-than-stored',
          message: `${when}${name} answers ${given} for ${keyOf(service)}; it should be ${expected}`,
        })
        return
      }
    }
    const asked = new Set<string>()
    cluster.truth.onChange('endpointslices', ({ current, previous }) => {
      const key = serviceOf(current ?? previous)
      if (asked.has(key) || cluster.truth.get('services', key)?.spec.clusterIP !== 'None') return
      asked.add(key)
      afterwards(cluster, SETTLE_MICROS, () => {
        asked.delete(key)
        const service = cluster.truth.get('services', key)
        if (service !== undefined) ask(service, (server) => server.told(key), '')
      })
    })
    return {
      onEnd() {
        const healed = servers.filter((name) => !cluster.isUnhealed(cluster.kernel.hostOf(cluster.process(name))))
        for (const service of cluster.truth.list('services')) {
          const slices = storedSlices(cluster, keyOf(service))
          ask(service, () => slices, 'at the end of the quiet phase ', healed)
        }
      },
    }
  },
}

function serviceOf(slice: EndpointSlice | undefined): string {
  return `${slice?.metadata.namespace}/${slice?.metadata.labels?.['kubernetes.io/service-name']}`
}

function storedSlices(cluster: Cluster, service: string): readonly EndpointSlice[] {
  return [...cluster.truth.list('endpointslices')].filter((slice) => serviceOf(slice) === service)
}

/** What the specification says, written down anew. */
function expectedOf({ spec }: Service, slices: readonly EndpointSlice[]): readonly string[] {
  if (spec.type === 'ExternalName') return []
  if (spec.clusterIP !== 'None') return [spec.clusterIP ?? '']
  const addresses = new Set<string>()
  for (const slice of slices)
    for (const endpoint of slice.endpoints)
      if (spec.publishNotReadyAddresses === true || endpoint.conditions?.ready !== false)
        for (const address of endpoint.addresses) addresses.add(address)
  return [...addresses]
}

function sorted(addresses: readonly string[]): string {
  return addresses.length === 0 ? 'nothing' : addresses.toSorted().join(' and ')
}
