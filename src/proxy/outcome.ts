/**
 * All that could become of a flow's first packet, gathered by backend with exact chances: what two modes are compared by.
 * Nothing of the node changes. Not here: clients that are remembered (their outcome is the backend they had).
 */
import {
  type Address,
  add,
  type Backend,
  type Branch,
  type Chooser,
  type Director,
  enumerate,
  type Flow,
  type Fraction,
  formatBackend,
  type Ipvs,
  type IpvsResult,
  NEVER,
  type Origin,
  type RealServer,
  type Verdict,
  Walk,
  type WalkHost,
} from '../dataplane/index.ts'
import { invariant, SECOND } from '../kernel/index.ts'

export interface BackendOutcome {
  readonly backend: Backend
  readonly masqueraded: boolean
  /** iptables: the exact chance. ipvs: 1 for each real server that the scheduler may choose. */
  readonly share: Fraction
}

export interface Outcome {
  readonly verdict: Verdict
  /** By `address:port`; empty unless the verdict is `dnat`. */
  readonly backends: ReadonlyMap<string, BackendOutcome>
  /** A client keeps its backend for so long; 0: not at all. */
  readonly affinitySeconds: number
  /** The chances of several verdicts, when a mode answers one flow in different ways (never in a sound rule set). */
  readonly mixed: boolean
}

/** Sends the packet of a walk on its way through the rules. */
type Run = (walk: Walk, director: Director) => Verdict

/** Asks one rule set about flows. Made once and asked again and again: what it needs on the way it keeps. */
export class Inquiry {
  readonly #walk: Walk
  readonly #run: Run
  readonly #director = new DryDirector()
  #flow: Flow | undefined
  #origin: Origin = 'outside'
  #gathering = new Gathering(false)

  constructor(host: WalkHost, run: Run) {
    // Every walk begins with a chooser of its own.
    this.#walk = new Walk(host, { statistic: () => false })
    this.#walk.dry = true
    this.#run = run
  }

  /**
   * Runs a packet through every branch. With `ipvs` every real server that it could choose is tried. Without `shares` the
   * answer comes faster; each is then 0.
   */
  ask(flow: Flow, origin: Origin, shares: boolean, ipvs?: Ipvs): Outcome {
    const gathering = new Gathering(shares)
    const virtual = ipvs?.find(flow.protocol, flow.destination, flow.destinationPort)
    this.#flow = flow
    this.#origin = origin
    this.#gathering = gathering
    this.#director.isAbsent = virtual === undefined
    this.#director.server = undefined
    let tried = 0
    for (const server of virtual?.servers ?? []) {
      if (server.weight === 0) continue
      tried++
      this.#director.server = server
      enumerate(this.#once, this.#visit)
    }
    if (tried === 0) enumerate(this.#once, this.#visit)
    if (virtual !== undefined && gathering.verdict === 'dnat')
      gathering.affinitySeconds = virtual.spec.persistenceMicros / SECOND
    return gathering
  }

  readonly #once = (chooser: Chooser): Verdict => {
    invariant(this.#flow !== undefined, 'proxy: an inquiry is about a flow')
    this.#walk.begin(this.#flow, this.#origin, 0, chooser)
    return this.#run(this.#walk, this.#director)
  }

  readonly #visit = (verdict: Verdict, branch: Branch): void => this.#gathering.visit(verdict, this.#walk, branch)
}

const NO_BACKENDS: ReadonlyMap<string, BackendOutcome> = new Map()

class Gathering implements Outcome {
  verdict: Verdict = 'drop'
  mixed = false
  affinitySeconds = 0
  readonly #shares: boolean
  #isFirst = true
  #backends: Map<string, BackendOutcome> | undefined

  constructor(shares: boolean) {
    this.#shares = shares
  }

  get backends(): ReadonlyMap<string, BackendOutcome> {
    return this.#backends ?? NO_BACKENDS
  }

  visit(verdict: Verdict, walk: Walk, branch: Branch): void {
    if (!this.#isFirst && this.verdict !== verdict) this.mixed = true
    this.#isFirst = false
    this.verdict = verdict
    if (walk.affinitySeconds > this.affinitySeconds) this.affinitySeconds = walk.affinitySeconds
    if (verdict !== 'dnat') return
    this.#backends ??= new Map()
    const text = textOf(walk.destination, walk.destinationPort)
    const before = this.#backends.get(text)
    if (before !== undefined && before.masqueraded !== walk.masqueraded) this.mixed = true
    if (before !== undefined && !this.#shares && before.masqueraded === walk.masqueraded) return
    const share = this.#shares ? add(before?.share ?? NEVER, branch.share()) : NEVER
    const backend = before?.backend ?? { address: walk.destination, port: walk.destinationPort }
    this.#backends.set(text, { backend, masqueraded: walk.masqueraded, share })
  }
}

/** Texts of the backends that were met last, by address and port in one number. */
const texts = new Map<number, string>()
const TEXTS_MAX = 1 << 14

function textOf(address: Address, port: number): string {
  const key = address * 0x10000 + port
  const known = texts.get(key)
  if (known !== undefined) return known
  if (texts.size >= TEXTS_MAX) texts.clear()
  const text = formatBackend({ address, port })
  texts.set(key, text)
  return text
}

/** Answers for IPVS without scheduling anything. */
class DryDirector implements Director {
  /** There is no virtual server for the packet. */
  isAbsent = true
  server: RealServer | undefined

  direct(): IpvsResult {
    if (this.isAbsent) return { verdict: 'pass' }
    return this.server === undefined ? { verdict: 'refuse' } : { verdict: 'forward', server: this.server }
  }
}
