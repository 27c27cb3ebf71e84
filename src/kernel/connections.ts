/**
 * Connections: ordered, reliable, or gone. Models TCP under an HTTP/2 client as client-go uses it: a SYN is repeated after
 * 1 s, 2 s, 4 s ... until the dial times out (30 s, net.Dialer of client-go's transport); data is retransmitted after 200 ms
 * doubling (Linux TCP_RTO_MIN); without any progress a connection dies after 45 s (ReadIdleTimeout 30 s + PingTimeout 15 s,
 * apimachinery pkg/util/net/http.go). A dead process's host answers with a reset; a dead host answers nothing.
 * Nothing here is periodic: reachability is looked at when a rule, a host or a process changes.
 * Simplified: messages, not segments; both ends give up at once; no acknowledgements under loss of one direction only.
 */
import {
  Connection,
  DIAL_TIMEOUT_MICROS,
  type Direction,
  PROGRESS_TIMEOUT_MICROS,
  REDIAL_MICROS,
  RETRANSMIT_MICROS,
  type Waiting,
} from './connection.ts'
import { ConnectionTable } from './connection-table.ts'
import { type Core, DISCONNECT, KERNEL_PROCESS, STREAM, TIMER } from './core.ts'
import type { ConnectionLoss, KernelFact } from './facts.ts'
import { invariant } from './invariant.ts'
import type { Message, ProcessId, Timer } from './machine.ts'
import type { Network } from './network.ts'
import type { Process } from './process.ts'
import type { Rule } from './rules.ts'
import type { Micros } from './time.ts'

const ANSWERED = 0
const REDIAL = 1
const RETRY_FORTH = 2
const RETRY_BACK = 3
const BREAK = 4
const RESET = 5

const SYN_BYTES = 60

export class Connections {
  readonly #core: Core
  readonly #network: Network
  /** By process: its connections by peer. */
  readonly #tables: ConnectionTable[] = []
  readonly #all = new Set<Connection>()
  /** By id; a direction that leads nowhere any more is taken out. */
  readonly #directions: (Direction | undefined)[] = []

