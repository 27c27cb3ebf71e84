/**
 * The properties of one trial at work: who was reached, who was seen, and the first violation, which ends the trial. It
 * also knows, when asked to, which property is being called, so that one that throws or never ends can be named.
 */
import type { Cluster } from '../cluster/index.ts'
import type { Micros } from '../kernel/index.ts'
import { withListenersWrapped } from './listening.ts'
import type { Monitor, PropertyDefinition, Reporter, Violation } from './registry.ts'
import type { FoundViolation, TrialResult } from './result.ts'

/** What becomes of a property in a trial, besides nothing. */
export type PropertyState = 'reached' | 'seen' | 'violated'
export type PropertyListener = (property: string, state: PropertyState) => void

/** Thrown by the runner to itself, between two events, once the verdict is known. */
export class TrialStop extends Error {}

export class Jury {
  readonly #cluster: Cluster
  readonly #definitions: readonly PropertyDefinition[]
  readonly #monitors: { readonly id: string; readonly monitor: Monitor }[] = []
  readonly #reached = new Set<string>()
  readonly #seen = new Set<string>()
  readonly #met = new Map<string, Set<string>>()
  readonly #onActivity: ((property: string) => void) | undefined
  readonly #onState: PropertyListener | undefined
  #speaking: string | undefined
  #violation: FoundViolation | undefined

  constructor(
    cluster: Cluster,
    definitions: readonly PropertyDefinition[],
    onActivity: ((property: string) => void) | undefined,
    onState?: PropertyListener,
  ) {
    this.#cluster = cluster
    this.#definitions = definitions
    this.#onActivity = onActivity
    this.#onState = onState
  }

  get violation(): FoundViolation | undefined {
    return this.#violation
  }

  /** Lets every property subscribe to what it wants to see. */
  swearIn(): void {
    for (const definition of this.#definitions) {
      const monitor = this.#while(definition.id, () =>
        this.#labelled(definition.id, () => definition.monitor(this.#cluster, this.#reporter(definition))),
      )
      this.#monitors.push({ id: definition.id, monitor })
    }
  }

  onQuiet(): void {
    for (const { id, monitor } of this.#monitors) {
      if (monitor.onQuiet !== undefined) this.#while(id, () => monitor.onQuiet?.())
    }
  }

  onEnd(): void {
    for (const { id, monitor } of this.#monitors) {
      if (monitor.onEnd !== undefined) this.#while(id, () => monitor.onEnd?.())
    }
  }

  /** Some property has something pending that is decided by `limit`. */
  isWaiting(limit: Micros): boolean {
    return this.#monitors.some(({ id, monitor }) => this.#while(id, () => monitor.isWaiting?.(limit) === true))
  }

  /** @throws TrialStop if a violation was reported. */
  stopIfFailed(): void {
    if (this.#violation !== undefined) throw new TrialStop()
  }

  /** Takes down a violation; only the first counts. */
  record(violation: Violation & { readonly property: string }): void {
    if (this.#violation !== undefined) return
    this.#violation = { ...violation, atMicros: this.#cluster.kernel.now }
    this.#onState?.(violation.property, 'violated')
  }

  /** The property whose code is running, or threw, as far as that is known. */
  get speaking(): string | undefined {
    return this.#speaking
  }

  reached(): string[] {
    return this.#definitions.map((definition) => definition.id).filter((id) => this.#reached.has(id))
  }

  seen(): string[] {
    return this.#definitions.map((definition) => definition.id).filter((id) => this.#seen.has(id))
  }

  met(): TrialResult['met'] {
    return [...this.#met].map(([property, triggers]) => ({ property, triggers: [...triggers] }))
  }

  #reporter(definition: PropertyDefinition): Reporter {
    const { id } = definition
    return {
      fail: (violation) => {
        this.record({ ...violation, property: id })
        this.#cluster.kernel.stop()
      },
      reached: () => {
        this.#enter(this.#reached, id, 'reached')
      },
      seen: () => {
        this.#enter(this.#reached, id, 'reached')
        this.#enter(this.#seen, id, 'seen')
      },
      met: (trigger) => {
        const known = this.#met.get(id)
        if (known === undefined) this.#met.set(id, new Set([trigger]))
        else known.add(trigger)
      },
    }
  }

  #enter(set: Set<string>, id: string, state: PropertyState): void {
    if (this.#onState === undefined || set.has(id)) set.add(id)
    else {
      set.add(id)
      this.#onState(id, state)
    }
  }

  /** Runs a property's own code. When it throws, `#speaking` stays set and names it. */
  #while<T>(id: string, body: () => T): T {
    this.#speaking = id
    this.#onActivity?.(id)
    const value = body()
    this.#speaking = undefined
    // Else the last that spoke would be blamed for whatever hangs after it.
    this.#onActivity?.('')
    return value
  }

  /** While a property subscribes, its listeners are wrapped so that they announce themselves; only when somebody wants to know. */
  #labelled<T>(id: string, body: () => T): T {
    if (this.#onActivity === undefined) return body()
    return withListenersWrapped(this.#cluster, (listener) => this.#while(id, listener), body)
  }
}
