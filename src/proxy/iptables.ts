/**
 * The rules of one service in iptables mode, and their assembly into whole tables. Pure: the same service, slices and node
 * inputs give the same rules, kept in a memo that all nodes share.
 * Models pkg/proxy/iptables syncProxyRules, v1.33. Not here: source ranges (KUBE-FW), health-check node ports.
 */
import {
  type Address,
  type Chain,
  type Cidr,
  DROP,
  FROM_LOCAL,
  jump,
  oneOf,
  REJECT,
  type Rule,
  rule,
  type Tables,
  type Target,
  TO_LOCAL,
} from '../dataplane/index.ts'
import { clusterPolicyChain, endpointChain, externalChain, localPolicyChain } from './chain-names.ts'
import type { ProxyDecisions } from './decisions.ts'
import { IPTABLES_FILTER_BASE, IPTABLES_NAT_BASE, nodePortsJump } from './iptables-base.ts'
import type { NodeNetworkOptions } from './options.ts'
import { categorize, isExternallyAccessible, type PortPlan, type ProxyEndpoint, type ServicePlan } from './plan.ts'

/** What one service adds to the tables. */
export interface ServiceRules {
  readonly natServices: readonly Rule[]
  readonly natNodePorts: readonly Rule[]
  readonly filterServices: readonly Rule[]
  readonly filterExternal: readonly Rule[]
  readonly natChains: readonly Chain[]
  readonly ruleCount: number
}

const MARK = jump('KUBE-MARK-MASQ')
const host = (address: Address): Cidr => ({ address, mask: 0xffffffff })

const memo = new WeakMap<ProxyDecisions, WeakMap<ServicePlan, Map<string, ServiceRules>>>()

/** The rules of a service on a node. */
export function serviceRules(plan: ServicePlan, node: NodeNetworkOptions, decisions: ProxyDecisions): ServiceRules {
  let plans = memo.get(decisions)
  if (plans === undefined) {
    plans = new WeakMap()
    memo.set(decisions, plans)
  }
  let nodes = plans.get(plan)
  if (nodes === undefined) {
    nodes = new Map()
    plans.set(plan, nodes)
  }
  const key = `${plan.usesLocal ? node.nodeName : ''} ${node.clusterCidr} ${node.masqueradeAll}`
  let rules = nodes.get(key)
  if (rules === undefined) {
    rules = new Writer(plan, node, decisions).write()
    nodes.set(key, rules)
  }
  return rules
}

class Writer implements ServiceRules {
  readonly natServices: Rule[] = []
  readonly natNodePorts: Rule[] = []
  readonly filterServices: Rule[] = []
  readonly filterExternal: Rule[] = []
  readonly natChains: Chain[] = []
  readonly #plan: ServicePlan
  readonly #node: NodeNetworkOptions
  readonly #decisions: ProxyDecisions

  constructor(plan: ServicePlan, node: NodeNetworkOptions, decisions: ProxyDecisions) {
    this.#plan = plan
    this.#node = node
    this.#decisions = decisions
  }

  get ruleCount(): number {
    let count =
      this.natServices.length + this.natNodePorts.length + this.filterServices.length + this.filterExternal.length
    for (const chain of this.natChains) count += chain.rules.length
    return count
  }

