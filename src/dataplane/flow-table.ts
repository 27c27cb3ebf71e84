/**
 * A table keyed by a flow's five-tuple, in two levels of numbers: original destination first, then source. The first
 * level is what a clean-up by service address walks. Both numbers stay below 2^53. Not here: time, which belongs to the
 * owners (conntrack, IPVS connections).
 */
import type { Address, Flow, TransportProtocol } from './packet.ts'
import { UDP } from './packet.ts'

/** The key of a destination with its protocol: 49 bits. */
export function destinationKey(protocol: TransportProtocol, address: Address, port: number): number {
  return address * 0x20000 + port * 2 + (protocol === UDP ? 1 : 0)
}

function sourceKey(address: Address, port: number): number {
  return address * 0x10000 + port
}

export class FlowTable<T> {
  readonly #byDestination = new Map<number, Map<number, T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(flow: Flow): T | undefined {
    const sources = this.#byDestination.get(destinationKey(flow.protocol, flow.destination, flow.destinationPort))
    return sources?.get(sourceKey(flow.source, flow.sourcePort))
  }

  set(flow: Flow, value: T): void {
    const key = destinationKey(flow.protocol, flow.destination, flow.destinationPort)
    let sources = this.#byDestination.get(key)
    if (sources === undefined) {
      sources = new Map()
      this.#byDestination.set(key, sources)
    }
    const before = sources.size
    sources.set(sourceKey(flow.source, flow.sourcePort), value)
    this.#size += sources.size - before
  }

  delete(flow: Flow): boolean {
    const key = destinationKey(flow.protocol, flow.destination, flow.destinationPort)
    const sources = this.#byDestination.get(key)
    if (sources === undefined || !sources.delete(sourceKey(flow.source, flow.sourcePort))) return false
    this.#size--
    if (sources.size === 0) this.#byDestination.delete(key)
    return true
  }

  /** Drops the entries that `stale` picks; all of them, or those of one destination. Returns how many went. */
  deleteWhere(stale: (value: T) => boolean, protocol?: TransportProtocol, address = 0, port = 0): number {
    const before = this.#size
    if (protocol !== undefined) {
      const key = destinationKey(protocol, address, port)
      const sources = this.#byDestination.get(key)
      if (sources !== undefined) this.#sweep(key, sources, stale)
    } else {
      for (const [key, sources] of this.#byDestination) this.#sweep(key, sources, stale)
    }
    return before - this.#size
  }

  clear(): void {
    this.#byDestination.clear()
    this.#size = 0
  }

  *values(): Iterable<T> {
    for (const sources of this.#byDestination.values()) yield* sources.values()
  }

  #sweep(key: number, sources: Map<number, T>, stale: (value: T) => boolean): void {
    for (const [source, value] of sources) {
      if (!stale(value)) continue
      sources.delete(source)
      this.#size--
    }
    if (sources.size === 0) this.#byDestination.delete(key)
  }
}
