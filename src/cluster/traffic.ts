/**
 * A client that keeps asking a service for something and records what it gets: answered, refused, reset, timed out, sent to
 * the wrong pod, or not resolved. It resolves the service's name, lets its node's data plane choose the backend, and talks to
 * the pod's node. With keep-alive it holds one connection until the server closes it.
 */
import { type Flow, formatAddress, parseAddress } from '../dataplane/index.ts'
import type { Machine, Message, Micros, Out, ProcessId, Rand, Timer } from '../kernel/index.ts'
import { SECOND } from '../kernel/index.ts'
import type { NodeNetwork } from '../proxy/index.ts'
import type { DnsAnswer, DnsQuery } from './dns.ts'
import type { AnswerPacket, ClosePacket, RequestPacket } from './wire.ts'
import type { RequestOutcome, TrafficClient } from './workload.ts'

/** A client keeps a resolved name as long as its record says (CoreDNS plugin/kubernetes: ttl 5), and then asks before it connects anywhere. */
export const NAME_CACHE_MICROS: Micros = 5 * SECOND
const FIRST_EPHEMERAL_PORT = 32_768
const EPHEMERAL_PORTS = 28_232

/** One request is over. */
export interface RequestFinished {
  readonly type: 'request-finished'
  readonly client: string
  readonly namespace: string
  readonly service: string
  readonly outcome: RequestOutcome
  /** `podIp:port`, or "" if no backend was chosen. */
  readonly backend: string
  readonly startedAt: Micros
  readonly opened: boolean
  /** iptables mode: its SYN was to the node one more of a connection that nobody had answered, so it went where that had gone. */
  readonly repeatsSyn: boolean
  /** Where the client asked from; for `outside` the node whose node port it used. */
  readonly from: TrafficClient['from']
  readonly node: string
}

/** A packet of an open connection did not get through the client's node: reset, or dropped. */
export interface ConnectionCut {
  readonly type: 'connection-cut'
  readonly client: string
  readonly namespace: string
  readonly service: string
  readonly from: TrafficClient['from']
  readonly node: string
  /** `podIp:port` */
  readonly backend: string
  readonly openedAt: Micros
  readonly how: 'reset' | 'dropped'
}

/** Where the client stands and how it reaches others; supplied by the cluster. */
export interface TrafficWorld {
  readonly dns: readonly ProcessId[]
  /** The data plane that the client's packets enter, or undefined while its node is down. */
  network(): NodeNetwork | undefined
  /** The wire process of the node that owns a pod address, or undefined if no node does. */
  wireOf(podIp: string): ProcessId | undefined
  /** The client's own address. */
  readonly source: string
  /** For clients outside: the address of the node whose node port they use. */
  readonly nodeAddress: string
  /** The service's port that a packet is sent to: the port itself, or the node port for clients outside. */
  nodePort(): number | undefined
  /** For a headless service: the port that its pods listen on. A client learns it from SRV records or its settings. */
  headlessPort(): number | undefined
  /** Whether a pod of this address belongs to the service by its labels, ready or not. */
  serves(podIp: string): boolean
}

interface Pending {
  readonly connection: number
  readonly startedAt: Micros
  readonly backend: string
  readonly flow: Flow
  readonly opened: boolean
  readonly repeatsSyn: boolean
  timer: Timer
}

interface Held {
  readonly id: number
  readonly podIp: string
  readonly port: number
  readonly flow: Flow
  readonly openedAt: Micros
  /** Its packets are translated by the node, which has to remember it. */
  readonly translated: boolean
  readonly repeatsSyn: boolean
  busy: boolean
}

const TICK = 1
const TIMEOUT = 2

export class TrafficSource implements Machine {
  readonly #spec: TrafficClient
  readonly #world: TrafficWorld
  readonly #draws: Rand
  readonly #mode: 'iptables' | 'ipvs'
  readonly #pending = new Map<number, Pending>()
  #held: Held | undefined
  #addresses: readonly string[] = []
  #resolvedAt = -1
  #asked = -1
  /** Requests that wait for the name to be resolved, with the time at which they began to. */
  readonly #unresolved = new Map<number, Micros>()
  #stopped = false

  constructor(options: {
    readonly spec: TrafficClient
    readonly world: TrafficWorld
    readonly draws: Rand
    readonly mode: 'iptables' | 'ipvs'
  }) {
    this.#spec = options.spec
    this.#world = options.world
    this.#draws = options.draws
    this.#mode = options.mode
  }

  /** No further requests. */
  stop(): void {
    this.#stopped = true
  }

