/**
 * What a quiet phase does not heal. Hosts outside the core lose power for good, or go on half alive: cut off from the core in
 * both directions or in one, cut off again and again, or hard to hear. Modelled on the liveness mode of TigerBeetle's VOPR, which
 * makes the failures of all replicas outside the core permanent and demands that the core converges nevertheless. Hosts that are
 * cut off for good hear each other as before: together they are the other side of a partition. Unlike there, what is outside gets
 * a condition of its own, whatever the faults before were.
 */
import type { Kernel, Micros, ProcessId, RuleHandle, TimerTarget, Verdict } from '../kernel/index.ts'
import { SECOND } from '../kernel/time.ts'
import type { Calm } from './calm.ts'
import { namesOf, type Topology } from './topology.ts'

/** How a host outside the core goes on. A host without one of these has no power. */
export type UnhealedCondition =
  /** Nothing passes between it and all hosts that are not cut off themselves. */
  | { readonly kind: 'isolated' }
  /** It hears nothing from them, and is heard. */
  | { readonly kind: 'deaf' }
  /** It hears them, and is not heard. */
  | { readonly kind: 'mute' }
  /** Cut off from all other hosts and well by turns, cut off first. */
  | { readonly kind: 'flapping'; readonly cutMicros: Micros; readonly wholeMicros: Micros }
  /** Of what passes between it and any other host, in either direction, so much is lost, in parts per million. */
  | { readonly kind: 'lossy'; readonly lossPpm: number }

export type UnhealedHosts = Readonly<Record<string, UnhealedCondition>>

/**
 * How long a host may be away at a time. Connections repeat what was lost after 0.2 s, 0.6 s, 1.4 s, 3 s, 6.2 s, 12.6 s, so a cut holds
 * them up for twice as long at most. A node must renew its lease within 40 s. Leaders must within 10 s, and they may do it through any
 * API server and any member of etcd: while those are away for longer, leaders of the core come and go, and nothing is promised that
 * takes a leader minutes (such as eviction, whose time begins anew with each).
 */
const CUT_MICROS_MAXIMUM: Readonly<Record<'etcd' | 'master' | 'node', Micros>> = {
  etcd: 3 * SECOND,
  master: 3 * SECOND,
  node: 10 * SECOND,
}
const WHOLE_MICROS_MINIMUM: Micros = 10 * SECOND
/** Above it connections end for want of progress now and then, and requests time out again and again. */
const LOSS_PPM_MAXIMUM = 300_000

/** For how long a host that flaps may be cut off at a time. */
export function longestCutOf(host: string): Micros {
  return CUT_MICROS_MAXIMUM[host.replace(/-\d+$/, '') as keyof typeof CUT_MICROS_MAXIMUM]
}

/** By then the core has felt that the others are gone: leases of 40 s have run out, connections without progress ended after 45 s. */
const FELT_MICROS: Micros = 60 * SECOND
/** Kubelets renew their leases every 10 s, leaders every 2 s. */
const COMMIT_MICROS: Micros = 30 * SECOND

/** What is wrong with these hosts as the half-alive ones outside the core; undefined when they make sense. */
export function unhealedMistake(
  topology: Topology,
  core: readonly string[] | undefined,
  unhealed: UnhealedHosts,
): string | undefined {
  const { etcdMembers, masters, nodes } = namesOf(topology)
  const known = [...etcdMembers, ...masters, ...nodes]
  if (core === undefined) return 'there is no core, so the quiet phase heals every host'
  for (const [host, condition] of Object.entries(unhealed)) {
    if (!known.includes(host)) return `there is no host "${host}"; there are ${known.join(', ')}`
    if (core.includes(host)) return `${host} is in the core, which is healed`
    if (condition.kind === 'flapping' && condition.cutMicros > longestCutOf(host))
      return `${host} is cut off for more than ${longestCutOf(host)} us at a time, so leases could not be renewed in time`
    if (condition.kind === 'flapping' && condition.wholeMicros < WHOLE_MICROS_MINIMUM)
      return `${host} is back for less than ${WHOLE_MICROS_MINIMUM} us at a time, so leases could not be renewed in time`
    if (condition.kind === 'lossy' && condition.lossPpm > LOSS_PPM_MAXIMUM)
      return `more than ${LOSS_PPM_MAXIMUM} of a million messages of ${host} are lost, so connections do not last`
  }
  return undefined
}

/** The hosts outside the core of a running cluster; none before the quiet phase. */
export class Unhealed {
  readonly #kernel: Kernel
  readonly #calm: Calm
  /** By host; undefined: it has no power. */
  readonly #hosts = new Map<string, UnhealedCondition | undefined>()
  #since: Micros = 0

