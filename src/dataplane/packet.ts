/**
 * Addresses, address blocks and flows as numbers. An IPv4 address is an unsigned 32-bit integer, so matching a rule is a
 * mask and a comparison. Not here: IPv6, fragments, payloads, routing tables.
 */
import { invariant } from '../kernel/invariant.ts'

/** An IPv4 address as an unsigned 32-bit integer in network order. */
export type Address = number

/** As Kubernetes writes them. */
export const TCP = 'TCP'
export const UDP = 'UDP'
export type TransportProtocol = 'TCP' | 'UDP'

/** A block of addresses. `mask` 0 holds every address. */
export interface Cidr {
  readonly address: Address
  readonly mask: number
}

/** Where a flow comes into a node: from a pod on it, from one of its own processes, or from anywhere else. */
export type Origin = 'pod' | 'node' | 'outside'

/** One connection, or one stream of datagrams, as its sender wrote it: before any translation. */
export interface Flow {
  readonly protocol: TransportProtocol
  readonly source: Address
  readonly sourcePort: number
  readonly destination: Address
  readonly destinationPort: number
}

/** An address with a port: where a flow ends up. */
export interface Backend {
  readonly address: Address
  readonly port: number
}

/** Addressed draws, as kernel/random.ts gives them: an unsigned 32-bit integer for an address of three integers. */
export interface Draws {
  at(a?: number, b?: number, c?: number): number
}

/** Reads `10.96.0.10`. Throws on anything that is not four numbers from 0 to 255: validation has refused those before. */
export function parseAddress(text: string): Address {
  const address = readAddress(text)
  invariant(address >= 0, 'dataplane: an IPv4 address has four numbers up to 255', text)
  return address
}

/** True for what `parseAddress` accepts. */
export function isAddress(text: string): boolean {
  return readAddress(text) >= 0
}

/** The address, or -1. */
function readAddress(text: string): Address {
  let address = 0
  let part = 0
  let digits = 0
  let dots = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? DOT : text.charCodeAt(i)
    if (code === DOT) {
      if (digits === 0 || part > 255) return -1
      address = address * 256 + part
      part = 0
      digits = 0
      dots++
    } else {
      if (code < ZERO || code > ZERO + 9) return -1
      part = part * 10 + code - ZERO
      digits++
    }
  }
  return dots === 4 ? address : -1
}
const DOT = 46
const ZERO = 48

/** Writes `10.96.0.10`. */
export function formatAddress(address: Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

/** Writes `10.244.0.5:8080`. */
export function formatBackend(backend: Backend): string {
  return `${formatAddress(backend.address)}:${backend.port}`
}

/** Reads `10.244.0.0/16`; a plain address is a block of one. */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf('/')
  if (slash < 0) return { address: parseAddress(text), mask: 0xffffffff }
  const bits = Number(text.slice(slash + 1))
  invariant(Number.isInteger(bits) && bits >= 0 && bits <= 32, 'dataplane: a prefix has 0 to 32 bits', text)
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
  return { address: (parseAddress(text.slice(0, slash)) & mask) >>> 0, mask }
}

/** Writes `10.244.0.0/16`. */
export function formatCidr(address: Address, mask: number): string {
  let bits = 0
  while (bits < 32 && (mask & (0x80000000 >>> bits)) !== 0) bits++
  return `${formatAddress(address)}/${bits}`
}

/** True if `address` lies in the block. */
export function contains(cidr: Cidr, address: Address): boolean {
  return ((address ^ cidr.address) & cidr.mask) === 0
}

/** `tcp` or `udp`, as iptables and ipvsadm write it. */
export function protocolName(protocol: TransportProtocol): 'tcp' | 'udp' {
  return protocol === TCP ? 'tcp' : 'udp'
}