  onStart(out: Out): void {
    out.after(Math.max(0, this.#spec.startMicros - out.now), this, TICK, 0)
  }

  onMessage(_from: ProcessId, message: Message, out: Out): void {
    switch (message.type) {
      case 'answer':
        this.#onAnswer(message as AnswerPacket, out)
        return
      case 'close':
        if (this.#held?.id === (message as ClosePacket).connection) this.#dropHeld(out)
        return
      case 'dns-answer':
        this.#addresses = (message as DnsAnswer).addresses
        this.#resolvedAt = out.now
        for (const id of this.#unresolved.keys()) this.#connect(id, out)
        this.#unresolved.clear()
        return
    }
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    const held = this.#held
    if (held !== undefined && this.#world.wireOf(held.podIp) === peer) this.#dropHeld(out)
    for (const [id, pending] of this.#pending) {
      const podIp = pending.backend.slice(0, pending.backend.indexOf(':'))
      if (this.#world.wireOf(podIp) === peer) this.#finish(id, pending, 'reset', out)
    }
  }

  onTimer(kind: number, a: number, out: Out): void {
    if (kind === TIMEOUT) {
      const pending = this.#pending.get(a)
      if (pending === undefined) return
      if (this.#held?.id === pending.connection) this.#dropHeld(out)
      this.#finish(a, pending, 'timed-out', out)
      return
    }
    if (this.#stopped) return
    out.after(this.#spec.everyMicros, this, TICK, a + 1)
    this.#request(a, out)
  }

  #request(id: number, out: Out): void {
    const held = this.#held
    if (held !== undefined && !held.busy) {
      held.busy = true
      this.#goOn(id, held, out)
      return
    }
    if (this.#spec.from === 'outside' || this.#isResolved(out.now)) {
      this.#connect(id, out)
      return
    }
    for (const [waiting, since] of this.#unresolved) {
      if (out.now - since < this.#spec.timeoutMicros) break
      this.#unresolved.delete(waiting)
      this.#report(out, 'unresolved', '', since, true)
    }
    this.#unresolved.set(id, out.now)
    this.#ask(id, out)
  }

  /** A further packet of an open connection goes through the node again. */
  #goOn(id: number, held: Held, out: Out): void {
    const network = this.#world.network()
    const passage = held.translated ? network?.established(held.flow, this.#mode, out.now) : undefined
    if (!held.translated || passage?.verdict === 'dnat') {
      this.#send(id, held, false, out)
      return
    }
    if (network !== undefined) this.#noteCut(held, passage?.verdict === 'drop' ? 'dropped' : 'reset', out)
    if (network === undefined || passage?.verdict === 'drop') {
      this.#await(id, held, false, out)
      return
    }
    this.#dropHeld(out)
    this.#report(out, 'reset', `${held.podIp}:${held.port}`, out.now, false)
  }

  #noteCut({ podIp, port, openedAt }: Held, how: ConnectionCut['how'], out: Out): void {
    const { id: client, namespace, service, from, node } = this.#spec
    const backend = `${podIp}:${port}`
    const fact: ConnectionCut = {
      type: 'connection-cut',
      client,
      namespace,
      service,
      from,
      node,
      backend,
      openedAt,
      how,
    }
    out.note(fact)
  }

  #isResolved(now: Micros): boolean {
    return this.#resolvedAt >= 0 && now - this.#resolvedAt < NAME_CACHE_MICROS
  }

  #ask(id: number, out: Out): void {
    if (this.#asked >= 0 && out.now - this.#asked < SECOND) return
    this.#asked = out.now
    const server = this.#world.dns[id % Math.max(1, this.#world.dns.length)]
    const name = `${this.#spec.service}.${this.#spec.namespace}.svc.cluster.local`
    if (server !== undefined) out.send(server, { type: 'dns-query', id, name } satisfies DnsQuery as DnsQuery)
  }

  #connect(id: number, out: Out): void {
    const target = this.#target(out)
    if (target === undefined) {
      this.#report(out, 'unresolved', '', out.now, true)
      return
    }
    const network = this.#world.network()
    if (network === undefined) return
    const flow: Flow = {
      protocol: this.#spec.protocol,
      source: parseAddress(this.#world.source),
      sourcePort: this.#sourcePort(id),
      destination: parseAddress(target.address),
      destinationPort: target.port,
    }
    const result = network.connect(flow, this.#mode, out.now, this.#draws)
    if (result.verdict === 'reject' || result.verdict === 'reset') {
      this.#report(out, result.verdict === 'reset' ? 'reset' : 'refused', '', out.now, true)
      return
    }
    const address = result.backend === undefined ? flow.destination : result.backend.address
    const port = result.backend === undefined ? flow.destinationPort : result.backend.port
    const podIp = formatAddress(address)
    const translated = result.verdict === 'dnat' && this.#spec.protocol === 'TCP'
    const repeatsSyn = translated && this.#mode === 'iptables' && result.rulesVisited === 0
    const connection: Held = { id, podIp, port, flow, openedAt: out.now, translated, repeatsSyn, busy: true }
    if (result.verdict === 'drop' || this.#world.wireOf(podIp) === undefined) {
      this.#await(id, connection, true, out)
      return
    }
    if (!this.#world.serves(podIp)) {
      this.#report(out, 'misrouted', `${podIp}:${port}`, out.now, true, repeatsSyn)
      return
    }
    if (this.#spec.keepAlive) this.#held = connection
    this.#send(id, connection, true, out)
  }

  /** In turn, as the kernel hands them out; one that is in use is passed over. */
  #sourcePort(id: number): number {
    if (this.#spec.protocol === 'UDP') return FIRST_EPHEMERAL_PORT
    const { sourcePorts = EPHEMERAL_PORTS } = this.#spec
    const used = new Set<number>()
    for (const { flow } of this.#pending.values()) used.add(flow.sourcePort)
    let port = id % sourcePorts
    for (let tries = 0; tries < sourcePorts && used.has(FIRST_EPHEMERAL_PORT + port); tries++)
      port = (port + 1) % sourcePorts
    return FIRST_EPHEMERAL_PORT + port
  }

  /** Where to send: the service's address and port by name, or the node's own address and node port from outside. */
  #target(out: Out): { address: string; port: number } | undefined {
    if (this.#spec.from === 'outside') {
      const port = this.#world.nodePort()
      return port === undefined ? undefined : { address: this.#world.nodeAddress, port }
    }
    if (this.#addresses.length === 0) return undefined
    const address = this.#draws.pickAt(this.#addresses, out.now, 1)
    return { address, port: this.#world.headlessPort() ?? this.#spec.port }
  }

  #send(id: number, connection: Held, opens: boolean, out: Out): void {
    const wire = this.#world.wireOf(connection.podIp)
    this.#await(id, connection, opens, out)
    if (wire === undefined) return
    const packet: RequestPacket = {
      type: 'request',
      id,
      connection: connection.id,
      podIp: connection.podIp,
      port: connection.port,
      opens,
      keepAlive: this.#spec.keepAlive,
    }
    out.stream(wire, packet)
  }

  #await(id: number, connection: Held, opened: boolean, out: Out): void {
    this.#pending.set(id, {
      connection: connection.id,
      startedAt: out.now,
      backend: `${connection.podIp}:${connection.port}`,
      flow: connection.flow,
      opened,
      repeatsSyn: opened && connection.repeatsSyn,
      timer: out.after(this.#spec.timeoutMicros, this, TIMEOUT, id),
    })
  }

  #onAnswer(answer: AnswerPacket, out: Out): void {
    const pending = this.#pending.get(answer.id)
    if (pending === undefined) return
    const held = this.#held
    if (held !== undefined && held.id === answer.connection) {
      held.busy = false
      if (answer.closes) this.#dropHeld(out)
    }
    this.#finish(answer.id, pending, answer.outcome, out)
  }

  #dropHeld(out: Out): void {
    if (this.#held !== undefined) this.#world.network()?.close(this.#held.flow, this.#mode, out.now)
    this.#held = undefined
  }

  #finish(id: number, pending: Pending, outcome: RequestOutcome, out: Out): void {
    out.cancel(pending.timer)
    this.#pending.delete(id)
    if (!this.#spec.keepAlive) this.#world.network()?.close(pending.flow, this.#mode, out.now)
    this.#report(out, outcome, pending.backend, pending.startedAt, pending.opened, pending.repeatsSyn)
  }

  #report(
    out: Out,
    outcome: RequestOutcome,
    backend: string,
    startedAt: Micros,
    opened: boolean,
    repeatsSyn = false,
  ): void {
    const { id, namespace, service, from, node } = this.#spec
    const fact: RequestFinished = {
      type: 'request-finished',
      client: id,
      namespace,
      service,
      outcome,
      backend,
      startedAt,
      opened,
      repeatsSyn,
      from,
      node,
    }
    out.note(fact)
  }
}
