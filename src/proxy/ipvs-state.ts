/**
 * The live IPVS of a node brought from what services wanted to what they want: virtual servers made and removed, real
 * servers added or drained, addresses bound and released, sets filled. Several services may want the same address or set
 * element: it stays while one of them does. Models the applying half of pkg/proxy/ipvs, v1.33.
 */

import {
  type Address,
  destinationKey,
  type IpSet,
  Ipvs,
  type RealServer,
  type SetEntry,
  serverKey,
  serverOf,
  UDP,
  type VirtualServer,
} from '../dataplane/index.ts'
import { invariant, type Micros } from '../kernel/index.ts'
import type { ProxyDecisions } from './decisions.ts'
import type { DesiredServer, ServiceIpvs } from './ipvs.ts'
import { makeSets, type SetName } from './ipvs-base.ts'

/** A real server that left its service and still has connections. */
export interface Draining {
  readonly virtual: VirtualServer
  readonly server: RealServer
}

const NOTHING: ServiceIpvs = { servers: [], entries: [] }

export class IpvsState {
  readonly ipvs = new Ipvs()
  readonly sets: ReadonlyMap<string, IpSet> = makeSets()
  readonly #wanted = new Map<string, ServiceIpvs>()
  /** How many want each virtual server, each bound address, each set element. */
  readonly #servers = new Map<number, number>()
  readonly #addresses = new Map<Address, number>()
  readonly #elements = new Map<SetName, Map<string, number>>()

  /** Services that virtual servers are installed for. */
  keys(): Iterable<string> {
    return this.#wanted.keys()
  }

  /**
   * Makes the kernel follow what the services `changes` want now (undefined: the service is gone). Returns the real servers
   * that could not go yet because they have connections; the caller looks at them again with `finishDrain`.
   */
  apply(
    changes: ReadonlyMap<string, ServiceIpvs | undefined>,
    decisions: ProxyDecisions,
    now: Micros,
  ): readonly Draining[] {
    this.ipvs.expire(now)
    const draining: Draining[] = []
    const released: Address[] = []
    const previous: ServiceIpvs[] = []
    for (const [key, next] of changes) {
      previous.push(this.#wanted.get(key) ?? NOTHING)
      if (next === undefined) this.#wanted.delete(key)
      else this.#wanted.set(key, next)
      this.#want(next ?? NOTHING, draining, decisions)
    }
    for (const each of previous) this.#release(each, released)
    for (const address of decisions.addressesToUnbind(released, (each) => (this.#addresses.get(each) ?? 0) > 0)) {
      this.ipvs.boundAddresses.delete(address)
      this.#set('KUBE-IPVS-IPS').remove(bindingEntry(address))
    }
    return draining
  }

  /** Binds again what is wanted and missing: part of a full sync. */
  rebind(): void {
    for (const [address, count] of this.#addresses) if (count > 0) this.#bind(address)
  }

  /** Tries to remove a drained real server: `removed`, `busy` (has connections), or `returned` (serves again, or is gone anyhow). */
  finishDrain({ virtual, server }: Draining, now: Micros): 'removed' | 'busy' | 'returned' {
    this.ipvs.expire(now)
    if (!server.available || server.weight > 0) return 'returned'
    if (server.active + server.inactive > 0) return 'busy'
    this.ipvs.removeServer(virtual, server)
    return 'removed'
  }

  #want(next: ServiceIpvs, draining: Draining[], decisions: ProxyDecisions): void {
    for (const desired of next.servers) {
      const { address } = desired.spec
      count(this.#servers, serverNumber(desired), 1)
      if (desired.binds) {
        count(this.#addresses, address, 1)
        this.#bind(address)
      }
      this.#syncServers(desired, draining, decisions)
    }
    for (const { set, entry, text } of next.entries)
      if (count(this.#counts(set), text, 1) === 1) this.#set(set).add(entry, text)
  }

  #release(previous: ServiceIpvs, released: Address[]): void {
    for (const desired of previous.servers) {
      const { protocol, address, port } = desired.spec
      const gone = count(this.#servers, serverNumber(desired), -1) === 0
      const virtual = gone ? this.ipvs.find(protocol, address, port) : undefined
      if (virtual !== undefined) this.ipvs.removeVirtualServer(virtual)
      if (desired.binds) {
        count(this.#addresses, address, -1)
        if (gone) released.push(address)
      }
    }
    for (const { set, entry, text } of previous.entries)
      if (count(this.#counts(set), text, -1) === 0) this.#set(set).remove(entry, text)
  }

  #syncServers({ spec, endpoints }: DesiredServer, draining: Draining[], decisions: ProxyDecisions): void {
    const virtual = this.ipvs.ensureVirtualServer(spec)
    const wanted = new Set<number>()
    for (const endpoint of endpoints) {
      wanted.add(serverKey(endpoint.address, endpoint.port))
      const known = serverOf(virtual, endpoint.address, endpoint.port)
      if (known !== undefined && known.weight > 0) continue
      if (known !== undefined) this.ipvs.removeServer(virtual, known)
      this.ipvs.addServer(virtual, endpoint.address, endpoint.port)
    }
    for (const server of [...virtual.servers]) {
      if (wanted.has(serverKey(server.address, server.port))) continue
      if (spec.protocol === UDP || server.active + server.inactive === 0 || !decisions.drainsRealServers()) {
        this.ipvs.removeServer(virtual, server)
      } else {
        if (server.weight !== 0) this.ipvs.setWeight(virtual, server, 0)
        draining.push({ virtual, server })
      }
    }
  }

  #bind(address: Address): void {
    if (this.ipvs.boundAddresses.has(address)) return
    this.ipvs.boundAddresses.add(address)
    this.#set('KUBE-IPVS-IPS').add(bindingEntry(address))
  }

  #counts(name: SetName): Map<string, number> {
    let counts = this.#elements.get(name)
    if (counts === undefined) {
      counts = new Map()
      this.#elements.set(name, counts)
    }
    return counts
  }

  #set(name: SetName): IpSet {
    const set = this.sets.get(name)
    invariant(set !== undefined, 'proxy: every set of IPVS mode is there', name)
    return set
  }
}

function bindingEntry(address: Address): SetEntry {
  return { address, protocol: '', port: 0, secondAddress: 0 }
}

function serverNumber({ spec: { protocol, address, port } }: DesiredServer): number {
  return destinationKey(protocol, address, port)
}

/** Counts up or down and answers the new count; entries at 0 go. */
function count<K>(counts: Map<K, number>, key: K, change: 1 | -1): number {
  const value = (counts.get(key) ?? 0) + change
  invariant(value >= 0, 'proxy: nothing is released that was not wanted', key)
  if (value === 0) counts.delete(key)
  else counts.set(key, value)
  return value
}
