/**
 * Links between processes: latency, and the rules that stand between a message and its arrival. Datagrams live here;
 * connections (`connections.ts`) ask the same links. A healthy link keeps its datagrams in order; only rules lose, copy
 * or reorder them. A packet under way arrives even if a rule that would stop it comes into force meanwhile.
 * Not modelled: routes, addresses, packets below a message. Pods' traffic has its own world in `src/dataplane`.
 */
import { type Core, DATAGRAM } from './core.ts'
import { invariant } from './invariant.ts'
import { BETWEEN_HOSTS, type Latency, ON_ONE_HOST } from './latency.ts'
import type { Message } from './machine.ts'
import type { Process } from './process.ts'
import type { Rand } from './random.ts'
import { Fate, type NetworkRule, Rule, type RuleCounters } from './rules.ts'
import type { Micros } from './time.ts'

/** One direction between two processes. */
export interface Link {
  readonly from: Process
  readonly to: Process
  readonly stream: Rand
  latency: Latency
  /** Messages sent at `lastSent` so far: the address of a draw. */
  lastSent: Micros
  index: number
  lastArrival: Micros
  /** The rules that match, as of `version` of the list. */
  rules: readonly Rule[]
  version: number
  /** A matching rule lets nothing through. */
  cut: boolean
}

/** A rule in force, for whoever added it. */
export interface RuleHandle {
  readonly counters: RuleCounters
  /** Takes the rule away. What it did to messages under way stays done. */
  remove(): void
}

const NO_RULES: readonly Rule[] = []

export class Network {
  #betweenHosts: Latency = BETWEEN_HOSTS
  #onOneHost: Latency = ON_ONE_HOST
  /** What `useMeanLatency` took away. */
  #drawn: readonly [Latency, Latency] | undefined
  readonly #core: Core
  /** By sender and receiver. */
  readonly #links: (Link | undefined)[][] = []
  #rules: readonly Rule[] = NO_RULES
  #version = 0
  readonly #fate = new Fate()
  readonly #onChange: (() => void)[] = []

  constructor(core: Core) {
    this.#core = core
  }

  /** Sets the latencies of links: between hosts, and between processes of one host. Call it before anything is sent. */
  setLatency(betweenHosts: Latency, onOneHost: Latency = this.#onOneHost): void {
    invariant(this.#links.length === 0, 'kernel: latencies are set before anything is sent')
    this.#betweenHosts = betweenHosts
    this.#onOneHost = onOneHost
  }

  /** Takes the chance out of healthy links: every message needs the mean. Call it before anything is sent. */
  useMeanLatency(): void {
    this.#drawn = [this.#betweenHosts, this.#onOneHost]
    this.setLatency(this.#betweenHosts.withoutJitter(), this.#onOneHost.withoutJitter())
  }

  /** Gives healthy links their chance back in the middle of a run, for a branch of it. */
  useDrawnLatency(): void {
    const [betweenHosts, onOneHost] = this.#drawn ?? [this.#betweenHosts, this.#onOneHost]
    this.#betweenHosts = betweenHosts
    this.#onOneHost = onOneHost
    for (const row of this.#links)
      for (const link of row ?? [])
        if (link !== undefined) link.latency = link.from.host === link.to.host ? onOneHost : betweenHosts
  }

  /** Puts a rule in force, behind those that are. */
  addRule(options: NetworkRule): RuleHandle {
    const rule = new Rule(options)
    this.#change([...this.#rules, rule])
    return {
      counters: rule.counters,
      remove: () => {
        if (this.#rules.includes(rule)) this.#change(this.#rules.filter((other) => other !== rule))
      },
    }
  }

  /** The rules in force, in order. */
  get rules(): readonly NetworkRule[] {
    return this.#rules.map((rule) => rule.options)
  }

  /** Calls back after each change of the rules. */
  onChange(listener: () => void): void {
    this.#onChange.push(listener)
  }

  link(from: Process, to: Process): Link {
    let row = this.#links[from.id]
    if (row === undefined) {
      row = []
      this.#links[from.id] = row
    }
    let link = row[to.id]
    if (link === undefined) {
      link = {
        from,
        to,
        stream: this.#core.streams.get(`link/${from.name}/${to.name}`),
        latency: from.host === to.host ? this.#onOneHost : this.#betweenHosts,
        lastSent: -1,
        index: 0,
        lastArrival: 0,
        rules: NO_RULES,
        version: 0,
        cut: false,
      }
      row[to.id] = link
    }
    if (link.version !== this.#version) this.#match(link)
    return link
  }

  /** True while a rule lets nothing through. */
  isCut(from: Process, to: Process): boolean {
    return this.link(from, to).cut
  }

  /** Sends a datagram. */
  send(from: Process, to: Process, message: Message, bytes: number): void {
    const link = this.link(from, to)
    const fate = this.ask(link, bytes)
    if (fate.dropped) return
    const core = this.#core
    const code = (core.typeNumber(message.type) << 3) | DATAGRAM
    let arrival = core.now + this.latencyOf(link)
    if (fate.extraMicros > 0) arrival += fate.extraMicros
    else if (arrival < link.lastArrival) arrival = link.lastArrival
    else link.lastArrival = arrival
    core.post(arrival, to, code, from.id, message)
    if (fate.copyAfterMicros >= 0) core.post(arrival + fate.copyAfterMicros, to, code, from.id, message)
  }

  /** What the rules say about one message now. The answer is valid until the next question. */
  ask(link: Link, bytes: number): Fate {
    const now = this.#core.now
    if (link.lastSent === now) link.index++
    else {
      link.lastSent = now
      link.index = 0
    }
    const fate = this.#fate
    fate.reset()
    const rules = link.rules
    for (let i = 0; i < rules.length; i++) {
      if ((rules[i] as Rule).decide(fate, link.stream, now, link.index, bytes)) break
    }
    if (rules.length > 0 && (fate.dropped || fate.extraMicros > 0 || fate.copyAfterMicros >= 0))
      this.#core.trace.bite(this.#core.steps, rules, link.from.id, link.to.id, fate.dropped)
    return fate
  }

  /** The undisturbed latency of the message last asked about. */
  latencyOf(link: Link): Micros {
    const latency = link.latency.at(link.stream, link.lastSent, link.index)
    const { priorities } = this.#core
    return priorities === undefined ? latency : latency + priorities.delayOf(link.to)
  }

  #match(link: Link): void {
    link.version = this.#version
    link.rules = this.#rules.filter((rule) => rule.matches(link.from.id, link.to.id))
    link.cut = cuts(link.rules)
  }

  #change(rules: readonly Rule[]): void {
    this.#rules = rules
    this.#version++
    for (const listener of this.#onChange) listener()
  }
}

function cuts(rules: readonly Rule[]): boolean {
  for (const rule of rules) {
    if (rule.options.verdict.kind === 'pass') return false
    if (rule.cuts) return true
  }
  return false
}
