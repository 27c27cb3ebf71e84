/**
 * All that could become of a flow's first packet, gathered by backend with exact chances: what two modes are compared by.
 * Nothing of the node changes. Not here: clients that are remembered (their outcome is the backend they had).
 */
import {
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

type Run = (walk: Walk, director: Director) => Verdict

/** What to run a packet through. */
export interface Question {
  readonly flow: Flow
  readonly origin: Origin
  /** A dry walk of the host that is asked. */
  readonly walk: Walk
  readonly run: Run
  /** IPVS mode: every real server that could be chosen is tried. */
  readonly ipvs?: Ipvs
  /** Without shares the answer comes faster; each is then 0. */
  readonly shares: boolean
}

/** Runs a packet through every branch. */
export function outcomesOf({ flow, origin, walk, run, ipvs, shares }: Question): Outcome {
  const gathering = new Gathering(shares)
  const virtual = ipvs?.find(flow.protocol, flow.destination, flow.destinationPort)
  const director = new DryDirector(virtual === undefined)
  invariant(walk.dry, 'proxy: what only asks writes no lists')
  const once = (chooser: Chooser): Verdict => {
    walk.begin(flow, origin, 0, chooser)
    return run(walk, director)
  }
  const visit = (verdict: Verdict, branch: Branch): void => gathering.visit(verdict, walk, branch)
  let tried = 0
  for (const server of virtual?.servers ?? []) {
    if (server.weight === 0) continue
    tried++
    director.server = server
    enumerate(once, visit)
  }
  if (tried === 0) enumerate(once, visit)
  const { verdict, backends, mixed } = gathering
  const persistent = virtual !== undefined && verdict === 'dnat'
  const affinitySeconds = persistent ? virtual.spec.persistenceMicros / SECOND : gathering.affinitySeconds
  return { verdict: verdict ?? 'drop', backends, affinitySeconds, mixed }
}

class Gathering {
  readonly backends = new Map<string, BackendOutcome>()
  verdict: Verdict | undefined
  mixed = false
  affinitySeconds = 0
  readonly #shares: boolean

  constructor(shares: boolean) {
    this.#shares = shares
  }

  visit(verdict: Verdict, walk: Walk, branch: Branch): void {
    if (this.verdict !== undefined && this.verdict !== verdict) this.mixed = true
    this.verdict = verdict
    if (walk.affinitySeconds > this.affinitySeconds) this.affinitySeconds = walk.affinitySeconds
    if (verdict !== 'dnat') return
    const backend = { address: walk.destination, port: walk.destinationPort }
    const text = formatBackend(backend)
    const before = this.backends.get(text)
    if (before !== undefined && before.masqueraded !== walk.masqueraded) this.mixed = true
    const share = this.#shares ? add(before?.share ?? NEVER, branch.share()) : NEVER
    this.backends.set(text, { backend, masqueraded: walk.masqueraded, share })
  }
}

/** A walk that only asks, to be used again and again. */
export function dryWalk(host: WalkHost): Walk {
  // Every walk begins with a chooser of its own.
  const walk = new Walk(host, { statistic: () => false })
  walk.dry = true
  return walk
}

/** Answers for IPVS without scheduling anything. */
class DryDirector implements Director {
  readonly #absent: boolean
  server: RealServer | undefined

  constructor(absent: boolean) {
    this.#absent = absent
  }

  direct(): IpvsResult {
    if (this.#absent) return { verdict: 'pass' }
    return this.server === undefined ? { verdict: 'refuse' } : { verdict: 'forward', server: this.server }
  }
}