  constructor(core: Core, network: Network) {
    this.#core = core
    this.#network = network
    network.onChange(() => {
      for (const connection of this.#all) this.#reassess(connection)
    })
  }

  /** Number of connections of which at least one end is open. */
  get size(): number {
    return this.#all.size
  }

  /** Sends over the connection from `from` to `to`, dialling when there is none. */
  stream(from: Process, to: Process, message: Message, bytes: number): void {
    const connection = this.#table(from).get(to.id) ?? this.#dial(from, to)
    // Broken, and the process will hear of it in a moment: what it still sends is lost.
    if (connection.endOf(from) !== 'open') return
    const way = connection.outgoing(from)
    if (!connection.established || way.waiting.length > 0) way.waiting.push({ message, bytes })
    else if (!this.#transmit(way, message, bytes)) {
      way.waiting.push({ message, bytes })
      way.stalledSince = this.#core.now
      this.#retryLater(way)
    }
  }

  /** Closes this end, if there is one; the other end is told by the network. */
  hangUp(process: Process, to: Process): void {
    const connection = this.#table(process).get(to.id)
    if (connection === undefined) return
    this.#table(process).remove(to.id)
    connection.setEnd(process, 'closed')
    connection.outgoing(process).waiting = []
    this.#directions[connection.forth.id] = undefined
    this.#directions[connection.back.id] = undefined
    this.#reassess(connection)
  }

  /** The sender of a message that arrives through a direction, or undefined when its receiver has no such connection any more. */
  senderOf(direction: number, receiver: Process): ProcessId | undefined {
    const way = this.#directions[direction]
    if (way === undefined || way.connection.endOf(receiver) !== 'open') return undefined
    return way.link.from.id
  }

  /** A process is about to be told that a connection is gone; false when it has hung up itself meanwhile. */
  acknowledge(process: Process, connection: Connection): boolean {
    if (connection.endOf(process) !== 'broken') return false
    connection.setEnd(process, 'closed')
    const table = this.#table(process)
    const peer = connection.peerOf(process).id
    if (table.get(peer) === connection) table.remove(peer)
    return true
  }

  /** The process has died: its ends are closed, its host resets the others if it can. */
  onCrash(process: Process): void {
    const table = this.#table(process)
    for (const connection of table.values()) {
      connection.setEnd(process, 'closed')
      connection.outgoing(process).waiting = []
      this.#reassess(connection)
    }
    table.clear()
  }

  /** The process was paused or resumed, or its host came back. */
  onChange(process: Process): void {
    for (const connection of this.#table(process).values()) this.#reassess(connection)
  }

  /** A host has power again: it resets what its dead processes left behind. */
  onHostBack(): void {
    for (const connection of this.#all) this.#reassess(connection)
  }

  onConnectionTimer(connection: Connection, kind: number): void {
    switch (kind) {
      case ANSWERED:
        connection.dialTimer = 0
        this.#answered(connection)
        break
      case REDIAL:
        connection.dialTimer = 0
        this.#knock(connection)
        break
      case RETRY_FORTH:
        this.#retry(connection.forth)
        break
      case RETRY_BACK:
        this.#retry(connection.back)
        break
      case BREAK:
        connection.breakTimer = 0
        this.#timeOut(connection)
        break
      case RESET:
        connection.resetTimer = 0
        this.#lose(connection, connection.dialler, 'reset')
        this.#lose(connection, connection.listener, 'reset')
        this.#dispose(connection)
        break
      default:
        invariant(false, 'kernel: a connection knows its timers', kind)
    }
  }

  #dial(from: Process, to: Process): Connection {
    const theirs = this.#table(to).get(from.id)
    if (
      theirs !== undefined &&
      !theirs.established &&
      theirs.listenerEnd === 'unopened' &&
      theirs.diallerEnd === 'open'
    ) {
      // Both dial at once: one connection comes of it.
      theirs.listenerEnd = 'open'
      this.#table(from).add(to.id, theirs)
      return theirs
    }
    const first = this.#directions.length
    const connection = new Connection(
      this,
      this.#network.link(from, to),
      this.#network.link(to, from),
      first,
      this.#core.now,
    )
    this.#directions.push(connection.forth, connection.back)
    this.#table(from).add(to.id, connection)
    this.#all.add(connection)
    this.#knock(connection)
    return connection
  }

  /** Sends a SYN; its answer, or the next attempt, comes later. */
  #knock(connection: Connection): void {
    const { dialler, listener } = connection
    const out = this.#roundTrip(connection)
    if (out >= 0) {
      connection.dialTimer = this.#later(out, connection, ANSWERED)
      return
    }
    const left = connection.dialledAt + DIAL_TIMEOUT_MICROS - this.#core.now
    if (left <= 0) {
      this.#countBreak(connection)
      this.#lose(connection, dialler, 'dial-timed-out')
      this.#lose(connection, listener, 'dial-timed-out')
      this.#dispose(connection)
      return
    }
    const wait = REDIAL_MICROS * 2 ** connection.dialAttempts++
    connection.dialTimer = this.#later(Math.min(wait, left), connection, REDIAL)
  }

  /** Time for a SYN and its answer; -1 when one of them is lost or nobody is there to answer. */
  #roundTrip(connection: Connection): Micros {
    const network = this.#network
    const forth = network.link(connection.dialler, connection.listener)
    const syn = network.ask(forth, SYN_BYTES)
    if (syn.dropped || !connection.listener.host.up) return -1
    const there = syn.extraMicros + network.latencyOf(forth)
    const back = network.link(connection.listener, connection.dialler)
    const answer = network.ask(back, SYN_BYTES)
    return answer.dropped ? -1 : there + answer.extraMicros + network.latencyOf(back)
  }

