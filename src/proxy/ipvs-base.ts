/**
 * IPVS mode's sets and its few rules, the same whatever services there are: marks for masquerading are looked up in sets.
 * Models pkg/proxy/ipvs (ipsetInfo, writeIptablesRules), v1.33. Simplified: rules of empty sets are there all the same. Not
 * here: source ranges (KUBE-SOURCE-RANGES-FIREWALL and its sets), health-check node ports, SCTP.
 */
import {
  ACCEPT,
  type Chain,
  IpSet,
  jump,
  MASQUERADE,
  type Match,
  NEW_CONNECTION,
  NOT_FROM_LOCAL,
  REJECT,
  RETURN,
  type Rule,
  rule,
  type SetType,
  type Tables,
  TO_LOCAL,
} from '../dataplane/index.ts'
import { FORWARD_RULES, LOOPBACK, MARK_MASQUERADE, MASQUERADE_MARKED } from './iptables-base.ts'
import type { NodeNetworkOptions } from './network-options.ts'

export const IPVS_SETS = {
  'KUBE-LOOP-BACK': 'hash:ip,port,ip',
  'KUBE-CLUSTER-IP': 'hash:ip,port',
  'KUBE-EXTERNAL-IP': 'hash:ip,port',
  'KUBE-EXTERNAL-IP-LOCAL': 'hash:ip,port',
  'KUBE-LOAD-BALANCER': 'hash:ip,port',
  'KUBE-LOAD-BALANCER-LOCAL': 'hash:ip,port',
  'KUBE-NODE-PORT-TCP': 'bitmap:port',
  'KUBE-NODE-PORT-LOCAL-TCP': 'bitmap:port',
  'KUBE-NODE-PORT-UDP': 'bitmap:port',
  'KUBE-NODE-PORT-LOCAL-UDP': 'bitmap:port',
  'KUBE-IPVS-IPS': 'hash:ip',
} as const satisfies Readonly<Record<string, SetType>>

export type SetName = keyof typeof IPVS_SETS

/** Fresh, empty sets. */
export function makeSets(): Map<string, IpSet> {
  return new Map(Object.entries(IPVS_SETS).map(([name, type]) => [name, new IpSet(name, type)]))
}

const MARK = jump('KUBE-MARK-MASQ')
const inSet = (set: SetName, directions = 'dst,dst'): Match => ({ kind: 'set', set, directions })
const NOT_FROM_POD: Match = { kind: 'physdev-is-in', negated: true }

const COMMENTS: Partial<Readonly<Record<SetName, string>>> = {
  'KUBE-LOOP-BACK': 'Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose',
  'KUBE-CLUSTER-IP': 'Kubernetes service cluster ip + port for masquerade purpose',
  'KUBE-EXTERNAL-IP': 'Kubernetes service external ip + port for masquerade and filter purpose',
  'KUBE-EXTERNAL-IP-LOCAL': 'Kubernetes service external ip + port with externalTrafficPolicy=local',
  'KUBE-LOAD-BALANCER': 'Kubernetes service lb portal',
  'KUBE-LOAD-BALANCER-LOCAL': 'Kubernetes service load balancer ip + port with externalTrafficPolicy=local',
}

function set(name: SetName, target: Rule['target'], more: readonly Match[] = [], directions = 'dst,dst'): Rule {
  return rule({ comment: COMMENTS[name] ?? '', matches: [inSet(name, directions), ...more], target })
}

const KUBE_NODE_PORT: readonly Rule[] = (['TCP', 'UDP'] as const).flatMap((protocol) => [
  rule({ protocol, matches: [inSet(`KUBE-NODE-PORT-LOCAL-${protocol}`, 'dst')], target: RETURN }),
  rule({ protocol, matches: [inSet(`KUBE-NODE-PORT-${protocol}`, 'dst')], target: MARK }),
])

