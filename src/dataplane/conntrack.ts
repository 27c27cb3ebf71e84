/**
 * Connection tracking: what was decided for the first packet of a flow stays decided while packets keep the entry alive.
 * Models Linux nf_conntrack (states and default timeouts of nf_conntrack_proto_tcp/udp). Not here: windows and sequence
 * numbers, helpers, the table's size limit, expectations.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Micros } from '../kernel/time.ts'
import { HOUR, SECOND } from '../kernel/time.ts'
import { FlowTable } from './flow-table.ts'
import type { Address, Backend, Flow, TransportProtocol } from './packet.ts'
import { TCP } from './packet.ts'

/** How long an entry lives without a packet. All in virtual microseconds. */
export interface ConntrackTimeouts {
  /** Default 120 s. */
  readonly tcpSynSentMicros: Micros
  /** Default 5 days. */
  readonly tcpEstablishedMicros: Micros
  /** Default 120 s. */
  readonly tcpTimeWaitMicros: Micros
  /** Default 10 s. */
  readonly tcpCloseMicros: Micros
  /** A datagram without an answer. Default 30 s. */
  readonly udpMicros: Micros
  /** Datagrams in both directions. Default 120 s (180 s on kernels before 4.20). */
  readonly udpStreamMicros: Micros
}

export const CONNTRACK_TIMEOUTS: ConntrackTimeouts = {
  tcpSynSentMicros: 120 * SECOND,
  tcpEstablishedMicros: 120 * HOUR,
  tcpTimeWaitMicros: 120 * SECOND,
  tcpCloseMicros: 10 * SECOND,
  udpMicros: 30 * SECOND,
  udpStreamMicros: 120 * SECOND,
}

export type ConntrackState = 'SYN_SENT' | 'ESTABLISHED' | 'TIME_WAIT' | 'CLOSE' | 'UNREPLIED' | 'STREAM'

/** One tracked flow. `backend` is the reply's source: where packets really go; equal to the flow's destination if untranslated. */
export interface ConntrackEntry {
  readonly flow: Flow
  readonly backend: Backend
  readonly translated: boolean
  readonly masqueraded: boolean
  state: ConntrackState
  expiresAt: Micros
}

/** Sweeps of expired entries start when the table has doubled since the last one, and not below this. */
const SWEEP_SIZE = 1024

export class Conntrack {
  readonly #timeouts: ConntrackTimeouts
  readonly #entries = new FlowTable<ConntrackEntry>()
  #sweepAt = SWEEP_SIZE

  constructor(timeouts: ConntrackTimeouts = CONNTRACK_TIMEOUTS) {
    this.#timeouts = timeouts
  }

  /** Entries held, expired ones that nobody has met yet included. */
  get size(): number {
    return this.#entries.size
  }

  /** The live entry of a flow, or undefined. */
  lookup(flow: Flow, now: Micros): ConntrackEntry | undefined {
    const entry = this.#entries.get(flow)
    if (entry === undefined) return undefined
    if (entry.expiresAt > now) return entry
    this.#entries.delete(flow)
    return undefined
  }

  /** Records the decision for the first packet of a flow. */
  add(flow: Flow, backend: Backend, translated: boolean, masqueraded: boolean, now: Micros): ConntrackEntry {
    const state = flow.protocol === TCP ? 'SYN_SENT' : 'UNREPLIED'
    const entry = { flow, backend, translated, masqueraded, state, expiresAt: now + this.#lifetime(state) } as const
    this.#entries.set(flow, entry)
    if (this.#entries.size >= this.#sweepAt) this.#sweep(now)
    return entry
  }

  /** A further packet of the flow: its entry lives on. `replied`: the other side has answered by now. */
  refresh(entry: ConntrackEntry, replied: boolean, now: Micros): void {
    if (entry.state === 'TIME_WAIT' || entry.state === 'CLOSE') return
    if (replied) entry.state = entry.flow.protocol === TCP ? 'ESTABLISHED' : 'STREAM'
    entry.expiresAt = now + this.#lifetime(entry.state)
  }

  /** The connection was closed by both sides, or reset. UDP has no end: its entry times out. */
  close(flow: Flow, reset: boolean, now: Micros): void {
    const entry = this.lookup(flow, now)
    if (entry === undefined || flow.protocol !== TCP) return
    entry.state = reset ? 'CLOSE' : 'TIME_WAIT'
    entry.expiresAt = now + this.#lifetime(entry.state)
  }

  /** Forgets one flow. */
  delete(flow: Flow): void {
    this.#entries.delete(flow)
  }

  /**
   * Deletes the flows of `protocol` to the original destination `address`:`port` (address 0: any address) whose reply
   * source `stale` picks. Returns how many went. As `conntrack -D --orig-dst A --dst-nat B`.
   */
  deleteTo(
    protocol: TransportProtocol,
    address: Address,
    port: number,
    stale: (replySource: Backend) => boolean,
  ): number {
    invariant(port > 0, 'conntrack: a clean-up names a port', port)
    if (address !== 0) return this.#entries.deleteWhere((entry) => stale(entry.backend), protocol, address, port)
    return this.#entries.deleteWhere(
      ({ flow, backend }) => flow.protocol === protocol && flow.destinationPort === port && stale(backend),
    )
  }

  /** All entries that have not been met expired, oldest destination first. */
  entries(): Iterable<ConntrackEntry> {
    return this.#entries.values()
  }

  clear(): void {
    this.#entries.clear()
  }

  #sweep(now: Micros): void {
    this.#entries.deleteWhere((entry) => entry.expiresAt <= now)
    this.#sweepAt = Math.max(SWEEP_SIZE, this.#entries.size * 2)
  }

  #lifetime(state: ConntrackState): Micros {
    switch (state) {
      case 'SYN_SENT':
        return this.#timeouts.tcpSynSentMicros
      case 'ESTABLISHED':
        return this.#timeouts.tcpEstablishedMicros
      case 'TIME_WAIT':
        return this.#timeouts.tcpTimeWaitMicros
      case 'CLOSE':
        return this.#timeouts.tcpCloseMicros
      case 'UNREPLIED':
        return this.#timeouts.udpMicros
      case 'STREAM':
        return this.#timeouts.udpStreamMicros
    }
  }
}