  #answered(connection: Connection): void {
    const { dialler, listener } = connection
    if (!listener.host.up) {
      this.#knock(connection)
      return
    }
    if (!listener.live) {
      this.#lose(connection, dialler, 'refused')
      this.#dispose(connection)
      return
    }
    const table = this.#table(listener)
    const old = table.newest(dialler.id)
    if (old !== undefined && old !== connection) {
      this.#lose(old, listener, 'replaced')
      this.#reassess(old)
    }
    if (old !== connection) table.accept(dialler.id, connection)
    connection.established = true
    connection.listenerEnd = 'open'
    this.#pump(connection.forth)
    this.#pump(connection.back)
    this.#reassess(connection)
  }

  /** One attempt to get a message through; false when it was lost on the way. */
  #transmit(way: Direction, message: Message, bytes: number): boolean {
    const core = this.#core
    const network = this.#network
    const link = network.link(way.link.from, way.link.to)
    const fate = network.ask(link, bytes)
    if (fate.dropped) return false
    let arrival = core.now + network.latencyOf(link) + fate.extraMicros
    if (arrival < way.lastArrival) arrival = way.lastArrival
    else way.lastArrival = arrival
    core.post(arrival, link.to, (core.typeNumber(message.type) << 3) | STREAM, way.id, message)
    return true
  }

  /** Sends what waits until something is lost; true if anything came through. */
  #pump(way: Direction): boolean {
    let through = 0
    while (through < way.waiting.length) {
      const { message, bytes } = way.waiting[through] as Waiting
      if (!this.#transmit(way, message, bytes)) break
      through++
    }
    if (through > 0) {
      way.waiting = way.waiting.slice(through)
      way.attempts = 0
      way.stalledSince = -1
    }
    if (way.waiting.length > 0 && way.stalledSince < 0) {
      way.stalledSince = this.#core.now
      this.#retryLater(way)
    }
    return through > 0
  }

  #retry(way: Direction): void {
    way.retry = 0
    if (way.waiting.length === 0) return
    if (this.#core.now - way.stalledSince >= PROGRESS_TIMEOUT_MICROS) this.#timeOut(way.connection)
    else if (!this.#pump(way)) {
      way.attempts++
      this.#retryLater(way)
    }
  }

  #retryLater(way: Direction): void {
    const left = way.stalledSince + PROGRESS_TIMEOUT_MICROS - this.#core.now
    const kind = way === way.connection.forth ? RETRY_FORTH : RETRY_BACK
    way.retry = this.#later(Math.min(RETRANSMIT_MICROS * 2 ** way.attempts, left), way.connection, kind)
  }

  /** Looks at who can reach whom now, and starts or stops the connection's clocks. */
  #reassess(connection: Connection): void {
    const { dialler, listener } = connection
    const here = connection.diallerEnd === 'open'
    const there = connection.listenerEnd === 'open'
    if (!here && !there) {
      this.#dispose(connection)
      return
    }
    if (!connection.established && here) return
    if (here && there) {
      const blocked =
        dialler.paused ||
        listener.paused ||
        this.#network.isCut(dialler, listener) ||
        this.#network.isCut(listener, dialler)
      this.#setBreakTimer(connection, blocked)
      return
    }
    if (connection.resetTimer !== 0) return
    this.#core.queue.cancel(connection.dialTimer)
    const survivor = here ? dialler : listener
    const gone = here ? listener : dialler
    const link = this.#network.link(gone, survivor)
    if (!gone.host.up || link.cut) {
      this.#setBreakTimer(connection, true)
      return
    }
    const fate = this.#network.ask(link, SYN_BYTES)
    const lost = fate.dropped ? RETRANSMIT_MICROS : 0
    const arrival = this.#core.now + lost + fate.extraMicros + this.#network.latencyOf(link)
    const behind = connection.outgoing(gone).lastArrival
    connection.resetTimer = this.#later(Math.max(arrival, behind) - this.#core.now, connection, RESET)
  }

  #setBreakTimer(connection: Connection, running: boolean): void {
    if (running === (connection.breakTimer !== 0)) return
    if (running) connection.breakTimer = this.#later(PROGRESS_TIMEOUT_MICROS, connection, BREAK)
    else {
      this.#core.queue.cancel(connection.breakTimer)
      connection.breakTimer = 0
    }
  }

  #timeOut(connection: Connection): void {
    this.#countBreak(connection)
    this.#lose(connection, connection.dialler, 'timed-out')
    this.#lose(connection, connection.listener, 'timed-out')
    this.#dispose(connection)
  }

  /** Breaks one end, if it is open; its process hears of it as the next thing. */
  #lose(connection: Connection, process: Process, reason: ConnectionLoss): void {
    if (connection.endOf(process) !== 'open') return
    const peer = connection.peerOf(process).id
    connection.setEnd(process, 'broken')
    this.#core.note(
      { type: 'connection-lost', process: process.id, peer, reason } satisfies KernelFact as KernelFact,
      KERNEL_PROCESS,
    )
    this.#core.post(this.#core.now, process, DISCONNECT, peer, connection)
  }

  /** Evidence for the rules that kept the ends apart. */
  #countBreak(connection: Connection): void {
    const rules = new Set<Rule>()
    for (const way of [connection.forth, connection.back])
      for (const rule of this.#network.link(way.link.from, way.link.to).rules) if (rule.cuts) rules.add(rule)
    for (const rule of rules) rule.counters.connectionsBroken++
  }

  /** No end is open any more: forgets everything. */
  #dispose(connection: Connection): void {
    invariant(
      connection.diallerEnd !== 'open' && connection.listenerEnd !== 'open',
      'kernel: a connection is forgotten only when both its ends are closed',
    )
    const queue = this.#core.queue
    for (const timer of [connection.dialTimer, connection.breakTimer, connection.resetTimer]) queue.cancel(timer)
    for (const way of [connection.forth, connection.back]) {
      queue.cancel(way.retry)
      way.waiting = []
      this.#directions[way.id] = undefined
    }
    this.#all.delete(connection)
  }

  #later(delay: Micros, connection: Connection, kind: number): Timer {
    const core = this.#core
    return core.post(
      core.now + delay,
      core.process(KERNEL_PROCESS),
      (kind << 3) | TIMER,
      connection.forth.id,
      connection,
    )
  }

  #table(process: Process): ConnectionTable {
    let table = this.#tables[process.id]
    if (table === undefined) {
      table = new ConnectionTable()
      this.#tables[process.id] = table
    }
    return table
  }
}
