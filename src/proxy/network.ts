/**
 * The kernel's network state of one node: tables, connection tracking and affinity lists of iptables mode; virtual servers,
 * sets and connections of IPVS mode. Both modes are installed side by side, each in a world of its own, so that every packet
 * can be asked of both. It outlives kube-proxy and is lost with the node. Tables and virtual servers are built when the
 * first packet asks for them, so a node that nobody sends through costs a map of plans.
 */

import {
  type Address,
  type Backend,
  type Chooser,
  Conntrack,
  type ConntrackEntry,
  contains,
  type Director,
  type Draws,
  type Flow,
  formatAddress,
  type Ipvs,
  type IpvsResult,
  type Origin,
  RecentLists,
  renderTables,
  type Tables,
  UDP,
  type Verdict,
  Walk,
  type WalkHost,
  walkIptables,
  walkIpvs,
} from '../dataplane/index.ts'
import { invariant, type Micros } from '../kernel/index.ts'
import type { NodeRules } from './alike.ts'
import { PROXY_DECISIONS, type ProxyDecisions } from './decisions.ts'
import { syncIptables } from './iptables.ts'
import { serviceRules } from './iptables-service.ts'
import { type ServiceIpvs, serviceIpvs } from './ipvs.ts'
import { ipvsTables } from './ipvs-base.ts'
import { type Draining, IpvsState } from './ipvs-state.ts'
import { completeNodeNetworkOptions, type NodeNetworkOptions, type NodeNetworkSetup } from './network-options.ts'
import { Inquiry, type Outcome } from './outcome.ts'
import type { ServicePlan } from './plan.ts'

export type ProxyMode = 'iptables' | 'ipvs'

/** What became of a packet. `reset`: the node answered for a connection that it no longer knows. */
export interface ConnectResult {
  readonly verdict: Verdict | 'reset'
  /** Where the packet goes; undefined if it goes nowhere. */
  readonly backend: Backend | undefined
  /** The backend sees the node's address as the source. */
  readonly masqueraded: boolean
  /** Rules looked at on the way; 0 for a packet of a known connection. */
  readonly rulesVisited: number
}

/** Services that a restore is about: what they are now, or undefined when they are gone. */
export type PlanChanges = ReadonlyMap<string, ServicePlan | undefined>

const DROPPED: ConnectResult = { verdict: 'drop', backend: undefined, masqueraded: false, rulesVisited: 0 }
const RESET: ConnectResult = { verdict: 'reset', backend: undefined, masqueraded: false, rulesVisited: 0 }
const NONE: readonly Draining[] = []

export class NodeNetwork {
  readonly options: NodeNetworkOptions
  readonly conntrack: Conntrack
  readonly #recent = new RecentLists()
  readonly #plans = new Map<string, ServicePlan>()
  readonly #iptablesHost: WalkHost
  /** The same host, but it remembers no client. */
  readonly #forgetfulHost: WalkHost
  readonly #walk: Walk
  /** Made when the first question comes. */
  #iptablesInquiry: Inquiry | undefined
  #ipvsInquiry: Inquiry | undefined
  readonly #live: LiveChooser
  #tables: Tables | undefined
  #rules: NodeRules | undefined
  #ipvs: IpvsWorld | undefined
  #decisions: ProxyDecisions = PROXY_DECISIONS
  #failures = 0
  #failed = 0

  constructor(setup: NodeNetworkSetup) {
    this.options = completeNodeNetworkOptions(setup)
    this.conntrack = new Conntrack(this.options.conntrackTimeouts)
    const { nodeAddress } = this.options
    const isLocal = (address: Address): boolean => address === nodeAddress || address >>> 24 === 127
    this.#iptablesHost = { isLocal, recent: this.#recent, sets: new Map() }
    this.#forgetfulHost = { isLocal, recent: new RecentLists(), sets: new Map() }
    this.#live = new LiveChooser()
    this.#walk = new Walk(this.#iptablesHost, this.#live)
  }

