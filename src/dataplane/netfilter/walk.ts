/**
 * The interpreter: one packet walked through chains rule by rule, as the kernel does it, counting every rule it looked at.
 * Models the hooks of Linux netfilter for IPv4 with the nat and filter tables. A new connection meets nat; what it decides
 * is kept by conntrack, so later packets do not come here. Not here: mangle and raw, bridges, routing beyond local/not local.
 */
import { invariant, never } from '../../kernel/invariant.ts'
import type { Micros } from '../../kernel/time.ts'
import type { IpSet } from '../ipset.ts'
import type { Address, Flow, Origin, TransportProtocol } from '../packet.ts'
import { TCP } from '../packet.ts'
import type { RecentLists } from './recent.ts'
import type { Chain, CtState, Match, Rule } from './rules.ts'

/** Answers the random matches of a walk: the `index`-th of this walk, true with a chance of `threshold` in 2^31. */
export interface Chooser {
  statistic(threshold: number, index: number): boolean
}

/** What a walk may ask of the host it runs on. */
export interface WalkHost {
  isLocal(address: Address): boolean
  readonly recent: RecentLists
  readonly sets: ReadonlyMap<string, IpSet>
}

export type ChainVerdict = 'continue' | 'accept' | 'drop' | 'reject'

/** Deepest stack of chains; the kernel refuses loops when rules are loaded. */
const MAX_DEPTH = 16

export class Walk {
  protocol: TransportProtocol = TCP
  source: Address = 0
  sourcePort = 0
  destination: Address = 0
  destinationPort = 0
  origin: Origin = 'outside'
  state: CtState = 'NEW'
  mark = 0
  /** A DNAT target was met: destination and port are the backend's. */
  translated = false
  masqueraded = false
  rulesVisited = 0
  chainsVisited = 0
  /** Greatest `--seconds` of the affinity checks met; 0 when there was none. */
  affinitySeconds = 0
  /** The walk only asks what would happen: lists are not written. */
  dry = false
  readonly #host: WalkHost
  #now: Micros = 0
  #chooser: Chooser
  #draws = 0

  constructor(host: WalkHost, chooser: Chooser) {
    this.#host = host
    this.#chooser = chooser
  }

  /** Starts over with another packet, the first of its connection. */
  begin(flow: Flow, origin: Origin, now: Micros, chooser: Chooser): void {
    this.protocol = flow.protocol
    this.source = flow.source
    this.sourcePort = flow.sourcePort
    this.destination = flow.destination
    this.destinationPort = flow.destinationPort
    this.origin = origin
    this.state = 'NEW'
    this.mark = 0
    this.translated = false
    this.masqueraded = false
    this.rulesVisited = 0
    this.chainsVisited = 0
    this.affinitySeconds = 0
    this.#now = now
    this.#chooser = chooser
    this.#draws = 0
  }

  /** Walks a built-in chain and what it jumps to. Falling off the end is the policy: accept. */
  hook(chains: ReadonlyMap<string, Chain>, name: string): ChainVerdict {
    const chain = chains.get(name)
    if (chain === undefined) return 'accept'
    const verdict = this.#chain(chains, chain, 1)
    return verdict === 'continue' ? 'accept' : verdict
  }

  #chain(chains: ReadonlyMap<string, Chain>, chain: Chain, depth: number): ChainVerdict {
    invariant(depth <= MAX_DEPTH, 'netfilter: chains do not loop', chain.name)
    this.chainsVisited++
    const rules = chain.rules
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as Rule
      if (
        (((this.destination ^ rule.destination) & rule.destinationMask) !== 0) !== rule.destinationNegated ||
        (rule.destinationPort !== 0 && rule.destinationPort !== this.destinationPort) ||
        (rule.protocol !== '' && rule.protocol !== this.protocol) ||
        (((this.source ^ rule.source) & rule.sourceMask) !== 0) !== rule.sourceNegated ||
        (rule.matches !== null && !this.#all(rule.matches))
      ) {
        continue
      }
      const target = rule.target
      switch (target.kind) {
        case 'jump': {
          const next = chains.get(target.chain)
          invariant(next !== undefined, 'netfilter: a jump leads to a chain of the same table', target.chain)
          const verdict = this.#chain(chains, next, depth + 1)
          if (verdict !== 'continue') {
            this.rulesVisited += i + 1
            return verdict
          }
          break
        }
        case 'mark':
          this.mark = (this.mark & ~target.mask) ^ target.value
          break
        case 'return':
          this.rulesVisited += i + 1
          return 'continue'
        case 'dnat':
          this.rulesVisited += i + 1
          this.destination = target.address
          this.destinationPort = target.port
          this.translated = true
          return 'accept'
        case 'masquerade':
          this.rulesVisited += i + 1
          this.masqueraded = true
          return 'accept'
        case 'accept':
        case 'drop':
        case 'reject':
          this.rulesVisited += i + 1
          return target.kind
        default:
          never(target)
      }
    }
    this.rulesVisited += rules.length
    return 'continue'
  }

  #all(matches: readonly Match[]): boolean {
    for (let i = 0; i < matches.length; i++) if (!this.#match(matches[i] as Match)) return false
    return true
  }

  #match(match: Match): boolean {
    switch (match.kind) {
      case 'mark':
        return ((this.mark & match.mask) === match.value) !== match.negated
      case 'addrtype':
        return this.#host.isLocal(match.side === 'source' ? this.source : this.destination) !== match.negated
      case 'ctstate':
        return (
          (match.states.includes(this.state) || (this.translated && match.states.includes('DNAT'))) !== match.negated
        )
      case 'statistic':
        return this.#chooser.statistic(match.threshold, this.#draws++)
      case 'recent-check':
        if (match.seconds > this.affinitySeconds) this.affinitySeconds = match.seconds
        return this.#host.recent.check(match.list, this.source, match.seconds, this.#now)
      case 'recent-set':
        if (!this.dry) this.#host.recent.set(match.list, this.source, this.#now)
        return true
      case 'set':
        return (
          this.#host.sets.get(match.set)?.matches(this.protocol, this.destination, this.destinationPort, this.source) ??
          false
        )
      case 'physdev-is-in':
        return (this.origin === 'pod') !== match.negated
      default:
        return never(match)
    }
  }
}
