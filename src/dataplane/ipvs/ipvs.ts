/**
 * The kernel's IPVS of one node: virtual servers, their connections and persistence templates, and the dummy interface
 * kube-ipvs0 that holds service addresses. Looking a service up costs one hash, however many there are.
 * Models Linux net/netfilter/ipvs (ip_vs_core, ip_vs_conn, ip_vs_ctl); facts in fixtures/observed/ipvs.json. Not here:
 * synchronisation between directors, other forwarding methods than masquerade, load estimation.
 */
import { invariant } from '../../kernel/invariant.ts'
import type { Micros } from '../../kernel/time.ts'
import { MINUTE, SECOND } from '../../kernel/time.ts'
import { destinationKey, FlowTable } from '../flow-table.ts'
import type { Address, Flow, TransportProtocol } from '../packet.ts'
import { formatAddress, protocolName, TCP, UDP } from '../packet.ts'
import { ExpiryQueue } from './expiry.ts'
import { emptyState, schedule, serversChanged } from './scheduler.ts'
import type { RealServer, VirtualServer, VirtualServerSpec } from './server.ts'
import { serverKey } from './server.ts'

/** The switches under net.ipv4.vs that matter here. */
export interface IpvsSysctls {
  /** 1: a new connection on a known tuple whose old one is over is scheduled afresh. 0: it keeps its server. */
  readonly connReuseMode: 0 | 1
  /** A packet of a connection whose server was removed ends it (TCP: reset, UDP: scheduled anew) instead of being dropped silently. */
  readonly expireNodestConn: boolean
  /** A template whose server has weight 0 is dropped at the next connection. */
  readonly expireQuiescentTemplate: boolean
}

/** The kernel's own defaults. */
export const IPVS_SYSCTLS: IpvsSysctls = { connReuseMode: 1, expireNodestConn: false, expireQuiescentTemplate: false }

export type IpvsState = 'SYN_RECV' | 'ESTABLISHED' | 'TIME_WAIT' | 'CLOSE' | 'UDP'

/** How long a connection is remembered in each state (ipvsadm: Timeout (tcp tcpfin udp): 900 120 300). */
const LIFETIME: Readonly<Record<IpvsState, Micros>> = {
  SYN_RECV: 60 * SECOND,
  ESTABLISHED: 15 * MINUTE,
  TIME_WAIT: 120 * SECOND,
  CLOSE: 10 * SECOND,
  UDP: 5 * MINUTE,
}
/** A template whose time is up while it still controls connections is put off by so much. */
const TEMPLATE_EXTENSION: Micros = 60 * SECOND

export interface IpvsConnection {
  readonly kind: 'connection'
  readonly flow: Flow
  readonly server: RealServer
  readonly template: IpvsTemplate | null
  state: IpvsState
  expiresAt: Micros
  /** When the expiry queue looks at it next; entries of other times are stale. */
  queuedAt: Micros
  ended: boolean
}

/** Client affinity: one a source and virtual server. */
export interface IpvsTemplate {
  readonly kind: 'template'
  readonly virtual: VirtualServer
  readonly client: Address
  readonly server: RealServer
  connections: number
  expiresAt: Micros
  queuedAt: Micros
  ended: boolean
}

/** What IPVS does with a packet. `pass`: no virtual server there. `silent`: dropped. `reset`: dropped, and TCP gets a reset. */
export type IpvsResult =
  | { readonly verdict: 'forward'; readonly server: RealServer }
  | { readonly verdict: 'refuse' | 'pass' | 'silent' | 'reset' }

const REFUSE = { verdict: 'refuse' } as const
const PASS = { verdict: 'pass' } as const
const SILENT = { verdict: 'silent' } as const
const RESET = { verdict: 'reset' } as const

export class Ipvs {
  sysctls: IpvsSysctls = IPVS_SYSCTLS
  /** Addresses on kube-ipvs0. */
  readonly boundAddresses = new Set<Address>()
  readonly #virtuals = new Map<number, VirtualServer>()
  readonly #connections = new FlowTable<IpvsConnection>()
  readonly #templates = new Map<VirtualServer, Map<Address, IpvsTemplate>>()
  readonly #queue = new ExpiryQueue<IpvsConnection | IpvsTemplate>()

  get connectionCount(): number {
    return this.#connections.size
  }

  virtualServers(): Iterable<VirtualServer> {
    return this.#virtuals.values()
  }

  find(protocol: TransportProtocol, address: Address, port: number): VirtualServer | undefined {
    return this.#virtuals.get(destinationKey(protocol, address, port))
  }