  /** Services installed. */
  get serviceCount(): number {
    return this.#plans.size
  }

  /** iptables rules that services add. Makes those that nobody has asked for yet. */
  get ruleCount(): number {
    let count = 0
    for (const plan of this.#plans.values()) count += serviceRules(plan, this.options, this.#decisions).ruleCount
    return count
  }

  /** What is installed for each service, by key. */
  get plans(): ReadonlyMap<string, ServicePlan> {
    return this.#plans
  }

  /** Restores that have failed so far. */
  get failedRestores(): number {
    return this.#failed
  }

  /** The next `count` restores fail (0: none). A fault's hook: the lock is taken, a chain is missing. */
  failRestores(count: number): void {
    invariant(count >= 0, 'proxy: restores fail a number of times', count)
    this.#failures = count
  }

  /**
   * Installs `changes` in both modes, or fails and leaves everything as it was (undefined). Returns the real servers that
   * drain. `full`: what is not among the changes goes.
   */
  restore(
    changes: PlanChanges,
    full: boolean,
    decisions: ProxyDecisions,
    now: Micros,
  ): readonly Draining[] | undefined {
    if (this.#failures > 0) {
      this.#failures--
      this.#failed++
      return undefined
    }
    this.#decisions = decisions
    const all = full ? this.#withRemovals(changes) : changes
    for (const [key, plan] of all) {
      if (plan === undefined) this.#plans.delete(key)
      else this.#plans.set(key, plan)
    }
    this.#tables = undefined
    if (this.#ipvs === undefined) {
      // Both modes are there from the first restore on, asked for or not: who only looks must not change what happens.
      this.#ipvsWorld()
      return NONE
    }
    this.#ipvs.state.ipvs.sysctls = decisions.ipvsSysctls()
    const draining = this.#ipvs.state.apply(this.#wanted(all), decisions, now)
    if (full) this.#ipvs.state.rebind()
    return draining
  }

  /** See IpvsState.finishDrain. */
  finishDrain(draining: Draining, now: Micros): 'removed' | 'busy' | 'returned' {
    return this.#ipvs === undefined ? 'returned' : this.#ipvs.state.finishDrain(draining, now)
  }

  /** The first packet of a flow, or any datagram: where does it go? */
  connect(flow: Flow, mode: ProxyMode, now: Micros, draws: Draws): ConnectResult {
    if (mode === 'ipvs') return this.#connectIpvs(flow, now)
    const known = this.conntrack.lookup(flow, now)
    if (known !== undefined) {
      if (known.state !== 'TIME_WAIT' && known.state !== 'CLOSE') {
        this.conntrack.refresh(known, false, now)
        return this.#asBefore(known)
      }
      this.conntrack.delete(flow)
    }
    const walk = this.#walk
    this.#live.begin(flow, now, draws)
    walk.begin(flow, this.originOf(flow.source), now, this.#live)
    const verdict = this.#routed(walkIptables(this.tables(), this.#iptablesHost, walk), walk)
    if (verdict === 'dnat' || this.#mayBeService(flow.destination)) {
      if (verdict !== 'reject' && !(verdict === 'drop' && !this.#isNowhere(walk.destination))) {
        this.conntrack.add(
          flow,
          { address: walk.destination, port: walk.destinationPort },
          walk.translated,
          walk.masqueraded,
          now,
        )
      }
    }
    return result(verdict, walk)
  }

  /**
   * A further packet of a flow in `mode`; `replied`: the other side has answered by now. Undefined: the node does not know
   * the flow (for a datagram: ask `connect`).
   */
  established(flow: Flow, mode: ProxyMode, now: Micros, replied = true): ConnectResult | undefined {
    if (mode === 'ipvs') {
      const ipvs = this.ipvs()
      if (ipvs.lookup(flow, now) === undefined) return undefined
      const outcome = ipvs.packet(flow, replied, now)
      if (outcome.verdict === 'silent') return DROPPED
      if (outcome.verdict !== 'forward') return RESET
      const { address, port } = outcome.server
      return { verdict: 'dnat', backend: { address, port }, masqueraded: false, rulesVisited: 0 }
    }
    const entry = this.conntrack.lookup(flow, now)
    if (entry === undefined) return undefined
    this.conntrack.refresh(entry, replied, now)
    return this.#asBefore(entry)
  }

  /** The flow is over: closed by both sides, or reset. */
  close(flow: Flow, mode: ProxyMode, now: Micros, reset = false): void {
    if (mode === 'iptables') this.conntrack.close(flow, reset, now)
    else this.#ipvs?.state.ipvs.close(flow, reset, now)
  }

  /**
   * Everything that could become of the first packet of a flow, from a node without memory of clients. With exact chances,
   * unless `shares` is false.
   */
  outcomes(flow: Flow, mode: ProxyMode, shares = true): Outcome {
    const origin = this.originOf(flow.source)
    if (mode === 'iptables') {
      const host = this.#forgetfulHost
      this.#iptablesInquiry ??= new Inquiry(host, (walk) => this.#routed(walkIptables(this.tables(), host, walk), walk))
      return this.#iptablesInquiry.ask(flow, origin, shares)
    }
    const host = this.#ipvsWorld()
    this.#ipvsInquiry ??= new Inquiry(host, (walk, director) =>
      this.#routed(walkIpvs(host.tables, host, walk, director), walk, host),
    )
    return this.#ipvsInquiry.ask(flow, origin, shares, host.state.ipvs)
  }

  /** Both modes' rules, always as they are now, for whoever asks what they can tell apart. */
  rules(): NodeRules {
    if (this.#rules !== undefined) return this.#rules
    const { tables: ipvsTables, sets, state } = this.#ipvsWorld()
    const tables = () => this.tables()
    this.#rules = {
      options: this.options,
      get iptables() {
        return tables()
      },
      ipvsTables,
      sets,
      ipvs: state.ipvs,
      isLocal: this.#iptablesHost.isLocal,
      isBound: (address) => state.ipvs.boundAddresses.has(address),
      originOf: (source) => this.originOf(source),
    }
    return this.#rules
  }

  /** Forgets UDP flows to a service address (0: any) whose backend `live` does not have. Returns how many. */
  cleanUdp(address: Address, port: number, live: ReadonlySet<string>): number {
    const stale = (backend: Backend): boolean => !live.has(`${formatAddress(backend.address)}:${backend.port}`)
    return this.conntrack.deleteTo(UDP, address, port, stale)
  }

  /** Where a source stands, seen from this node. */
  originOf(source: Address): Origin {
    if (source === this.options.nodeAddress || source >>> 24 === 127) return 'node'
    return contains(this.options.podCidr, source) ? 'pod' : 'outside'
  }

  /** The tables of iptables mode as they are now. */
  tables(): Tables {
    this.#tables ??= syncIptables(this.#plans.values(), this.options, this.#decisions)
    return this.#tables
  }

  /** The live IPVS. */
  ipvs(): Ipvs {
    return this.#ipvsWorld().state.ipvs
  }

  /** What `iptables-save` shows in iptables mode. */
  iptablesSave(): string {
    return renderTables(this.tables())
  }

  /** What `ipvsadm -Ln` shows in IPVS mode. */
  ipvsadm(): string {
    return this.ipvs().render()
  }

  #connectIpvs(flow: Flow, now: Micros): ConnectResult {
    const world = this.#ipvsWorld()
    const walk = world.walk
    walk.begin(flow, this.originOf(flow.source), now, this.#live)
    world.begin(flow, now)
    return result(this.#routed(walkIpvs(world.tables, world, walk, world), walk, world), walk)
  }

  /** Packets for an address of the service range that nobody has leave by the default route and are never answered. */
  #routed(verdict: Verdict, walk: Walk, host: WalkHost = this.#iptablesHost): Verdict {
    if (verdict !== 'direct' || host.isLocal(walk.destination)) return verdict
    return this.#isNowhere(walk.destination) ? 'drop' : 'direct'
  }

  #isNowhere(destination: Address): boolean {
    return contains(this.options.serviceCidr, destination)
  }

  #mayBeService(destination: Address): boolean {
    return this.#isNowhere(destination) || this.#iptablesHost.isLocal(destination)
  }

