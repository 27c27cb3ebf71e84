/**
 * Hash sets of the kernel's ipset: the few kinds that kube-proxy's IPVS mode fills. A look-up costs one hash, however
 * many services there are, which is why IPVS mode needs so few rules.
 * Models ipset `hash:ip`, `hash:ip,port`, `hash:ip,port,ip` and `bitmap:port`. Not here: nets, timeouts, counters.
 */
import type { Address, TransportProtocol } from './packet.ts'
import { formatAddress, protocolName, UDP } from './packet.ts'

export type SetType = 'hash:ip' | 'hash:ip,port' | 'hash:ip,port,ip' | 'bitmap:port'

/** One element. Parts that the set's type does not hold are 0 or ''. */
export interface SetEntry {
  readonly address: Address
  readonly protocol: TransportProtocol | ''
  readonly port: number
  readonly secondAddress: Address
}

/** What a rule looks up, packed: in `hash:ip,port,ip` the second address is the packet's source. */
function packed(address: Address, protocol: TransportProtocol | '', port: number): number {
  return address * 0x20000 + port * 2 + (protocol === UDP ? 1 : 0)
}

export class IpSet {
  readonly name: string
  readonly type: SetType
  readonly #entries = new Map<string, SetEntry>()
  /** For each packed key: how many entries hold it (`ip,port,ip` sets are used with both addresses equal or listed here). */
  readonly #keys = new Map<number, Set<Address>>()

  constructor(name: string, type: SetType) {
    this.name = name
    this.type = type
  }

  get size(): number {
    return this.#entries.size
  }

  /** `text`: what `formatEntry` gives, for callers that have it already. */
  add(entry: SetEntry, text = formatEntry(this.type, entry)): void {
    this.#entries.set(text, entry)
    const key = this.#key(entry.address, entry.protocol, entry.port)
    let seconds = this.#keys.get(key)
    if (seconds === undefined) {
      seconds = new Set()
      this.#keys.set(key, seconds)
    }
    seconds.add(entry.secondAddress)
  }

  remove(entry: SetEntry, text = formatEntry(this.type, entry)): void {
    if (!this.#entries.delete(text)) return
    const key = this.#key(entry.address, entry.protocol, entry.port)
    const seconds = this.#keys.get(key)
    seconds?.delete(entry.secondAddress)
    if (seconds?.size === 0) this.#keys.delete(key)
  }

  clear(): void {
    this.#entries.clear()
    this.#keys.clear()
  }

  /** True if the packet's destination (and, for three-part sets, its source) is in the set. */
  matches(protocol: TransportProtocol, destination: Address, port: number, source: Address): boolean {
    // Most sets of a node are empty, and a key is a large number, dear to look up.
    if (this.#keys.size === 0) return false
    const seconds = this.#keys.get(this.#key(destination, protocol, port))
    return seconds !== undefined && (this.type !== 'hash:ip,port,ip' || seconds.has(source))
  }

  entries(): Iterable<SetEntry> {
    return this.#entries.values()
  }

  #key(address: Address, protocol: TransportProtocol | '', port: number): number {
    if (this.type === 'hash:ip') return address
    return this.type === 'bitmap:port' ? port : packed(address, protocol, port)
  }
}

/** As `ipset save` writes an element of such a set: `10.96.0.10,tcp:80`. */
export function formatEntry(type: SetType, entry: SetEntry): string {
  const port = `${entry.protocol === '' ? '' : `${protocolName(entry.protocol)}:`}${entry.port}`
  switch (type) {
    case 'hash:ip':
      return formatAddress(entry.address)
    case 'hash:ip,port':
      return `${formatAddress(entry.address)},${port}`
    case 'hash:ip,port,ip':
      return `${formatAddress(entry.address)},${port},${formatAddress(entry.secondAddress)}`
    case 'bitmap:port':
      return String(entry.port)
  }
}