  write(): ServiceRules {
    for (const port of this.#plan.ports) this.#port(port)
    const { natServices, natNodePorts, filterServices, filterExternal, natChains, ruleCount } = this
    return { natServices, natNodePorts, filterServices, filterExternal, natChains, ruleCount }
  }

  #port(port: PortPlan): void {
    const { name, protocol } = port
    const { cluster, local, reachable, any } = categorize(port, this.#node.nodeName, this.#decisions)
    const clusterChain = clusterPolicyChain(name, protocol)
    const localChain = localPolicyChain(name, protocol)
    const external = externalChain(name, protocol)
    const internalChain = port.internalLocal ? localChain : clusterChain
    const hasInternal = any && (!port.internalLocal || local.length > 0)
    const hasExternal = any && (!port.externalLocal || local.length > 0)
    const absence = any ? `${name} has no local endpoints` : `${name} has no endpoints`
    const refusal: Target = any ? DROP : REJECT
    const to = {
      destination: host(port.clusterAddress),
      protocol,
      destinationPort: port.port,
      comment: `${name} cluster IP`,
    }
    if (hasInternal) this.natServices.push(rule({ ...to, target: jump(internalChain) }))
    else this.filterServices.push(rule({ ...to, comment: absence, target: refusal }))
    this.#addresses(port, port.externalAddresses, 'external IP', external, any, hasExternal, absence, refusal)
    this.#addresses(port, port.loadBalancerAddresses, 'loadbalancer IP', external, any, hasExternal, absence, refusal)
    this.#nodePort(port, external, any, hasExternal, absence, refusal)

    const chains = new Map<string, Rule[]>()
    if (hasInternal) {
      if (this.#node.masqueradeAll) push(chains, internalChain, rule({ ...to, target: MARK }))
      else push(chains, internalChain, rule({ ...to, notSource: this.#node.clusterCidrBlock, target: MARK }))
    }
    if (any && isExternallyAccessible(port)) {
      const policyChain = port.externalLocal ? localChain : clusterChain
      chains.set(external, this.#external(port, clusterChain, hasExternal ? policyChain : ''))
    }
    if (cluster.length > 0) for (const each of balance(port, cluster)) push(chains, clusterChain, each)
    if (local.length > 0) for (const each of balance(port, local)) push(chains, localChain, each)
    for (const [chainName, rules] of chains) this.natChains.push({ name: chainName, rules })
    for (const endpoint of reachable) this.natChains.push(endpointRules(port, endpoint))
  }

  #addresses(
    port: PortPlan,
    addresses: readonly Address[],
    what: string,
    external: string,
    any: boolean,
    hasExternal: boolean,
    absence: string,
    refusal: Target,
  ): void {
    for (const address of addresses) {
      const to = { destination: host(address), protocol: port.protocol, destinationPort: port.port }
      if (any) this.natServices.push(rule({ ...to, comment: `${port.name} ${what}`, target: jump(external) }))
      if (!hasExternal) this.filterExternal.push(rule({ ...to, comment: absence, target: refusal }))
    }
  }

  #nodePort(
    port: PortPlan,
    external: string,
    any: boolean,
    hasExternal: boolean,
    absence: string,
    refusal: Target,
  ): void {
    if (port.nodePort === 0) return
    const to = { protocol: port.protocol, destinationPort: port.nodePort }
    if (any) this.natNodePorts.push(rule({ ...to, comment: port.name, target: jump(external) }))
    if (!hasExternal) this.filterExternal.push(rule({ ...to, comment: absence, matches: [TO_LOCAL], target: refusal }))
  }

  #external(port: PortPlan, clusterChain: string, policyChain: string): Rule[] {
    const rules: Rule[] = []
    if (!port.externalLocal) {
      rules.push(rule({ comment: `masquerade traffic for ${port.name} external destinations`, target: MARK }))
    } else {
      const pods = `pod traffic for ${port.name} external destinations`
      rules.push(rule({ source: this.#node.clusterCidrBlock, comment: pods, target: jump(clusterChain) }))
      const masquerade = `masquerade LOCAL traffic for ${port.name} external destinations`
      rules.push(rule({ comment: masquerade, matches: [FROM_LOCAL], target: MARK }))
      const route = `route LOCAL traffic for ${port.name} external destinations`
      rules.push(rule({ comment: route, matches: [FROM_LOCAL], target: jump(clusterChain) }))
    }
    if (policyChain !== '') rules.push(rule({ target: jump(policyChain) }))
    return rules
  }
}

function push(chains: Map<string, Rule[]>, name: string, added: Rule): void {
  const rules = chains.get(name)
  if (rules === undefined) chains.set(name, [added])
  else rules.push(added)
}

/** First the endpoints that remember the client, then each of the rest with an equal chance. */
function* balance(port: PortPlan, endpoints: readonly ProxyEndpoint[]): Iterable<Rule> {
  if (port.affinitySeconds > 0) {
    for (const { text } of endpoints) {
      const list = endpointChain(port.name, port.protocol, text)
      const remembered = { kind: 'recent-check', list, seconds: port.affinitySeconds } as const
      yield rule({ comment: `${port.name} -> ${text}`, matches: [remembered], target: jump(list) })
    }
  }
  for (let i = 0; i < endpoints.length; i++) {
    const { text } = endpoints[i] as ProxyEndpoint
    const remaining = endpoints.length - i
    const matches = remaining > 1 ? [oneOf(remaining)] : []
    yield rule({
      comment: `${port.name} -> ${text}`,
      matches,
      target: jump(endpointChain(port.name, port.protocol, text)),
    })
  }
}

function endpointRules(port: PortPlan, endpoint: ProxyEndpoint): Chain {
  const name = endpointChain(port.name, port.protocol, endpoint.text)
  const remembers = port.affinitySeconds > 0 ? [{ kind: 'recent-set', list: name } as const] : []
  const target: Target = { kind: 'dnat', address: endpoint.address, port: endpoint.port }
  return {
    name,
    rules: [
      rule({ source: host(endpoint.address), comment: port.name, target: MARK }),
      rule({ protocol: port.protocol, comment: port.name, matches: remembers, target }),
    ],
  }
}

/** Whole tables from the rules of all services, in the order given. */
export function assemble(services: Iterable<ServiceRules>, node: NodeNetworkOptions): Tables {
  const nat = new Map<string, Chain>()
  const filter = new Map<string, Chain>()
  for (const chain of IPTABLES_NAT_BASE) nat.set(chain.name, chain)
  for (const chain of IPTABLES_FILTER_BASE) filter.set(chain.name, chain)
  const natServices: Rule[] = []
  const natNodePorts: Rule[] = []
  const filterServices: Rule[] = []
  const filterExternal: Rule[] = []
  nat.set('KUBE-SERVICES', { name: 'KUBE-SERVICES', rules: natServices })
  nat.set('KUBE-NODEPORTS', { name: 'KUBE-NODEPORTS', rules: natNodePorts })
  filter.set('KUBE-SERVICES', { name: 'KUBE-SERVICES', rules: filterServices })
  filter.set('KUBE-EXTERNAL-SERVICES', { name: 'KUBE-EXTERNAL-SERVICES', rules: filterExternal })
  for (const rules of services) {
    for (const each of rules.natServices) natServices.push(each)
    for (const each of rules.natNodePorts) natNodePorts.push(each)
    for (const each of rules.filterServices) filterServices.push(each)
    for (const each of rules.filterExternal) filterExternal.push(each)
    for (const chain of rules.natChains) nat.set(chain.name, chain)
  }
  natServices.push(nodePortsJump(node.localhostNodePorts))
  return { nat, filter }
}

/** The whole rule set of a node: what `iptables-save` would show there. */
export function syncIptables(
  plans: Iterable<ServicePlan>,
  node: NodeNetworkOptions,
  decisions: ProxyDecisions,
): Tables {
  const rules: ServiceRules[] = []
  for (const plan of plans) rules.push(serviceRules(plan, node, decisions))
  return assemble(rules, node)
}
