/**
 * Which service addresses may still have UDP flows to backends that are gone, after services changed from what was installed
 * to what is now. Models pkg/proxy/conntrack cleanup, v1.33, with the later fixes for deleted services and scale to zero.
 */
import { UDP } from '../dataplane/index.ts'
import type { UdpTarget } from './decisions.ts'
import type { PortPlan, ServicePlan } from './plan.ts'

/** The targets of one service: its addresses before and after, with the backends that serve now. */
export function udpTargets(before: ServicePlan | undefined, after: ServicePlan | undefined): UdpTarget[] {
  const targets = new Map<string, UdpTarget>()
  for (const port of after?.ports ?? []) collect(after as ServicePlan, port, serving(port), true, targets)
  for (const port of before?.ports ?? []) {
    const now = after?.ports.find((other) => other.name === port.name && other.protocol === port.protocol)
    collect(before as ServicePlan, port, now === undefined ? NOBODY : serving(now), after !== undefined, targets)
  }
  return [...targets.values()]
}

const NOBODY: ReadonlySet<string> = new Set()

function serving(port: PortPlan): ReadonlySet<string> {
  return new Set(port.endpoints.filter((endpoint) => endpoint.serving).map((endpoint) => endpoint.text))
}

function collect(
  plan: ServicePlan,
  port: PortPlan,
  live: ReadonlySet<string>,
  present: boolean,
  targets: Map<string, UdpTarget>,
): void {
  if (port.protocol !== UDP) return
  const add = (address: number, number: number): void => {
    const name = `${address}:${number}`
    if (!targets.has(name))
      targets.set(name, { service: plan.key, protocol: UDP, address, port: number, live, present })
  }
  for (const address of [port.clusterAddress, ...port.externalAddresses, ...port.loadBalancerAddresses])
    add(address, port.port)
  if (port.nodePort !== 0) add(0, port.nodePort)
}