  constructor(kernel: Kernel, calm: Calm) {
    this.#kernel = kernel
    this.#calm = calm
  }

  /** From now on these hosts are left alone, each in its condition. */
  leave(hosts: readonly string[], conditions: UnhealedHosts): void {
    const kernel = this.#kernel
    this.#since = kernel.now
    // It never ends: whoever asks whether a process of theirs is disturbed is told so for ever.
    this.#calm.disturb(hosts.flatMap((host) => kernel.processes(host)))
    for (const host of hosts) this.#hosts.set(host, conditions[host])
    const cutOff = new Set(
      hosts
        .filter((host) => conditions[host] !== undefined && this.isLost(host))
        .flatMap((host) => kernel.processes(host)),
    )
    for (const host of hosts) {
      const condition = conditions[host]
      const own = kernel.processes(host)
      const others = kernel.processes().filter((process) => !own.includes(process))
      if (condition === undefined) kernel.crashHost(host)
      else this.#put(host, condition, this.isLost(host) ? others.filter((process) => !cutOff.has(process)) : others)
    }
  }

  /** The core has had time to feel what is left alone. Always so where nothing is. */
  get isFelt(): boolean {
    return this.#hosts.size === 0 || this.#kernel.now - this.#since >= FELT_MICROS
  }

  /** What shows that the core itself has stopped: leases are renewed all the time where it works. */
  standstill(lastCommitAt: Micros): readonly string[] {
    const idle = this.#kernel.now - lastCommitAt
    if (this.#hosts.size === 0 || idle < COMMIT_MICROS) return []
    return [`etcd core: nothing has been committed for ${Math.floor(idle / SECOND)} s`]
  }

  /** The host is not in the core. */
  has(host: string): boolean {
    return this.#hosts.has(host)
  }

  /** The core will never have an answer from this host again. */
  isLost(host: string): boolean {
    if (!this.#hosts.has(host)) return false
    const condition = this.#hosts.get(host)
    return condition?.kind !== 'flapping' && condition?.kind !== 'lossy'
  }

  #put(host: string, condition: UnhealedCondition, others: readonly ProcessId[]): void {
    const link = new HostLink(this.#kernel, host, new Set(others))
    switch (condition.kind) {
      case 'isolated':
        link.disturb({ kind: 'drop' })
        break
      case 'deaf':
        link.disturb({ kind: 'drop' }, 'in')
        break
      case 'mute':
        link.disturb({ kind: 'drop' }, 'out')
        break
      case 'flapping':
        new Flapping(this.#kernel, link, condition.cutMicros, condition.wholeMicros).begin()
        break
      case 'lossy':
        link.disturb({ kind: 'loss', ppm: condition.lossPpm })
        break
      default:
        condition satisfies never
    }
  }
}

/** All that connects one host with others. */
class HostLink {
  readonly #kernel: Kernel
  readonly #host: string
  readonly #others: ReadonlySet<ProcessId>
  #rules: readonly RuleHandle[] = []

  constructor(kernel: Kernel, host: string, others: ReadonlySet<ProcessId>) {
    this.#kernel = kernel
    this.#host = host
    this.#others = others
  }

  /** `in`: only what comes to the host; `out`: only what it sends. */
  disturb(verdict: Verdict, direction: 'both' | 'in' | 'out' = 'both'): void {
    const { network } = this.#kernel
    const own = new Set(this.#kernel.processes(this.#host))
    const id = `unhealed/${this.#host}`
    const rules: RuleHandle[] = []
    if (direction !== 'in') rules.push(network.addRule({ id: `${id}/out`, from: own, to: this.#others, verdict }))
    if (direction !== 'out') rules.push(network.addRule({ id: `${id}/in`, from: this.#others, to: own, verdict }))
    this.#rules = rules
  }

  heal(): void {
    for (const rule of this.#rules) rule.remove()
    this.#rules = []
  }
}

/** Cuts a link and lets it be, by turns and for ever. */
class Flapping implements TimerTarget {
  readonly #kernel: Kernel
  readonly #link: HostLink
  readonly #cutMicros: Micros
  readonly #wholeMicros: Micros
  #isCut = false

  constructor(kernel: Kernel, link: HostLink, cutMicros: Micros, wholeMicros: Micros) {
    this.#kernel = kernel
    this.#link = link
    this.#cutMicros = cutMicros
    this.#wholeMicros = wholeMicros
  }

  begin(): void {
    this.onTimer()
  }

  onTimer(): void {
    this.#isCut = !this.#isCut
    if (this.#isCut) this.#link.disturb({ kind: 'drop' })
    else this.#link.heal()
    this.#kernel.schedule(this.#isCut ? this.#cutMicros : this.#wholeMicros, this, 0)
  }
}
