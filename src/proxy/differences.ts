/**
 * Where a mode truly differs from the documentation, and so from the other mode, as data: when, why, and what it does
 * instead. Everything else must agree. A difference still predicts exactly, so it hides nothing.
 * Sources: pkg/proxy/ipvs v1.33 (syncEndpoint, writeIptablesRules); fixtures/observed/ipvs.json.
 */
import { parseAddress } from '../dataplane/index.ts'
import type { FlowClass } from './classes.ts'
import { PROXY_DECISIONS } from './decisions.ts'
import type { ProxyEndpoint } from './endpoint.ts'
import { type Expectation, nothing } from './naive.ts'
import type { ProxyMode } from './network.ts'
import type { NodeNetworkOptions } from './network-options.ts'
import { categorize, type PortPlan } from './plan.ts'

export interface KnownDifference {
  readonly id: string
  readonly why: string
  /** What the mode does with this class instead of `expected`, or undefined where this difference does not apply. */
  instead(
    flowClass: FlowClass,
    port: PortPlan | undefined,
    expected: Expectation,
    node: NodeNetworkOptions,
  ): Expectation | undefined
}

export const IPTABLES_DIFFERENCES: readonly KnownDifference[] = [
  {
    id: 'iptables-node-to-external-not-refused',
    why: 'KUBE-EXTERNAL-SERVICES hangs on INPUT and FORWARD only, so what the node itself sends to an external address without endpoints leaves untranslated.',
    instead: ({ from, to }, _port, { verdict }) =>
      from === 'node' && (to === 'external' || to === 'load-balancer') && verdict === 'reject'
        ? nothing('direct')
        : undefined,
  },
]

/** Applied in this order, each to what the one before left. */
export const IPVS_DIFFERENCES: readonly KnownDifference[] = [
  {
    id: 'ipvs-no-node-port-on-loopback',
    why: 'Virtual servers are made for the addresses of real interfaces only, so 127.0.0.1 is left to the node.',
    instead: ({ to }) => (to === 'loopback' ? nothing('direct') : undefined),
  },
  {
    id: 'ipvs-refuses-unknown-ports',
    why: 'The cluster address is local (on kube-ipvs0), so an unknown port is refused by KUBE-IPVS-FILTER; in iptables mode the packet leaves and is never answered.',
    instead: ({ to }, port) => (to === 'unknown' && port !== undefined ? nothing('reject') : undefined),
  },
  {
    id: 'ipvs-local-policy',
    why: 'Under policy Local the virtual server has the local endpoints, or all of them where there are none, for every source: no short cut for pods and the node, no drop; external addresses are not masqueraded.',
    instead: localPolicy,
  },
]

function localPolicy(
  flowClass: FlowClass,
  port: PortPlan | undefined,
  expected: Expectation,
  node: NodeNetworkOptions,
): Expectation | undefined {
  if (port === undefined || flowClass.to === 'unknown' || flowClass.to === 'loopback') return undefined
  const external = flowClass.to !== 'cluster'
  if (!(external ? port.externalLocal : port.internalLocal)) return undefined
  const { cluster, local } = categorize(port, node.nodeName, PROXY_DECISIONS)
  const chosen: readonly ProxyEndpoint[] = local.length > 0 ? local : cluster
  if (chosen.length === 0) return nothing('reject')
  const backends = new Set(chosen.map(({ text }) => text))
  const fromPod = flowClass.from !== 'node' && flowClass.from !== 'outside'
  const hidesSource = !external && (node.masqueradeAll || !fromPod)
  const masqueraded = new Set(
    [...backends].filter((text) => hidesSource || parseAddress(text.split(':')[0] ?? '') === flowClass.flow.source),
  )
  return {
    verdict: 'dnat',
    backends,
    masqueraded,
    affinitySeconds: expected.affinitySeconds > 0 ? expected.affinitySeconds : port.affinitySeconds,
  }
}

const NO_DIFFERENCES: readonly string[] = []

/** What a mode should do where the objects say `expected`, and which differences made it so. */
export function expectedOf(
  mode: ProxyMode,
  flowClass: FlowClass,
  port: PortPlan | undefined,
  expected: Expectation,
  node: NodeNetworkOptions,
): { readonly expected: Expectation; readonly differences: readonly string[] } {
  let current = expected
  let differences: string[] | undefined
  for (const difference of mode === 'ipvs' ? IPVS_DIFFERENCES : IPTABLES_DIFFERENCES) {
    const instead = difference.instead(flowClass, port, current, node)
    if (instead === undefined) continue
    current = instead
    differences ??= []
    differences.push(difference.id)
  }
  return { expected: current, differences: differences ?? NO_DIFFERENCES }
}
