/**
 * Is anything disturbing the cluster, and since when is nothing? Properties with time bounds are only claimed while their
 * part of the cluster works; this is where they ask. It follows faults (which announce themselves) and the facts that tell
 * of lost connections and changes of leadership.
 */
import type { ClientTimeoutFact, LeaderFact } from '../client/index.ts'
import { type Kernel, type KernelFact, type Micros, type ProcessId, SECOND } from '../kernel/index.ts'

type ProcessFact = Extract<KernelFact, { readonly boot: number }>

/** How long the consequences of a fault last after it healed: leases run out, connections are found dead, back-offs end. */
const AFTERMATH_MICROS: Micros = 45 * SECOND
/** A leader has its picture of the cluster together so long after it began to lead. */
const SETTLED_MICROS: Micros = 10 * SECOND

export class Calm {
  readonly #kernel: Kernel
  #active = 0
  #lastEnd: Micros = Number.NEGATIVE_INFINITY
  #lastClockTrouble: Micros = Number.NEGATIVE_INFINITY
  readonly #leaderSince = new Map<string, { process: ProcessId; at: Micros }>()
  /** By lease: when somebody last noticed that it leads no more. */
  readonly #leaderStopped = new Map<string, Micros>()
  readonly #lastTimeout = new Map<string, Micros>()
  readonly #struckAt = new Map<ProcessId, Micros>()
  /** By process: disturbances going on, and when the last one ended. */
  readonly #targets = new Map<ProcessId, { active: number; lastEnd: Micros }>()

  readonly #listeners: (() => void)[] = []

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    kernel.subscribe('leader-started', (fact, process, at) => {
      this.#leaderSince.set((fact as LeaderFact).lease, { process, at })
    })
    kernel.subscribe('leader-stopped', (fact, _process, at) => {
      this.#leaderStopped.set((fact as LeaderFact).lease, at)
    })
    for (const type of ['client-timeout', 'client-failover'] as const) {
      kernel.subscribe(type, (fact, _process, at) => {
        this.#lastTimeout.set((fact as ClientTimeoutFact).client, at)
      })
    }
    for (const type of ['process-crashed', 'process-paused', 'process-resumed', 'process-started'] as const) {
      kernel.subscribe(type, (fact, _process, at) => {
        this.#struckAt.set((fact as ProcessFact).process, at)
        if (type === 'process-paused' || type === 'process-resumed') this.#lastClockTrouble = at
      })
    }
    kernel.subscribe('clock-set', (_fact, _process, at) => {
      this.#lastClockTrouble = at
    })
  }

  /** A disturbance of these processes (and of nothing among the others) has begun; call the answer once when it has ended. */
  disturb(targets: Iterable<ProcessId>): () => void {
    const struck = [...targets].map((target) => this.#target(target))
    this.#active++
    for (const target of struck) target.active++
    for (const listener of this.#listeners) listener()
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#active--
      this.#lastEnd = this.#kernel.now
      for (const target of struck) {
        target.active--
        target.lastEnd = this.#kernel.now
      }
    }
  }

  /** Calls `listener` whenever a disturbance begins. */
  onDisturbed(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** No disturbance of this process is going on, and none ended in the last `micros`. */
  undisturbedFor(process: ProcessId, micros: Micros): boolean {
    const target = this.#targets.get(process)
    return target === undefined || (target.active === 0 && this.#kernel.now - target.lastEnd >= micros)
  }

  #target(process: ProcessId): { active: number; lastEnd: Micros } {
    let target = this.#targets.get(process)
    if (target === undefined) {
      target = { active: 0, lastEnd: Number.NEGATIVE_INFINITY }
      this.#targets.set(process, target)
    }
    return target
  }

  /** True if a disturbance, or its aftermath, fell into the time from `since` until now. */
  disturbedSince(since: Micros): boolean {
    return this.#active > 0 || this.#lastEnd + AFTERMATH_MICROS >= since
  }

  /** True while a process is paused or a clock is wrong, and for a while after. */
  clocksWereDisturbed(): boolean {
    return this.#lastClockTrouble + AFTERMATH_MICROS >= this.#kernel.now
  }

  /**
   * What a former leader sent may still take effect: one that stood still acts once more before it looks at the clock, and
   * a Lease is no fence.
   */
  formerLeaderMayAct(lease: string): boolean {
    const at = this.#leaderStopped.get(lease)
    return at !== undefined && this.#kernel.now - at < AFTERMATH_MICROS
  }

  /** The leader of the lease leads alone for a while, was not struck, and has had an answer to all its calls. */
  leaderSteady(lease: string): boolean {
    const now = this.#kernel.now
    if (this.formerLeaderMayAct(lease)) return false
    const leader = this.#leaderSince.get(lease)
    if (leader === undefined || now - leader.at < SETTLED_MICROS) return false
    if ((this.#struckAt.get(leader.process) ?? Number.NEGATIVE_INFINITY) > leader.at) return false
    const name = this.#kernel.nameOf(leader.process)
    for (const [client, at] of this.#lastTimeout) {
      if (client.startsWith(name) && now - at < AFTERMATH_MICROS) return false
    }
    return true
  }
}
