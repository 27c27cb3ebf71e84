/**
 * When packets fare alike on two nodes, or on one node before and after a change: when neither the rules of iptables mode nor
 * the rules, sets and virtual servers of IPVS mode tell them apart. All that these could go by is written down as numbers,
 * which are compared with those of an earlier time; where that would not do, because rules name the node's own address, it is
 * said that nothing is known.
 */
import {
  type Address,
  contains,
  Distinctions,
  type IpSet,
  type Ipvs,
  type Origin,
  reachable,
  type Tables,
  type TransportProtocol,
} from '../dataplane/index.ts'
import type { NodeNetworkOptions } from './network-options.ts'

/** Where a packet of a service may go. */
export interface Destination {
  readonly protocol: TransportProtocol
  readonly address: Address
  readonly port: number
}

/** The rules of one node, as both modes have them now. */
export interface NodeRules {
  readonly options: NodeNetworkOptions
  readonly iptables: Tables
  readonly ipvsTables: Tables
  readonly sets: ReadonlyMap<string, IpSet>
  readonly ipvs: Ipvs
  /** The node's own. */
  isLocal(address: Address): boolean
  /** On kube-ipvs0, and so local in IPVS mode. */
  isBound(address: Address): boolean
  originOf(source: Address): Origin
}

interface Known {
  readonly all: Distinctions
  /** What the rules tell apart that a packet meets once it has its destination. */
  readonly last: Distinctions
}

const knownOf = new WeakMap<Tables, Known>()

function knownUnder(tables: Tables): Known {
  let known = knownOf.get(tables)
  if (known === undefined) {
    const { nat, filter } = tables
    const all = new Distinctions([...nat.values(), ...filter.values()])
    known = { all, last: new Distinctions(reachable(nat, 'POSTROUTING')) }
    knownOf.set(tables, known)
  }
  return known
}

const ORIGINS = { outside: 0, pod: 1, node: 2 } as const satisfies Readonly<Record<Origin, number>>

/**
 * Appends to `marks` all that can decide how packets from these sources to these destinations of one service fare. False if
 * that cannot be said. Written as numbers, because it is asked after every sync and seldom anything else is.
 */
export function markPackets(
  rules: NodeRules,
  sources: readonly Address[],
  destinations: readonly Destination[],
  marks: number[],
): boolean {
  const { options, sets, ipvs } = rules
  const iptables = knownUnder(rules.iptables).all
  const { all: rest, last } = knownUnder(rules.ipvsTables)
  if (iptables.translatesTo(options.nodeAddress)) return false
  for (const source of sources) {
    const inBlock = contains(options.clusterCidrBlock, source) ? 1 : 0
    const isLocal = (rules.isLocal(source) ? 4 : 0) | (rules.isBound(source) ? 2 : 0)
    marks.push(iptables.source(source), rest.source(source), (ORIGINS[rules.originOf(source)] << 3) | isLocal | inBlock)
  }
  for (const { protocol, address, port } of destinations) {
    const number = iptables.destination(address)
    const forIpvs = rest.destination(address)
    if ((number >= 0 || forIpvs >= 0) && address === options.nodeAddress) return false
    const isService = contains(options.serviceCidr, address) ? 1 : 0
    const isLocal = (rules.isLocal(address) ? 4 : 0) | (rules.isBound(address) ? 2 : 0)
    marks.push(Math.min(number, 0), Math.min(forIpvs, 0), isLocal | isService)
    markSets(sets, rest, protocol, address, port, marks)
    markSources(rules, rest, sources, protocol, address, port, marks)
    const virtual = ipvs.find(protocol, address, port)
    if (virtual === undefined) {
      marks.push(-1)
      continue
    }
    marks.push(virtual.spec.persistenceMicros)
    for (const server of virtual.servers) {
      if (server.weight === 0) continue
      marks.push(server.address, server.port, rules.isBound(server.address) ? 1 : 0, last.destination(server.address))
      markSets(sets, last, protocol, server.address, server.port, marks)
      markSources(rules, last, sources, protocol, server.address, server.port, marks)
    }
  }
  return true
}

/** Which sets hold a destination. */
function markSets(
  sets: ReadonlyMap<string, IpSet>,
  { sets: names }: Distinctions,
  protocol: TransportProtocol,
  address: Address,
  port: number,
  marks: number[],
): void {
  let bits = 0
  for (let i = 0; i < names.length; i++)
    if (sets.get(names[i] as string)?.matches(protocol, address, port, 0)) bits |= 1 << i
  marks.push(bits)
}

/** Which of the sources the sets hold together with a destination. */
function markSources(
  { sets }: NodeRules,
  { setsWithSource }: Distinctions,
  sources: readonly Address[],
  protocol: TransportProtocol,
  address: Address,
  port: number,
  marks: number[],
): void {
  for (const name of setsWithSource) {
    const set = sets.get(name)
    let bits = 0
    for (let i = 0; i < sources.length; i++)
      if (set?.matches(protocol, address, port, sources[i] as Address)) bits |= 1 << i
    marks.push(bits)
  }
}