  #asBefore({ backend, translated, masqueraded }: ConntrackEntry): ConnectResult {
    if (!translated && this.#isNowhere(backend.address)) return DROPPED
    return { verdict: translated ? 'dnat' : 'direct', backend, masqueraded, rulesVisited: 0 }
  }

  #withRemovals(changes: PlanChanges): PlanChanges {
    const all = new Map(changes)
    for (const key of this.#plans.keys()) if (!all.has(key)) all.set(key, undefined)
    return all
  }

  #wanted(changes: PlanChanges): Map<string, ServiceIpvs | undefined> {
    const wanted = new Map<string, ServiceIpvs | undefined>()
    for (const [key, plan] of changes) {
      wanted.set(key, plan === undefined ? undefined : serviceIpvs(plan, this.options, this.#decisions))
    }
    return wanted
  }

  #ipvsWorld(): IpvsWorld {
    if (this.#ipvs === undefined) {
      this.#ipvs = new IpvsWorld(this.options, this.#live)
      this.#ipvs.state.ipvs.sysctls = this.#decisions.ipvsSysctls()
      this.#ipvs.state.apply(this.#wanted(this.#plans), this.#decisions, 0)
    }
    return this.#ipvs
  }
}

function result(verdict: Verdict, walk: Walk): ConnectResult {
  const goes = verdict === 'dnat' || verdict === 'direct'
  return {
    verdict,
    backend: goes ? { address: walk.destination, port: walk.destinationPort } : undefined,
    masqueraded: goes && walk.masqueraded,
    rulesVisited: walk.rulesVisited,
  }
}

