/**
 * Whole tables of iptables mode from the rules of all services. Models pkg/proxy/iptables syncProxyRules, v1.33: what a full
 * restore writes. Not here: partial restores (they have the same effect), chains that are no longer used (gone at once).
 */
import type { Chain, Rule, Tables } from '../dataplane/index.ts'
import type { ProxyDecisions } from './decisions.ts'
import { IPTABLES_FILTER_BASE, IPTABLES_NAT_BASE, nodePortsJump } from './iptables-base.ts'
import { serviceRules } from './iptables-service.ts'
import type { NodeNetworkOptions } from './network-options.ts'
import type { ServicePlan } from './plan.ts'
import type { ServiceRules } from './service-rules.ts'

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

interface Assembled {
  readonly rules: readonly ServiceRules[]
  readonly localhostNodePorts: boolean
  readonly tables: Tables
}

/** The tables that were assembled last, by the rules that come last in them. */
const assembled = new WeakMap<ServiceRules, Assembled>()

/** The whole rule set of a node: what `iptables-save` would show there. Nodes that hold the same rules share one. */
export function syncIptables(
  plans: Iterable<ServicePlan>,
  node: NodeNetworkOptions,
  decisions: ProxyDecisions,
): Tables {
  const { localhostNodePorts } = node
  const rules: ServiceRules[] = []
  for (const plan of plans) rules.push(serviceRules(plan, node, decisions))
  const last = rules.at(-1)
  if (last === undefined) return assemble(rules, node)
  const known = assembled.get(last)
  if (known !== undefined && known.localhostNodePorts === localhostNodePorts && areSame(known.rules, rules))
    return known.tables
  const tables = assemble(rules, node)
  assembled.set(last, { rules, localhostNodePorts, tables })
  return tables
}

function areSame(a: readonly ServiceRules[], b: readonly ServiceRules[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
