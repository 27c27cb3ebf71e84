/**
 * The pod network's end on one node: it hands connections and datagrams that arrive for a pod's address to the runtime, and
 * carries answers and resets back. One process a node; it dies with the node. Models what a request sees of Linux TCP:
 * refused where nothing listens, reset where the process dies, silence where the address is nobody's.
 */
import type { Machine, Message, Micros, Out, ProcessId } from '../kernel/index.ts'
import type { ContainerRuntime } from '../kubelet/index.ts'

/** A request on a new connection (`opens`), on one that is open, or a UDP datagram. */
export interface RequestPacket extends Message {
  readonly type: 'request'
  /** Unique per client process. */
  readonly id: number
  /** The connection, unique per client process. */
  readonly connection: number
  readonly podIp: string
  readonly port: number
  readonly opens: boolean
  readonly keepAlive: boolean
}

export interface AnswerPacket extends Message {
  readonly type: 'answer'
  readonly id: number
  readonly connection: number
  readonly outcome: 'ok' | 'refused' | 'reset'
  /** The server will not take another request on this connection. */
  readonly closes: boolean
}

/** The server has closed an idle connection. */
export interface ClosePacket extends Message {
  readonly type: 'close'
  readonly connection: number
}

interface Served {
  readonly client: ProcessId
  readonly packet: RequestPacket
}

interface Connection {
  readonly client: ProcessId
  readonly id: number
  readonly podIp: string
  readonly port: number
}

const SERVED = 1
const SWEEP = 2
/** The program closes its sockets so long after the signal. */
const SWEEP_MICROS: Micros = 1_000

export class Wire implements Machine {
  readonly #runtime: () => ContainerRuntime
  readonly #inFlight = new Map<number, Served>()
  /** Idle and busy keep-alive connections by `client:connection`. */
  readonly #connections = new Map<string, Connection>()
  #next = 1

  /** `runtime` gives the machine that runs on this node now; it changes when the node restarts. */
  constructor(runtime: () => ContainerRuntime) {
    this.#runtime = runtime
  }

  onStart(): void {}

  onMessage(from: ProcessId, message: Message, out: Out): void {
    if (message.type !== 'request') return
    const packet = message as RequestPacket
    const runtime = this.#runtime()
    const key = `${from}:${packet.connection}`
    if (packet.opens) {
      const verdict = runtime.accept(packet.podIp, packet.port)
      if (verdict === 'no-host') return
      if (verdict === 'refused') {
        this.#answer(from, packet, 'refused', true, out)
        return
      }
      if (packet.keepAlive)
        this.#connections.set(key, { client: from, id: packet.connection, podIp: packet.podIp, port: packet.port })
    } else if (!this.#connections.has(key)) {
      this.#answer(from, packet, 'reset', true, out)
      return
    }
    const id = this.#next++
    this.#inFlight.set(id, { client: from, packet })
    runtime.beginRequest(packet.podIp, packet.port, id)
    out.after(runtime.requestMicros(packet.podIp, packet.port), this, SERVED, id)
  }

  onDisconnect(peer: ProcessId): void {
    for (const [key, connection] of this.#connections) if (connection.client === peer) this.#connections.delete(key)
  }

  onTimer(kind: number, id: number, out: Out): void {
    if (kind === SWEEP) {
      this.#sweep(out)
      return
    }
    const served = this.#inFlight.get(id)
    if (served === undefined) return
    this.#inFlight.delete(id)
    const { packet, client } = served
    const runtime = this.#runtime()
    const closes = !packet.keepAlive || runtime.accept(packet.podIp, packet.port) !== 'accepted'
    this.#answer(client, packet, 'ok', closes, out)
    if (closes) this.#connections.delete(`${client}:${packet.connection}`)
    runtime.endRequest(id)
  }

  /** The process behind the address has died: what it had in hand is reset. */
  onReset(requests: readonly number[], out: Out): void {
    for (const id of requests) {
      const served = this.#inFlight.get(id)
      if (served === undefined) continue
      this.#inFlight.delete(id)
      this.#connections.delete(`${served.client}:${served.packet.connection}`)
      this.#answer(served.client, served.packet, 'reset', true, out)
    }
  }

  /** Something on the node stops serving: idle connections to closed listeners are closed in order. */
  onStopping(out: Out): void {
    if (this.#connections.size > 0) out.after(SWEEP_MICROS, this, SWEEP)
  }

  #sweep(out: Out): void {
    const busy = new Set<string>()
    for (const { client, packet } of this.#inFlight.values()) busy.add(`${client}:${packet.connection}`)
    const runtime = this.#runtime()
    for (const [key, connection] of this.#connections) {
      if (busy.has(key) || runtime.accept(connection.podIp, connection.port) === 'accepted') continue
      this.#connections.delete(key)
      out.stream(connection.client, { type: 'close', connection: connection.id } satisfies ClosePacket as ClosePacket)
    }
  }

  #answer(client: ProcessId, packet: RequestPacket, outcome: AnswerPacket['outcome'], closes: boolean, out: Out): void {
    const answer: AnswerPacket = { type: 'answer', id: packet.id, connection: packet.connection, outcome, closes }
    out.stream(client, answer)
  }
}
