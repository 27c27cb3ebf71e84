/**
 * What each fault struck, and into what: the kind of component, with the part that it played (leader, follower, standby), and
 * what the cluster was doing. The moment that counts is the first at which the fault has done something, as far as it can be
 * seen: many lie in wait. It is looked for when the fault begins, every tenth of a second, and before it heals.
 */
import type { Fact, Kernel, KernelFact, Micros, ProcessId } from '../../kernel/index.ts'
import type { ActiveFault, FaultStep } from '../registry.ts'
import type { LedgerEntry } from '../result.ts'
import type { ClusterPhase } from './cluster-phase.ts'
import { componentOf } from './components.ts'
import type { Consensus } from './consensus.ts'
import type { FeatureSet } from './feature-set.ts'
import type { Strike } from './footprint.ts'
import { asWay } from './grain.ts'
import { hashText, mix } from './hash.ts'

const LOOK_EVERY_MICROS: Micros = 100_000
/** What a fault is said to strike that names no process and no host. */
const WHOLE_CLUSTER = 'cluster'

const STRIKE = hashText('strike')
const TOGETHER = hashText('together')

interface Watched {
  readonly step: FaultStep
  readonly active: ActiveFault | undefined
  readonly components: readonly string[]
  readonly phase: Strike['phase']
  bit: boolean
  healed: boolean
}

type ProcessFact = Extract<KernelFact, { readonly name: string }>

export class Strikes {
  readonly #kernel: Kernel
  readonly #phase: ClusterPhase
  readonly #consensus: Consensus
  readonly #features: FeatureSet
  readonly #watched = new Map<string, Watched>()
  readonly #leading = new Set<ProcessId>()
  /** By process that died: what it was, and when. */
  readonly #died = new Map<ProcessId, { readonly was: string; readonly at: Micros }>()
  #isAlarmSet = false

  constructor(kernel: Kernel, phase: ClusterPhase, consensus: Consensus, features: FeatureSet) {
    this.#kernel = kernel
    this.#phase = phase
    this.#consensus = consensus
    this.#features = features
  }

  beforeInject(step: FaultStep): void {
    this.#watch(step, undefined)
  }

  afterInject(step: FaultStep, active: ActiveFault): void {
    const before = this.#watched.get(step.id)
    if (before === undefined) return
    const watched = { ...before, active }
    this.#watched.set(step.id, watched)
    if (hasBitten(active)) this.#onBite(watched)
    else this.#setAlarm()
  }

  beforeHeal(step: FaultStep): void {
    const watched = this.#watched.get(step.id)
    if (watched === undefined) return
    this.#look(watched)
    watched.healed = true
  }

  onAlarm(): void {
    this.#isAlarmSet = false
    let waiting = false
    for (const watched of this.#watched.values()) {
      this.#look(watched)
      waiting ||= !watched.bit && !watched.healed
    }
    if (waiting) this.#setAlarm()
  }

  /** Lives, deaths and leaders: called before the rest of the footprint hears of it. */
  onFact(fact: Fact, process: ProcessId): void {
    switch (fact.type) {
      case 'leader-started':
        this.#leading.add(process)
        break
      case 'leader-stopped':
        this.#leading.delete(process)
        break
      case 'process-crashed': {
        const { process: dead } = fact as ProcessFact
        this.#died.set(dead, { was: this.#partOf(dead), at: this.#kernel.now })
        this.#leading.delete(dead)
        break
      }
    }
  }

  /** Every fault that was injected, once for each kind of component. */
  all(ledger: readonly LedgerEntry[]): Strike[] {
    return ledger.flatMap(({ fault, kind, bit }) => {
      const watched = this.#watched.get(fault)
      if (watched === undefined) return []
      if (bit && !watched.bit) this.#onBite(watched)
      const { phase, components } = watched
      return components.map((component) => ({ fault, kind, component, phase, bit }))
    })
  }

  #setAlarm(): void {
    if (this.#isAlarmSet) return
    this.#isAlarmSet = true
    this.#kernel.alarm(this.#kernel.now + LOOK_EVERY_MICROS, this)
  }

  #look(watched: Watched): void {
    const { step, active, bit, healed } = watched
    if (bit || healed || active === undefined || !hasBitten(active)) return
    this.#onBite(this.#watch(step, active))
  }

  #watch(step: FaultStep, active: ActiveFault | undefined): Watched {
    const components = this.#componentsOf(step)
    const watched = { step, active, components, phase: this.#phase.now(), bit: false, healed: false }
    this.#watched.set(step.id, watched)
    return watched
  }

  #onBite(watched: Watched): void {
    watched.bit = true
    const { step, components, phase } = watched
    const kind = hashText(step.kind)
    for (const component of components)
      this.#features.add(asWay(mix(mix(mix(STRIKE, kind), hashText(component)), hashText(phase))))
    for (const other of this.#watched.values()) {
      if (other === watched || !other.bit || other.healed) continue
      const pair = [kind, hashText(other.step.kind)].sort((a, b) => a - b) as [number, number]
      this.#features.add(asWay(mix(mix(TOGETHER, pair[0]), pair[1])))
    }
  }

  /** The processes and hosts that the parameters name, each as its kind of component. */
  #componentsOf({ parameters }: FaultStep): readonly string[] {
    const components = new Set<string>()
    for (const name of Object.values(parameters).flat()) {
      if (typeof name !== 'string') continue
      if (this.#kernel.hasProcess(name)) components.add(this.#part(this.#kernel.processNamed(name)))
      else if (this.#kernel.hosts.includes(name) || name === 'every-node') components.add(hostKind(name))
    }
    if (components.size > 0) return [...components]
    // It names nobody: whoever has just died is whom it struck.
    for (const [process, { at }] of this.#died) {
      if (this.#kernel.now - at <= LOOK_EVERY_MICROS) components.add(this.#part(process))
    }
    return components.size === 0 ? [WHOLE_CLUSTER] : [...components]
  }

  /** `etcd leader`, `scheduler standby`, `kubelet`; what it was when it has only just died. */
  #part(process: ProcessId): string {
    const died = this.#died.get(process)
    if (died !== undefined && this.#kernel.now - died.at <= LOOK_EVERY_MICROS) return died.was
    return this.#kernel.isRunning(process) ? this.#partOf(process) : `${componentOf(this.#kernel.nameOf(process))} down`
  }

  #partOf(process: ProcessId): string {
    const component = componentOf(this.#kernel.nameOf(process))
    const standing = this.#consensus.standingOf(process)
    if (standing !== undefined) return `${component} ${standing}`
    if (component === 'controller-manager' || component === 'scheduler')
      return `${component} ${this.#leading.has(process) ? 'leader' : 'standby'}`
    return component
  }
}

function hasBitten(active: ActiveFault): boolean {
  return active.evidence().some(({ count }) => count > 0)
}

function hostKind(name: string): string {
  return name === 'every-node' ? 'node' : componentOf(name)
}
