/**
 * One connection between two processes, as a record: its two ends, its two directions, its timers. What is done with it
 * is in `connections.ts`.
 */
import type { Message, Timer, TimerTarget } from './machine.ts'
import type { Link } from './network.ts'
import type { Process } from './process.ts'
import { MILLISECOND, type Micros, SECOND } from './time.ts'

/** HTTP/2 ping after 30 s of silence, and 15 s for the answer. */
export const PROGRESS_TIMEOUT_MICROS: Micros = 45 * SECOND
export const DIAL_TIMEOUT_MICROS: Micros = 30 * SECOND
/** The first retransmission of data; doubles. */
export const RETRANSMIT_MICROS: Micros = 200 * MILLISECOND
/** The first repetition of a SYN; doubles. */
export const REDIAL_MICROS: Micros = 1 * SECOND

/** An end of a connection. `broken`: its process has not been told yet; `closed`: told, hung up, or dead. */
export type EndState = 'unopened' | 'open' | 'broken' | 'closed'

export interface Waiting {
  readonly message: Message
  readonly bytes: number
}

/** One way through a connection. */
export interface Direction {
  readonly id: number
  readonly connection: Connection
  readonly link: Link
  /** Messages that the connection is not open for yet, or that wait behind a lost one. */
  waiting: Waiting[]
  /** No message arrives before the one sent before it. */
  lastArrival: Micros
  /** When the first waiting message was lost first; -1 when none was. */
  stalledSince: Micros
  attempts: number
  retry: Timer
}

export interface ConnectionOwner {
  onConnectionTimer(connection: Connection, kind: number, a: number): void
}

export class Connection implements TimerTarget {
  readonly dialler: Process
  readonly listener: Process
  readonly forth: Direction
  readonly back: Direction
  diallerEnd: EndState = 'open'
  listenerEnd: EndState = 'unopened'
  established = false
  readonly dialledAt: Micros
  dialAttempts = 0
  dialTimer: Timer = 0
  /** Runs while the ends cannot reach each other. */
  breakTimer: Timer = 0
  /** A reset is on its way to the one end that is still open. */
  resetTimer: Timer = 0
  readonly #owner: ConnectionOwner

  constructor(owner: ConnectionOwner, forth: Link, back: Link, firstDirection: number, now: Micros) {
    this.#owner = owner
    this.dialler = forth.from
    this.listener = forth.to
    this.forth = direction(firstDirection, this, forth)
    this.back = direction(firstDirection + 1, this, back)
    this.dialledAt = now
  }

  onTimer(kind: number, a: number): void {
    this.#owner.onConnectionTimer(this, kind, a)
  }

  /** The direction that `process` sends in. */
  outgoing(process: Process): Direction {
    return process === this.dialler ? this.forth : this.back
  }

  peerOf(process: Process): Process {
    return process === this.dialler ? this.listener : this.dialler
  }

  endOf(process: Process): EndState {
    return process === this.dialler ? this.diallerEnd : this.listenerEnd
  }

  setEnd(process: Process, state: EndState): void {
    if (process === this.dialler) this.diallerEnd = state
    else this.listenerEnd = state
  }
}

function direction(id: number, connection: Connection, link: Link): Direction {
  return { id, connection, link, waiting: [], lastArrival: 0, stalledSince: -1, attempts: 0, retry: 0 }
}