  /** Adds a virtual server, or changes the scheduler and persistence of a known one. */
  ensureVirtualServer(spec: VirtualServerSpec): VirtualServer {
    const key = destinationKey(spec.protocol, spec.address, spec.port)
    const known = this.#virtuals.get(key)
    if (known !== undefined) {
      const rescheduled = known.spec.scheduler !== spec.scheduler
      known.spec = spec
      if (rescheduled) {
        Object.assign(known.state, emptyState())
        serversChanged(known)
      }
      return known
    }
    const virtual = { spec, servers: [], state: emptyState(), trash: new Map() }
    this.#virtuals.set(key, virtual)
    return virtual
  }

  /** Removes a virtual server with its real servers. Open connections lose their server. */
  removeVirtualServer(virtual: VirtualServer): void {
    for (const server of [...virtual.servers]) this.removeServer(virtual, server)
    const { protocol, address, port } = virtual.spec
    this.#virtuals.delete(destinationKey(protocol, address, port))
    this.#templates.delete(virtual)
  }

  /** Puts a real server at the front of the list. One that was removed with open connections comes back with them. */
  addServer(virtual: VirtualServer, address: Address, port: number, weight = 1): RealServer {
    invariant(serverOf(virtual, address, port) === undefined, 'ipvs: a real server is listed once', { address, port })
    const key = serverKey(address, port)
    const server = virtual.trash.get(key) ?? { address, port, weight, active: 0, inactive: 0, available: true }
    virtual.trash.delete(key)
    server.weight = weight
    server.available = true
    virtual.servers.unshift(server)
    serversChanged(virtual)
    return server
  }

  setWeight(virtual: VirtualServer, server: RealServer, weight: number): void {
    invariant(weight >= 0, 'ipvs: a weight is not negative', weight)
    server.weight = weight
    serversChanged(virtual)
  }

  removeServer(virtual: VirtualServer, server: RealServer): void {
    const index = virtual.servers.indexOf(server)
    invariant(index >= 0, 'ipvs: only a listed real server is removed', formatAddress(server.address))
    virtual.servers.splice(index, 1)
    server.available = false
    if (server.active + server.inactive > 0) virtual.trash.set(serverKey(server.address, server.port), server)
    serversChanged(virtual, server, index)
  }

  /** The first packet of a connection, or any datagram: finds its connection or schedules a new one. */
  connect(flow: Flow, now: Micros): IpvsResult {
    this.expire(now)
    const known = this.#connections.get(flow)
    if (known !== undefined && !this.#reschedules(known)) return this.#forward(known, now)
    if (known !== undefined) this.#end(known)
    const virtual = this.find(flow.protocol, flow.destination, flow.destinationPort)
    if (virtual === undefined) return PASS
    const template = virtual.spec.persistenceMicros > 0 ? this.#template(virtual, flow, now) : null
    const server = template === null ? schedule(virtual, flow) : template?.server
    if (server === undefined) return REFUSE
    invariant(server.available, 'ipvs: a new connection goes to a listed real server')
    const state = flow.protocol === TCP ? 'SYN_RECV' : 'UDP'
    const expiresAt = now + LIFETIME[state]
    const connection: IpvsConnection = {
      kind: 'connection',
      flow,
      server,
      template: template ?? null,
      state,
      expiresAt,
      queuedAt: expiresAt,
      ended: false,
    }
    if (flow.protocol === TCP) server.active++
    else server.inactive++
    if (template != null) template.connections++
    this.#connections.set(flow, connection)
    this.#queue.push(expiresAt, connection)
    return { verdict: 'forward', server }
  }

  /** A further packet of an open connection. `replied`: the server has answered, so TCP is established. */
  packet(flow: Flow, replied: boolean, now: Micros): IpvsResult {
    if (flow.protocol === UDP) return this.connect(flow, now)
    this.expire(now)
    const connection = this.#connections.get(flow)
    if (connection === undefined) return PASS
    const result = this.#forward(connection, now)
    if (result.verdict === 'forward' && replied && connection.state === 'SYN_RECV') {
      this.#setState(connection, 'ESTABLISHED', now)
    }
    return result
  }

  /** The connection was closed by both sides, or reset. */
  close(flow: Flow, reset: boolean, now: Micros): void {
    this.expire(now)
    const connection = this.#connections.get(flow)
    if (connection === undefined || flow.protocol === UDP) return
    this.#setState(connection, reset ? 'CLOSE' : 'TIME_WAIT', now)
  }

  lookup(flow: Flow, now: Micros): IpvsConnection | undefined {
    this.expire(now)
    return this.#connections.get(flow)
  }

  connections(): Iterable<IpvsConnection> {
    return this.#connections.values()
  }

  /** Ends what was not used for its lifetime. Called by every entrance; cheap when nothing ends. */
  expire(now: Micros): void {
    for (let at = this.#queue.nextAt(); at !== undefined && at <= now; at = this.#queue.nextAt()) {
      const item = this.#queue.pop() as IpvsConnection | IpvsTemplate
      if (item.ended || item.queuedAt !== at) continue
      if (item.expiresAt > at) this.#enqueue(item, item.expiresAt)
      else if (item.kind === 'connection') this.#end(item)
      else if (item.connections > 0) this.#enqueue(item, at + TEMPLATE_EXTENSION)
      else this.#endTemplate(item)
    }
  }

  /** As `ipvsadm -Ln` prints it. */
  render(): string {
    const lines: string[] = []
    for (const { spec, servers } of this.#virtuals.values()) {
      const persistent = spec.persistenceMicros > 0 ? ` persistent ${spec.persistenceMicros / SECOND}` : ''
      lines.push(
        `${protocolName(spec.protocol).toUpperCase()}  ${formatAddress(spec.address)}:${spec.port} ${spec.scheduler}${persistent}`,
      )
      for (const { address, port, weight, active, inactive } of [...servers].reverse()) {
        const name = `${formatAddress(address)}:${port}`.padEnd(28)
        lines.push(`  -> ${name} Masq    ${String(weight).padEnd(6)} ${String(active).padEnd(10)} ${inactive}`)
      }
    }
    return lines.join('\n')
  }

  #reschedules(known: IpvsConnection): boolean {
    const { server, state } = known
    if (!server.available) return this.sysctls.expireNodestConn
    if (state === 'UDP' || this.sysctls.connReuseMode === 0) return false
    return state === 'TIME_WAIT' || state === 'CLOSE' || (this.sysctls.expireNodestConn && server.weight === 0)
  }

