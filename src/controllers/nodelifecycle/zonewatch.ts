/**
 * The zones of the cluster between two looks at the nodes: their states, their eviction rates, and the nodes that wait for a permit.
 * Models the zoneStates and zoneNoExecuteTainter of kubernetes pkg/controller/nodelifecycle, v1.33. Invariant: who waits for a permit
 * waits for one that comes later.
 */
import { invariant, type Micros } from '../../kernel/index.ts'
import type { Condition, Node } from '../../objects/index.ts'
import type { NodeLifecycleDecisions } from '../decisions.ts'
import {
  computeDisruptionChange,
  type DisruptionChange,
  EvictionLimiter,
  type EvictionRates,
  type ZoneState,
  zoneKey,
} from './zones.ts'

interface Zone {
  readonly limiter: EvictionLimiter
  /** Nodes to be tainted NoExecute, first come first served. */
  readonly waiting: Set<string>
  conditions: (Condition | undefined)[]
}

const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-disruption'

export class ZoneWatch {
  readonly #rates: EvictionRates
  readonly #decisions: NodeLifecycleDecisions
  readonly #zones = new Map<string, Zone>()
  #states: ReadonlyMap<string, ZoneState> = new Map()
  /** True while no node of any zone is ready. */
  everythingDown = false

  constructor(rates: EvictionRates, decisions: NodeLifecycleDecisions) {
    this.#rates = rates
    this.#decisions = decisions
  }

  zoneOf(node: Node): string {
    return zoneKey(node)
  }

  /** Counts a node with its Ready condition for the state of its zone. */
  count(node: Node, ready: Condition | undefined): void {
    const zone = this.#zone(zoneKey(node))
    if (node.metadata.labels?.[EXCLUDE_LABEL] === undefined) zone.conditions.push(ready)
  }

  /** Puts a node in its zone's queue; one that waits already keeps its place. */
  queue(node: Node): void {
    this.#zone(zoneKey(node)).waiting.add(node.metadata.name)
  }

  dequeue(name: string): void {
    for (const zone of this.#zones.values()) zone.waiting.delete(name)
  }

  dequeueAll(): void {
    for (const zone of this.#zones.values()) zone.waiting.clear()
  }

  /** All nodes are counted: states and rates follow; says what that means for the cluster. */
  settle(now: Micros, onState: (zone: string, state: ZoneState) => void): DisruptionChange {
    const states = new Map<string, ZoneState>()
    for (const [key, zone] of this.#zones) {
      if (zone.conditions.length === 0) continue
      states.set(key, this.#decisions.zoneState(zone.conditions, this.#rates.unhealthyThresholdPercent))
    }
    const change = computeDisruptionChange(this.#states, states)
    for (const [key, state] of states) {
      const zone = this.#zone(key)
      if (this.#states.get(key) !== state) onState(key, state)
      if (change.kind === 'everything-down') zone.limiter.setRate(0, now)
      else if (change.kind !== 'none') {
        zone.limiter.setRate(this.#decisions.evictionRate(state, zone.conditions.length, this.#rates), now)
      }
    }
    if (change.kind === 'everything-down') this.everythingDown = true
    else if (change.kind === 'contact-returned') this.everythingDown = false
    for (const zone of this.#zones.values()) zone.conditions = []
    this.#states = states
    return change
  }

  /** Hands out permits; answers when the next one comes, if anybody waits for it. */
  grant(now: Micros, onPermit: (name: string) => void): Micros | undefined {
    let next: Micros | undefined
    for (const zone of this.#zones.values()) {
      for (const name of zone.waiting) {
        if (!zone.limiter.tryTake(now)) break
        zone.waiting.delete(name)
        onPermit(name)
      }
      const at = zone.waiting.size === 0 ? undefined : zone.limiter.nextPermitMicros()
      if (at === undefined) continue
      invariant(at > now, 'controllers: who waits for a permit waits for a later one', { at, now })
      if (next === undefined || at < next) next = at
    }
    return next
  }

  #zone(key: string): Zone {
    let zone = this.#zones.get(key)
    if (zone === undefined) {
      zone = { limiter: new EvictionLimiter(this.#rates.nodesPerThousandSeconds), waiting: new Set(), conditions: [] }
      this.#zones.set(key, zone)
    }
    return zone
  }
}
