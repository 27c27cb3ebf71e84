/**
 * The node's network: what a rule costs in the walk, connections a second in both modes with 10 and 1,000 services, and the
 * time of a sync. The walk is compared with the same number of plain comparisons in an array (the yardstick).
 */
import { pathToFileURL } from 'node:url'
import { type Flow, parseAddress } from '../src/dataplane/index.ts'
import { Rand } from '../src/kernel/index.ts'
import type { EndpointSlice, Service } from '../src/objects/index.ts'
import { NodeNetwork, PROXY_DECISIONS, type ProxyMode, planService, type ServicePlan } from '../src/proxy/index.ts'
import { median, type Row } from './row.ts'

export const name = 'network'

const REPETITIONS = 5
const ENDPOINTS = 3
const draws = new Rand(1, 2)

function address(index: number): string {
  return `10.96.${index >> 8}.${index & 255}`
}

function objects(count: number): { readonly service: Service; readonly slices: EndpointSlice[] }[] {
  return Array.from({ length: count }, (_, index) => {
    const metadata = { name: `s${index}`, namespace: 'default' }
    const spec = { type: 'ClusterIP', clusterIP: address(index + 1), ports: [{ port: 80 }] } as const
    const endpoints = Array.from({ length: ENDPOINTS }, (_, at) => ({
      addresses: [`10.244.${index % 250}.${2 + at}`],
      nodeName: `node-${index % 250}`,
      conditions: { ready: true },
    }))
    const service: Service = { apiVersion: 'v1', kind: 'Service', metadata, spec }
    const labels = { 'kubernetes.io/service-name': metadata.name }
    const slice: EndpointSlice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      endpoints,
      metadata: { ...metadata, name: `s${index}-a`, labels },
      ports: [{ port: 8080, protocol: 'TCP' }],
    }
    return { service, slices: [slice] }
  })
}

function plansOf(count: number): Map<string, ServicePlan> {
  return new Map(
    objects(count).map(({ service, slices }) => [`default/${service.metadata.name}`, planService(service, slices)]),
  )
}

function networkOf(plans: ReadonlyMap<string, ServicePlan>): NodeNetwork {
  const network = new NodeNetwork({ nodeName: 'node-0', nodeAddress: '192.168.0.10', podCidr: '10.244.0.0/24' })
  network.restore(plans, true, PROXY_DECISIONS, 0)
  return network
}

function micros(work: () => void): number {
  const from = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - from) / 1_000
}

function best(work: () => number): number {
  return median(Array.from({ length: REPETITIONS }, work))
}

/** Connections a second, each opened and closed, spread over all services. */
function connections(
  network: NodeNetwork,
  services: number,
  mode: ProxyMode,
  count: number,
): { readonly perSecond: number; readonly rules: number } {
  const source = parseAddress('10.244.0.200')
  const flows: Flow[] = Array.from({ length: count }, (_, i) => ({
    protocol: 'TCP',
    source,
    sourcePort: 1024 + (i % 60_000),
    destination: parseAddress(address(1 + ((i * 7) % services))),
    destinationPort: 80,
  }))
  let rules = 0
  const perSecond = best(() => {
    rules = 0
    const taken = micros(() => {
      for (let i = 0; i < count; i++) {
        const flow = flows[i] as Flow
        rules += network.connect(flow, mode, i * 10_000, draws).rulesVisited
        network.close(flow, mode, i * 10_000)
      }
    })
    return (count / taken) * 1_000_000
  })
  return { perSecond, rules: rules / count }
}

/** Nanoseconds of one masked comparison over an array of objects: what a rule must cost at least. */
function yardstick(): number {
  const entries = Array.from({ length: 1_000 }, (_, i) => ({ value: i * 7919, mask: 0xffffffff, port: 80 }))
  return best(() => {
    let found = 0
    const taken = micros(() => {
      for (let round = 0; round < 2_000; round++) {
        for (let i = 0; i < entries.length; i++) {
          const entry = entries[i] as (typeof entries)[number]
          if (((entry.value ^ round) & entry.mask) === 0 && entry.port === 80) found++
        }
      }
    })
    return found < 0 ? 0 : (taken * 1_000) / (2_000 * entries.length)
  })
}

export function run(): Row[] {
  const rows: Row[] = []
  const plain = yardstick()
  for (const services of [10, 1_000]) {
    const network = networkOf(plansOf(services))
    for (const mode of ['iptables', 'ipvs'] as const) {
      const count = mode === 'iptables' && services > 10 ? 20_000 : 50_000
      const { perSecond, rules } = connections(network, services, mode, count)
      rows.push({
        figure: `connections a second, ${mode}, ${services} services`,
        value: Math.round(perSecond),
        unit: '/s',
      })
      rows.push({
        figure: `rules a connection, ${mode}, ${services} services`,
        value: Math.round(rules),
        unit: 'rules',
      })
      if (mode === 'iptables' && services > 10) {
        const nanos = 1e9 / perSecond / rules
        rows.push({
          figure: 'a rule of the walk',
          value: Number(nanos.toFixed(2)),
          unit: 'ns',
          ratio: { to: 'a plain masked comparison', value: Number((nanos / plain).toFixed(2)) },
        })
      }
    }
  }
  for (let i = 0; i < 3; i++) networkOf(plansOf(2_000)).tables()
  for (const services of [5, 1_000]) {
    const rounds = services === 5 ? 200 : 1
    const fresh = best(() => {
      const made = Array.from({ length: rounds }, () => objects(services))
      return (
        micros(() => {
          for (const each of made) {
            networkOf(
              new Map(
                each.map(({ service, slices }) => [`default/${service.metadata.name}`, planService(service, slices)]),
              ),
            )
          }
        }) / rounds
      )
    })
    const plans = plansOf(services)
    networkOf(plans)
    const shared = best(
      () =>
        micros(() => {
          for (let i = 0; i < rounds; i++) networkOf(plans)
        }) / rounds,
    )
    const row = { unit: 'us', atMost: true }
    rows.push({
      figure: `first sync of ${services} services, plans made`,
      value: Number(fresh.toFixed(1)),
      ...row,
      ...(services === 5 ? { target: 50 } : {}),
    })
    rows.push({
      figure: `first sync of ${services} services, plans shared with another node`,
      value: Number(shared.toFixed(1)),
      ...row,
    })
  }
  const tables = best(() => {
    const network = networkOf(plansOf(1_000))
    return micros(() => network.tables())
  })
  rows.push({
    figure: 'rules and tables of 1,000 services, when a packet first asks',
    value: Number(tables.toFixed(1)),
    unit: 'us',
    atMost: true,
  })
  const plans = [...plansOf(1_000)]
  const network = networkOf(new Map(plans))
  let at = 0
  const change = best(
    () =>
      micros(() => {
        for (let i = 0; i < 100; i++)
          network.restore(new Map([plans[at++ % plans.length] as [string, ServicePlan]]), false, PROXY_DECISIONS, 0)
      }) / 100,
  )
  rows.push({
    figure: 'sync of one changed service among 1,000',
    value: Number(change.toFixed(2)),
    unit: 'us',
    atMost: true,
  })
  return rows
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const rows = run()
  if (process.argv.includes('--json')) console.log(JSON.stringify({ name, rows }))
  else
    for (const { figure, value, unit, ratio } of rows)
      console.log(`${figure}: ${value} ${unit}${ratio === undefined ? '' : ` (x${ratio.value} ${ratio.to})`}`)
}