  #forward(connection: IpvsConnection, now: Micros): IpvsResult {
    if (!connection.server.available) {
      if (!this.sysctls.expireNodestConn) return SILENT
      this.#end(connection)
      return RESET
    }
    if (connection.state === 'TIME_WAIT' || connection.state === 'CLOSE') this.#setState(connection, 'SYN_RECV', now)
    connection.expiresAt = now + LIFETIME[connection.state]
    return { verdict: 'forward', server: connection.server }
  }

  #setState(connection: IpvsConnection, state: IpvsState, now: Micros): void {
    const before = isActive(connection.state)
    const after = isActive(state)
    connection.state = state
    connection.expiresAt = now + LIFETIME[state]
    if (before && !after) {
      connection.server.active--
      connection.server.inactive++
    } else if (!before && after) {
      connection.server.active++
      connection.server.inactive--
    }
    if (connection.expiresAt < connection.queuedAt) this.#enqueue(connection, connection.expiresAt)
  }

  #template(virtual: VirtualServer, flow: Flow, now: Micros): IpvsTemplate | undefined {
    let templates = this.#templates.get(virtual)
    if (templates === undefined) {
      templates = new Map()
      this.#templates.set(virtual, templates)
    }
    const known = templates.get(flow.source)
    const expiresAt = now + virtual.spec.persistenceMicros
    if (known !== undefined) {
      const quiescent = known.server.weight === 0 && this.sysctls.expireQuiescentTemplate
      if (known.server.available && !quiescent) {
        known.expiresAt = expiresAt
        return known
      }
      this.#endTemplate(known)
    }
    const server = schedule(virtual, flow)
    if (server === undefined) return undefined
    const template: IpvsTemplate = {
      kind: 'template',
      virtual,
      client: flow.source,
      server,
      connections: 0,
      expiresAt,
      queuedAt: expiresAt,
      ended: false,
    }
    templates.set(flow.source, template)
    this.#queue.push(expiresAt, template)
    return template
  }

  #enqueue(item: IpvsConnection | IpvsTemplate, at: Micros): void {
    item.queuedAt = at
    if (item.kind === 'template' && item.expiresAt < at) item.expiresAt = at
    this.#queue.push(at, item)
  }

  #end(connection: IpvsConnection): void {
    invariant(!connection.ended, 'ipvs: a connection ends once')
    connection.ended = true
    if (isActive(connection.state)) connection.server.active--
    else connection.server.inactive--
    invariant(connection.server.active >= 0 && connection.server.inactive >= 0, 'ipvs: counters are never negative')
    if (connection.template !== null) connection.template.connections--
    this.#connections.delete(connection.flow)
  }

  #endTemplate(template: IpvsTemplate): void {
    template.ended = true
    const templates = this.#templates.get(template.virtual)
    if (templates?.get(template.client) === template) templates.delete(template.client)
  }
}

function isActive(state: IpvsState): boolean {
  return state === 'SYN_RECV' || state === 'ESTABLISHED'
}

/** The listed real server of that address and port, or undefined. */
export function serverOf(virtual: VirtualServer, address: Address, port: number): RealServer | undefined {
  return virtual.servers.find((server) => server.address === address && server.port === port)
}
