/**
 * Virtual servers and their real servers. A new real server goes to the FRONT of the list: every scheduler below walks
 * newest first. Models Linux ip_vs_ctl (services and destinations). Not here: forwarding methods other than masquerade,
 * thresholds of connections, firewall-mark services.
 */
import type { Micros } from '../../kernel/time.ts'
import type { Address, TransportProtocol } from '../packet.ts'

export type SchedulerName = 'rr' | 'wrr' | 'lc' | 'wlc' | 'dh' | 'sh' | 'sed' | 'nq'

export interface RealServer {
  readonly address: Address
  readonly port: number
  weight: number
  /** Connections in an active state (TCP: opening or established). */
  active: number
  /** Connections closed but remembered, and all of UDP. */
  inactive: number
  /** False once removed; its old connections may still point here. */
  available: boolean
}

/** What to make a virtual server with. */
export interface VirtualServerSpec {
  readonly protocol: TransportProtocol
  readonly address: Address
  readonly port: number
  readonly scheduler: SchedulerName
  /** Client affinity; 0: none. */
  readonly persistenceMicros: Micros
  /** sh only: look for another server when the hashed one has weight 0. */
  readonly fallback?: boolean
  /** sh only: hash the source port too. */
  readonly hashPort?: boolean
}

/** What a scheduler remembers between two connections. */
export interface SchedulerState {
  /** rr: the last one chosen. wrr: the place in the round; null: before the first. */
  last: RealServer | null
  /** wrr: the current weight level. */
  level: number
  /** dh, sh: 256 slots. Null: to be filled. */
  table: (RealServer | null)[] | null
}

export interface VirtualServer {
  spec: VirtualServerSpec
  /** Newest first. */
  readonly servers: RealServer[]
  readonly state: SchedulerState
  /** Removed real servers that connections still point to; taken back when the same one is added again. */
  readonly trash: Map<number, RealServer>
}

/** One number for an address and a port. */
export function serverKey(address: Address, port: number): number {
  return address * 0x10000 + port
}