const IPVS_FILTER: readonly Rule[] = [
  rule({ matches: [inSet('KUBE-LOAD-BALANCER')], target: RETURN }),
  rule({ matches: [inSet('KUBE-CLUSTER-IP')], target: RETURN }),
  rule({ matches: [inSet('KUBE-EXTERNAL-IP')], target: RETURN }),
  rule({ matches: [inSet('KUBE-EXTERNAL-IP-LOCAL')], target: RETURN }),
  rule({ matches: [NEW_CONNECTION, inSet('KUBE-IPVS-IPS', 'dst')], target: REJECT }),
]

function services(node: NodeNetworkOptions): Rule[] {
  const cluster = COMMENTS['KUBE-CLUSTER-IP'] ?? ''
  return [
    rule({ source: LOOPBACK, target: RETURN }),
    set('KUBE-LOAD-BALANCER', jump('KUBE-LOAD-BALANCER')),
    node.masqueradeAll
      ? set('KUBE-CLUSTER-IP', MARK)
      : rule({ notSource: node.clusterCidrBlock, comment: cluster, matches: [inSet('KUBE-CLUSTER-IP')], target: MARK }),
    set('KUBE-EXTERNAL-IP', MARK),
    set('KUBE-EXTERNAL-IP', ACCEPT, [NOT_FROM_POD, NOT_FROM_LOCAL]),
    set('KUBE-EXTERNAL-IP', ACCEPT, [TO_LOCAL]),
    set('KUBE-EXTERNAL-IP-LOCAL', ACCEPT, [NOT_FROM_POD, NOT_FROM_LOCAL]),
    set('KUBE-EXTERNAL-IP-LOCAL', ACCEPT, [TO_LOCAL]),
    rule({ matches: [TO_LOCAL], target: jump('KUBE-NODE-PORT') }),
    rule({ matches: [inSet('KUBE-CLUSTER-IP')], target: ACCEPT }),
    rule({ matches: [inSet('KUBE-LOAD-BALANCER')], target: ACCEPT }),
  ]
}

const memo = new Map<string, Tables>()

/** The tables of a node in IPVS mode. Shared by all nodes with the same address blocks. */
export function ipvsTables(node: NodeNetworkOptions): Tables {
  const key = node.sharedRulesKey
  let tables = memo.get(key)
  if (tables === undefined) {
    tables = makeTables(node)
    memo.set(key, tables)
  }
  return tables
}

function makeTables(node: NodeNetworkOptions): Tables {
  const portals = (target: string, comment: string): Rule => rule({ comment, target: jump(target) })
  const nat: readonly Chain[] = [
    { name: 'PREROUTING', rules: [portals('KUBE-SERVICES', 'kubernetes service portals')] },
    { name: 'OUTPUT', rules: [portals('KUBE-SERVICES', 'kubernetes service portals')] },
    { name: 'POSTROUTING', rules: [portals('KUBE-POSTROUTING', 'kubernetes postrouting rules')] },
    { name: 'KUBE-SERVICES', rules: services(node) },
    { name: 'KUBE-LOAD-BALANCER', rules: [set('KUBE-LOAD-BALANCER-LOCAL', RETURN), rule({ target: MARK })] },
    { name: 'KUBE-NODE-PORT', rules: KUBE_NODE_PORT },
    { name: 'KUBE-POSTROUTING', rules: [set('KUBE-LOOP-BACK', MASQUERADE, [], 'dst,dst,src'), ...MASQUERADE_MARKED] },
    MARK_MASQUERADE,
  ]
  const filter: readonly Chain[] = [
    { name: 'INPUT', rules: [portals('KUBE-IPVS-FILTER', 'kubernetes ipvs access filter')] },
    { name: 'FORWARD', rules: [portals('KUBE-FORWARD', 'kubernetes forwarding rules')] },
    { name: 'KUBE-FORWARD', rules: FORWARD_RULES },
    { name: 'KUBE-IPVS-FILTER', rules: IPVS_FILTER },
  ]
  const byName = (chains: readonly Chain[]) => new Map(chains.map((chain) => [chain.name, chain]))
  return { nat: byName(nat), filter: byName(filter) }
}
