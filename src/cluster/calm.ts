/**
 * Is anything disturbing the cluster, and since when is nothing? Properties with time bounds are only claimed while their
 * part of the cluster works; this is where they ask. It follows faults (which announce themselves) and the facts that tell
 * of lost connections and changes of leadership.
 */
import type { ClientTimeoutFact, LeaderFact } from '../client/index.ts'
import { type Kernel, type KernelFact, type Micros, type ProcessId, SECOND } from '../kernel/index.ts'

/** How long the consequences of a fault last after it healed: leases run out, connections are found dead, back-offs end. */
const AFTERMATH_MICROS: Micros = 45 * SECOND
/** A leader has its picture of the cluster together so long after it began to lead. */
const SETTLED_MICROS: Micros = 10 * SECOND

interface Cut {
  readonly node: string
  readonly from: Micros
  to: Micros
}

export class Calm {
  readonly #kernel: Kernel
  #active = 0
  #lastEnd: Micros = Number.NEGATIVE_INFINITY
  #lastClockTrouble: Micros = Number.NEGATIVE_INFINITY
  readonly #leaderSince = new Map<string, { process: ProcessId; at: Micros }>()
  readonly #lastTimeout = new Map<string, Micros>()
  readonly #struckAt = new Map<ProcessId, Micros>()
  readonly #cuts: Cut[] = []

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    kernel.subscribe('leader-started', (fact, process, at) => {
      this.#leaderSince.set((fact as LeaderFact).lease, { process, at })
    })
    for (const type of ['client-timeout', 'client-failover'] as const) {
      kernel.subscribe(type, (fact, _process, at) => {
        this.#lastTimeout.set((fact as ClientTimeoutFact).client, at)
      })
    }
    for (const type of ['process-crashed', 'process-paused', 'process-resumed', 'process-started'] as const) {
      kernel.subscribe(type, (fact, _process, at) => {
        this.#struckAt.set((fact as Extract<KernelFact, { type: 'process-crashed' }>).process, at)
        if (type === 'process-paused' || type === 'process-resumed') this.#lastClockTrouble = at
      })
    }
    kernel.subscribe('clock-set', (_fact, _process, at) => {
      this.#lastClockTrouble = at
    })
  }

  /** A disturbance has begun; call the answer once when it has ended. */
  disturb(): () => void {
    this.#active++
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#active--
      this.#lastEnd = this.#kernel.now
    }
  }

  /** True if a disturbance, or its aftermath, fell into the time from `since` until now. */
  disturbedSince(since: Micros): boolean {
    return this.#active > 0 || this.#lastEnd + AFTERMATH_MICROS >= since
  }

  /** True while a process is paused or a clock is wrong, and for a while after. */
  clocksWereDisturbed(): boolean {
    return this.#lastClockTrouble + AFTERMATH_MICROS >= this.#kernel.now
  }

  /** The leader of the lease leads for a while, was not struck, and has had an answer to all its calls. */
  leaderSteady(lease: string): boolean {
    const now = this.#kernel.now
    const leader = this.#leaderSince.get(lease)
    if (leader === undefined || now - leader.at < SETTLED_MICROS) return false
    if ((this.#struckAt.get(leader.process) ?? Number.NEGATIVE_INFINITY) > leader.at) return false
    const name = this.#kernel.nameOf(leader.process)
    for (const [client, at] of this.#lastTimeout) {
      if (client.startsWith(name) && now - at < AFTERMATH_MICROS) return false
    }
    return true
  }

  /** The node could not hear the API (or its kubelet could not act) from now until the answer is called. */
  cutOff(node: string): () => void {
    const cut: Cut = { node, from: this.#kernel.now, to: Number.POSITIVE_INFINITY }
    this.#cuts.push(cut)
    return () => {
      cut.to = this.#kernel.now
    }
  }

  /** True if anything that could keep news from a node was going on between the two moments. */
  wasCutOff(node: string, from: Micros, to: Micros): boolean {
    if (this.#active > 0 || this.#lastEnd + AFTERMATH_MICROS >= from) return true
    return this.#cuts.some((cut) => cut.node === node && cut.from <= to && cut.to >= from)
  }
}