/** Draws addressed by the moment, the flow and the place in the walk. */
class LiveChooser implements Chooser {
  #draws: Draws | undefined
  #now: Micros = 0
  #flow = 0

  begin(flow: Flow, now: Micros, draws: Draws): void {
    this.#draws = draws
    this.#now = now
    this.#flow = flow.source * 0x10000 + flow.sourcePort
  }

  statistic(threshold: number, index: number): boolean {
    invariant(this.#draws !== undefined, 'proxy: a walk that draws was begun')
    return this.#draws.at(this.#now, this.#flow, index) >>> 1 < threshold
  }
}

/** IPVS mode's half of the node: its tables, its sets, its connections. */
class IpvsWorld implements WalkHost, Director {
  readonly state = new IpvsState()
  readonly recent = new RecentLists()
  readonly sets = this.state.sets
  readonly tables: Tables
  readonly walk: Walk
  readonly #nodeAddress: Address
  #flow: Flow | undefined
  #now: Micros = 0

  constructor(options: NodeNetworkOptions, chooser: Chooser) {
    this.tables = ipvsTables(options)
    this.walk = new Walk(this, chooser)
    this.#nodeAddress = options.nodeAddress
  }

  begin(flow: Flow, now: Micros): void {
    this.#flow = flow
    this.#now = now
  }

  isLocal(address: Address): boolean {
    return address === this.#nodeAddress || address >>> 24 === 127 || this.state.ipvs.boundAddresses.has(address)
  }

  direct(): IpvsResult {
    invariant(this.#flow !== undefined, 'proxy: IPVS is asked for a flow')
    return this.state.ipvs.connect(this.#flow, this.#now)
  }
}
