/**
 * The rules of one service in iptables mode. Pure: the same service, slices and node inputs give the same rules, kept in a
 * memo that all nodes share. Models pkg/proxy/iptables syncProxyRules and writeServiceToEndpointRules, v1.33. Not here:
 * source ranges (KUBE-FW), health-check node ports.
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
  type Target,
  TO_LOCAL,
} from '../dataplane/index.ts'
import type { ProxyDecisions } from './decisions.ts'
import type { ProxyEndpoint } from './endpoint.ts'
import type { NodeNetworkOptions } from './network-options.ts'
import { categorize, isExternallyAccessible, type PortPlan, type ServicePlan } from './plan.ts'
import type { ServiceRules } from './service-rules.ts'

const MARK = jump('KUBE-MARK-MASQ')
const ONE_ADDRESS = 0xffffffff

/** The rules of a service on a node. */
export function serviceRules(plan: ServicePlan, node: NodeNetworkOptions, decisions: ProxyDecisions): ServiceRules {
  const key = plan.usesLocal ? node.localRulesKey : node.sharedRulesKey
  const known = plan.memo.get(decisions, key)
  if (known !== undefined) return known
  return plan.memo.add(decisions, key, writeRules(plan, node, decisions))
}

interface Writing {
  readonly natServices: Rule[]
  readonly natNodePorts: Rule[]
  readonly filterServices: Rule[]
  readonly filterExternal: Rule[]
  readonly natChains: Chain[]
}

function writeRules(plan: ServicePlan, node: NodeNetworkOptions, decisions: ProxyDecisions): ServiceRules {
  const into: Writing = { natServices: [], natNodePorts: [], filterServices: [], filterExternal: [], natChains: [] }
  for (const port of plan.ports) writePort(port, node, decisions, into)
  const { natServices, natNodePorts, filterServices, filterExternal, natChains } = into
  let ruleCount = natServices.length + natNodePorts.length + filterServices.length + filterExternal.length
  for (const chain of natChains) ruleCount += chain.rules.length
  return { natServices, natNodePorts, filterServices, filterExternal, natChains, ruleCount }
}

function writePort(port: PortPlan, node: NodeNetworkOptions, decisions: ProxyDecisions, into: Writing): void {
  const { cluster, local, reachable, any } = categorize(port, node.nodeName, decisions)
  const { name, protocol } = port
  const hasInternal = any && (!port.internalLocal || local.length > 0)
  const destination = host(port.clusterAddress)
  const comment = `${name} cluster IP`
  const clusterRules: Rule[] = []
  const localRules: Rule[] = []
  if (hasInternal) {
    const policyChain = port.internalLocal ? port.localChain : port.clusterChain
    const destinationPort = port.port
    into.natServices.push(rule({ destination, protocol, destinationPort, comment, target: jump(policyChain) }))
    const notSource = node.masqueradeAll ? undefined : node.clusterCidrBlock
    const masquerade = rule({ destination, protocol, destinationPort, comment, notSource, target: MARK })
    if (port.internalLocal) localRules.push(masquerade)
    else clusterRules.push(masquerade)
  } else {
    const target = any ? DROP : REJECT
    into.filterServices.push(
      rule({ destination, protocol, destinationPort: port.port, comment: absence(port, any), target }),
    )
  }
  if (isExternallyAccessible(port))
    writeExternal(port, node, any, any && (!port.externalLocal || local.length > 0), into)
  balance(port, cluster, clusterRules)
  balance(port, local, localRules)
  if (clusterRules.length > 0) into.natChains.push({ name: port.clusterChain, rules: clusterRules })
  if (localRules.length > 0) into.natChains.push({ name: port.localChain, rules: localRules })
  for (let i = 0; i < reachable.length; i++) into.natChains.push(endpointRules(port, reachable[i] as ProxyEndpoint))
}

