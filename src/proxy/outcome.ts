/**
 * All that could become of a flow's first packet, gathered by backend with exact chances: what two modes are compared by.
 * Nothing of the node changes. Not here: clients that are remembered (their outcome is the backend they had).
 */
import {
  add,
  type Backend,
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
import { SECOND } from '../kernel/index.ts'

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

/** Runs a packet through every branch. `ipvs`: also through every real server that could be chosen. */
export function outcomesOf(flow: Flow, origin: Origin, host: WalkHost, run: Run, ipvs?: Ipvs): Outcome {
  const backends = new Map<string, BackendOutcome>()
  let verdict: Verdict | undefined
  let mixed = false
  let affinitySeconds = 0
  const virtual = ipvs?.find(flow.protocol, flow.destination, flow.destinationPort)
  const servers: readonly (RealServer | undefined)[] = virtual?.servers.filter((server) => server.weight > 0) ?? []
  const choices = servers.length === 0 ? [undefined] : servers
  for (const server of choices) {
    const director = new DryDirector(virtual === undefined, server)
    const branches = enumerate((chooser) => {
      const walk = new Walk(host, chooser)
      walk.dry = true
      walk.begin(flow, origin, 0, chooser)
      return { verdict: run(walk, director), walk }
    })
    for (const { result, share } of branches) {
      mixed ||= verdict !== undefined && verdict !== result.verdict
      verdict = result.verdict
      affinitySeconds = Math.max(affinitySeconds, result.walk.affinitySeconds)
      if (result.verdict !== 'dnat') continue
      const backend = { address: result.walk.destination, port: result.walk.destinationPort }
      const text = formatBackend(backend)
      const before = backends.get(text)
      mixed ||= before !== undefined && before.masqueraded !== result.walk.masqueraded
      backends.set(text, { backend, masqueraded: result.walk.masqueraded, share: add(before?.share ?? NEVER, share) })
    }
  }
  if (virtual !== undefined && verdict === 'dnat') affinitySeconds = virtual.spec.persistenceMicros / SECOND
  return { verdict: verdict ?? 'drop', backends, affinitySeconds, mixed }
}

/** Answers for IPVS without scheduling anything. */
class DryDirector implements Director {
  readonly #absent: boolean
  readonly #server: RealServer | undefined

  constructor(absent: boolean, server: RealServer | undefined) {
    this.#absent = absent
    this.#server = server
  }

  direct(): IpvsResult {
    if (this.#absent) return { verdict: 'pass' }
    return this.#server === undefined ? { verdict: 'refuse' } : { verdict: 'forward', server: this.#server }
  }
}
