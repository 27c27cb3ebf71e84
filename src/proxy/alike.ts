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

const ORIGINS = { outside: 0, pod: 1, node: 2 } as const satisfies Readonly<Record<Origin, number>>
/** Enough for most services; more room is made when it is needed. */
const ROOM = 256

/**
 * All that can decide how packets of one service fare on a node, as numbers. Made once and filled again and again, because it
 * is asked after every sync and seldom anything else is: so the numbers lie in one array that neither grows nor shrinks.
 */
export class Marks {
  /** False once it cannot be said how packets fare. */
  isSayable = true
  #values = new Float64Array(ROOM)
  #count = 0
  #rules: NodeRules | undefined
  #sources: readonly Address[] = []

  begin(rules: NodeRules): void {
    this.#rules = rules
    this.#count = 0
    this.isSayable = !knownUnder(rules.iptables).all.translatesTo(rules.options.nodeAddress)
  }

  /** What follows is about packets from these sources. */
  from(sources: readonly Address[]): void {
    const rules = this.#current()
    const { options } = rules
    const iptables = knownUnder(rules.iptables).all
    const ipvs = knownUnder(rules.ipvsTables).all
    this.#sources = sources
    for (const source of sources) {
      const inBlock = contains(options.clusterCidrBlock, source) ? 1 : 0
      const isLocal = (rules.isLocal(source) ? 4 : 0) | (rules.isBound(source) ? 2 : 0)
      this.#push(iptables.source(source))
      this.#push(ipvs.source(source))
      this.#push((ORIGINS[rules.originOf(source)] << 3) | isLocal | inBlock)
    }
  }

  /** Packets to there. A function of its own, to be handed on as it is. */
  readonly to = (_to: unknown, protocol: TransportProtocol, address: Address, port: number): void => {
    const rules = this.#current()
    const { options } = rules
    const { all, last } = knownUnder(rules.ipvsTables)
    const number = knownUnder(rules.iptables).all.destination(address)
    const forIpvs = all.destination(address)
    if ((number >= 0 || forIpvs >= 0) && address === options.nodeAddress) this.isSayable = false
    const isService = contains(options.serviceCidr, address) ? 1 : 0
    const isLocal = (rules.isLocal(address) ? 4 : 0) | (rules.isBound(address) ? 2 : 0)
    this.#push(Math.min(number, 0))
    this.#push(Math.min(forIpvs, 0))
    this.#push(isLocal | isService)
    this.#sets(all, protocol, address, port)
    const virtual = rules.ipvs.find(protocol, address, port)
    this.#push(virtual === undefined ? -1 : virtual.spec.persistenceMicros)
    if (virtual === undefined) return
    for (let i = 0; i < virtual.servers.length; i++) {
      const server = virtual.servers[i] as RealServer
      if (server.weight === 0) continue
      this.#push(server.address)
      this.#push(server.port)
      this.#push(rules.isBound(server.address) ? 1 : 0)
      this.#push(last.destination(server.address))
      this.#sets(last, protocol, server.address, server.port)
    }
  }

  areLike(earlier: Float64Array): boolean {
    if (earlier.length !== this.#count) return false
    for (let i = 0; i < earlier.length; i++) if (earlier[i] !== this.#values[i]) return false
    return true
  }

  copy(): Float64Array {
    return this.#values.slice(0, this.#count)
  }

  /** Which sets hold a destination, and which hold it together with each of the sources. */
  #sets({ sets, setsWithSource }: Distinctions, protocol: TransportProtocol, address: Address, port: number): void {
    const rules = this.#current()
    let bits = 0
    for (let i = 0; i < sets.length; i++)
      if (rules.sets.get(sets[i] as string)?.matches(protocol, address, port, 0)) bits |= 1 << i
    this.#push(bits)
    for (let i = 0; i < setsWithSource.length; i++) {
      const set = rules.sets.get(setsWithSource[i] as string)
      bits = 0
      for (let k = 0; k < this.#sources.length; k++)
        if (set?.matches(protocol, address, port, this.#sources[k] as Address)) bits |= 1 << k
      this.#push(bits)
    }
  }

  #push(value: number): void {
    if (this.#count === this.#values.length) {
      const more = new Float64Array(2 * this.#count)
      more.set(this.#values)
      this.#values = more
    }
    this.#values[this.#count++] = value
  }

  #current(): NodeRules {
    invariant(this.#rules !== undefined, 'proxy: marks are of some rules')
    return this.#rules
  }
}