/** Node port, external and load balancer addresses: into the chain for outsiders, or refused. */
function writeExternal(
  port: PortPlan,
  node: NodeNetworkOptions,
  any: boolean,
  hasExternal: boolean,
  into: Writing,
): void {
  const { name, protocol } = port
  const target = jump(port.externalChain)
  const refusal: Target = any ? DROP : REJECT
  const capture = (address: Address, what: string): void => {
    const destination = host(address)
    const destinationPort = port.port
    if (any) into.natServices.push(rule({ destination, protocol, destinationPort, comment: `${name} ${what}`, target }))
    if (hasExternal) return
    const comment = absence(port, any)
    into.filterExternal.push(rule({ destination, protocol, destinationPort, comment, target: refusal }))
  }
  for (const address of port.externalAddresses) capture(address, 'external IP')
  for (const address of port.loadBalancerAddresses) capture(address, 'loadbalancer IP')
  if (port.nodePort !== 0) {
    const destinationPort = port.nodePort
    if (any) into.natNodePorts.push(rule({ protocol, destinationPort, comment: name, target }))
    if (!hasExternal) {
      const comment = absence(port, any)
      into.filterExternal.push(rule({ protocol, destinationPort, comment, matches: [TO_LOCAL], target: refusal }))
    }
  }
  if (any) into.natChains.push({ name: port.externalChain, rules: externalRules(port, node, hasExternal) })
}

/** KUBE-EXT: under policy Local, pods and the node itself take a short cut to all endpoints. */
function externalRules(port: PortPlan, node: NodeNetworkOptions, hasExternal: boolean): Rule[] {
  const { name, clusterChain } = port
  const rules: Rule[] = []
  if (!port.externalLocal) {
    rules.push(rule({ comment: `masquerade traffic for ${name} external destinations`, target: MARK }))
  } else {
    const pods = `pod traffic for ${name} external destinations`
    rules.push(rule({ source: node.clusterCidrBlock, comment: pods, target: jump(clusterChain) }))
    const masquerade = `masquerade LOCAL traffic for ${name} external destinations`
    rules.push(rule({ comment: masquerade, matches: [FROM_LOCAL], target: MARK }))
    const route = `route LOCAL traffic for ${name} external destinations`
    rules.push(rule({ comment: route, matches: [FROM_LOCAL], target: jump(clusterChain) }))
  }
  if (hasExternal) rules.push(rule({ target: jump(port.externalLocal ? port.localChain : clusterChain) }))
  return rules
}

/** First the endpoints that remember the client, then each of the rest with an equal chance. */
function balance(port: PortPlan, endpoints: readonly ProxyEndpoint[], rules: Rule[]): void {
  const { name, affinitySeconds } = port
  if (affinitySeconds > 0) {
    for (const { text, chain } of endpoints) {
      const matches = [{ kind: 'recent-check', list: chain, seconds: affinitySeconds } as const]
      rules.push(rule({ comment: `${name} -> ${text}`, matches, target: jump(chain) }))
    }
  }
  for (let i = 0; i < endpoints.length; i++) {
    const { text, chain } = endpoints[i] as ProxyEndpoint
    const remaining = endpoints.length - i
    const matches = remaining > 1 ? [oneOf(remaining)] : undefined
    rules.push(rule({ comment: `${name} -> ${text}`, matches, target: jump(chain) }))
  }
}

/** KUBE-SEP: a pod that reaches itself must see the node's address, or it would answer itself directly. */
function endpointRules(port: PortPlan, endpoint: ProxyEndpoint): Chain {
  const { chain, address, port: number } = endpoint
  const { protocol, name: comment } = port
  const matches = port.affinitySeconds > 0 ? [{ kind: 'recent-set', list: chain } as const] : undefined
  return {
    name: chain,
    rules: [
      rule({ source: host(address), comment, target: MARK }),
      rule({ protocol, comment, matches, target: { kind: 'dnat', address, port: number } }),
    ],
  }
}

function absence({ name }: PortPlan, any: boolean): string {
  return any ? `${name} has no local endpoints` : `${name} has no endpoints`
}

function host(address: Address): Cidr {
  return { address, mask: ONE_ADDRESS }
}
