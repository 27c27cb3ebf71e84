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
  type RealServer,
  reachable,
  type Tables,
  type TransportProtocol,
} from '../dataplane/index.ts'
import { invariant } from '../kernel/index.ts'
import type { NodeNetworkOptions } from './network-options.ts'

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

/** The sets that rules look destinations up in, found by their names once. */
interface Lookups {
  readonly sets: readonly IpSet[]
  readonly setsWithSource: readonly IpSet[]
}

interface NodeLookups {
  readonly all: Lookups
  readonly last: Lookups
}

const lookupsOf = new WeakMap<NodeRules, NodeLookups>()

/** The sets of a node are made once and filled again and again, so these stay. */
function lookupsUnder(rules: NodeRules, { all, last }: Known): NodeLookups {
  let lookups = lookupsOf.get(rules)
  if (lookups === undefined) {
    lookups = { all: lookupsIn(rules.sets, all), last: lookupsIn(rules.sets, last) }
    lookupsOf.set(rules, lookups)
  }
  return lookups
}

function lookupsIn(named: ReadonlyMap<string, IpSet>, { sets, setsWithSource }: Distinctions): Lookups {
  const found = (names: readonly string[]) => names.map((name) => named.get(name)).filter((set) => set !== undefined)
  return { sets: found(sets), setsWithSource: found(setsWithSource) }
}

const ORIGINS = { outside: 0, pod: 1, node: 2 } as const satisfies Readonly<Record<Origin, number>>

/**
 * All that can decide how packets of one service fare on a node, as numbers. Made once and filled again and again, because it
 * is asked after every sync and seldom anything else is: so the numbers lie in one array that does not shrink.
 */
export class Marks {
  /** False once it cannot be said how packets fare. */
  isSayable = true
  readonly #values: number[] = []
  #count = 0
  #at: Place | undefined
  #sources: readonly Address[] = []

  begin(rules: NodeRules): void {
    const iptables = knownUnder(rules.iptables).all
    const ipvs = knownUnder(rules.ipvsTables)
    this.#at = { rules, iptables, ipvs, lookups: lookupsUnder(rules, ipvs) }
    this.#count = 0
    this.isSayable = !iptables.translatesTo(rules.options.nodeAddress)
  }

  /** What follows is about packets from these sources. */
  from(sources: readonly Address[]): void {
    const { rules, iptables, ipvs } = this.#place()
    const { clusterCidrBlock } = rules.options
    this.#sources = sources
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i] as Address
      const inBlock = contains(clusterCidrBlock, source) ? 1 : 0
      const isLocal = (rules.isLocal(source) ? 4 : 0) | (rules.isBound(source) ? 2 : 0)
      this.#push(iptables.source(source))
      this.#push(ipvs.all.source(source))
      this.#push((ORIGINS[rules.originOf(source)] << 3) | isLocal | inBlock)
    }
  }

  /** Packets to there. A function of its own, to be handed on as it is. */
  readonly to = (_to: unknown, protocol: TransportProtocol, address: Address, port: number): void => {
    const { rules, iptables, ipvs, lookups } = this.#place()
    const { options } = rules
    const number = iptables.destination(address)
    const forIpvs = ipvs.all.destination(address)
    if ((number >= 0 || forIpvs >= 0) && address === options.nodeAddress) this.isSayable = false
    const isService = contains(options.serviceCidr, address) ? 1 : 0
    const isLocal = (rules.isLocal(address) ? 4 : 0) | (rules.isBound(address) ? 2 : 0)
    this.#push(Math.min(number, 0))
    this.#push(Math.min(forIpvs, 0))
    this.#push(isLocal | isService)
    this.#sets(lookups.all, protocol, address, port)
    const virtual = rules.ipvs.find(protocol, address, port)
    this.#push(virtual === undefined ? -1 : virtual.spec.persistenceMicros)
    if (virtual === undefined) return
    for (let i = 0; i < virtual.servers.length; i++) {
      const server = virtual.servers[i] as RealServer
      if (server.weight === 0) continue
      this.#push(server.address)
      this.#push(server.port)
      this.#push(rules.isBound(server.address) ? 1 : 0)
      this.#push(ipvs.last.destination(server.address))
      this.#sets(lookups.last, protocol, server.address, server.port)
    }
  }

  areLike(earlier: readonly number[]): boolean {
    if (earlier.length !== this.#count) return false
    for (let i = 0; i < earlier.length; i++) if (earlier[i] !== this.#values[i]) return false
    return true
  }

  copy(): readonly number[] {
    return this.#values.slice(0, this.#count)
  }

  /** Which sets hold a destination, and which hold it together with each of the sources. */
  #sets({ sets, setsWithSource }: Lookups, protocol: TransportProtocol, address: Address, port: number): void {
    let bits = 0
    for (let i = 0; i < sets.length; i++) if ((sets[i] as IpSet).matches(protocol, address, port, 0)) bits |= 1 << i
    this.#push(bits)
    for (let i = 0; i < setsWithSource.length; i++) {
      const set = setsWithSource[i] as IpSet
      bits = 0
      for (let k = 0; k < this.#sources.length; k++)
        if (set.matches(protocol, address, port, this.#sources[k] as Address)) bits |= 1 << k
      this.#push(bits)
    }
  }

  #push(value: number): void {
    this.#values[this.#count++] = value
  }

  #place(): Place {
    invariant(this.#at !== undefined, 'proxy: marks are of some rules')
    return this.#at
  }
}

/** The rules that marks are of, with all that they can tell apart. */
interface Place {
  readonly rules: NodeRules
  readonly iptables: Distinctions
  readonly ipvs: Known
  readonly lookups: NodeLookups
}
