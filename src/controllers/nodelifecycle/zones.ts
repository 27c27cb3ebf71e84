/**
 * How many nodes of a zone may lose their pods, and how fast. Losing contact with most nodes says more about us than about them.
 * Models kubernetes pkg/controller/nodelifecycle ComputeZoneState, handleDisruption, HealthyQPSFunc, ReducedQPSFunc, v1.33.
 */
import { type Micros, SECOND } from '../../kernel/index.ts'
import type { Condition, Node } from '../../objects/index.ts'

export type ZoneState = 'Initial' | 'Normal' | 'PartialDisruption' | 'FullDisruption'

export interface EvictionRates {
  /** Nodes a zone may lose per 1,000 seconds when healthy. Default 100 (0.1/s). */
  readonly nodesPerThousandSeconds: number
  /** The same in a large zone under partial disruption. Default 10 (0.01/s). */
  readonly secondaryNodesPerThousandSeconds: number
  /** A zone above so many nodes counts as large; smaller ones stop evictions under partial disruption. Default 50. */
  readonly largeClusterThreshold: number
  /** Percentage of nodes not ready from which a zone counts as partially disrupted (if more than 2 are). Default 55. */
  readonly unhealthyThresholdPercent: number
}

const REGION_LABEL = 'topology.kubernetes.io/region'
const ZONE_LABEL = 'topology.kubernetes.io/zone'

/** The zone that a node is counted in: region and zone of its labels; one zone for all nodes without. */
export function zoneKey(node: Node): string {
  const labels = node.metadata.labels
  return `${labels?.[REGION_LABEL] ?? ''}:${labels?.[ZONE_LABEL] ?? ''}`
}

/** A zone's state from the Ready conditions of its nodes (undefined: none reported). */
export function computeZoneState(
  conditions: readonly (Condition | undefined)[],
  unhealthyThresholdPercent: number,
): ZoneState {
  let ready = 0
  for (const condition of conditions) if (condition?.status === 'True') ready++
  const notReady = conditions.length - ready
  if (ready === 0 && notReady > 0) return 'FullDisruption'
  if (notReady > 2 && notReady * 100 >= unhealthyThresholdPercent * conditions.length) return 'PartialDisruption'
  return 'Normal'
}

/** Nodes per 1,000 seconds that may be tainted NoExecute in a zone of that state and size. */
export function computeEvictionRate(state: ZoneState, size: number, rates: EvictionRates): number {
  if (state !== 'PartialDisruption') return rates.nodesPerThousandSeconds
  return size > rates.largeClusterThreshold ? rates.secondaryNodesPerThousandSeconds : 0
}

/** What a change of states means for the whole cluster. */
export type DisruptionChange =
  /** Every zone is down now, and was not: untaint all, stop evictions. */
  | { readonly kind: 'everything-down' }
  /** Contact returns: all grace periods start again, rates follow the states. */
  | { readonly kind: 'contact-returned'; readonly states: ReadonlyMap<string, ZoneState> }
  /** Some zones changed state. */
  | { readonly kind: 'zones-changed'; readonly states: ReadonlyMap<string, ZoneState> }
  | { readonly kind: 'none' }

/** Compares the states of the last pass with those of this one. */
export function computeDisruptionChange(
  before: ReadonlyMap<string, ZoneState>,
  after: ReadonlyMap<string, ZoneState>,
): DisruptionChange {
  const isDown = after.size > 0 && allDown(after)
  const wasDown = before.size > 0 && allDown(before)
  if (isDown && wasDown) return { kind: 'none' }
  if (isDown) return { kind: 'everything-down' }
  if (wasDown) return { kind: 'contact-returned', states: after }
  for (const [zone, state] of after) if (before.get(zone) !== state) return { kind: 'zones-changed', states: after }
  return { kind: 'none' }
}

function allDown(states: ReadonlyMap<string, ZoneState>): boolean {
  for (const state of states.values()) if (state !== 'FullDisruption') return false
  return true
}

/** One permit at a time, at a rate that can be changed; no permit is saved up beyond one. */
export class EvictionLimiter {
  #rate: number
  #nextPermit: Micros = 0

  constructor(nodesPerThousandSeconds: number) {
    this.#rate = nodesPerThousandSeconds
  }

  /** A limiter that has just given a permit stays empty when its rate changes. */
  setRate(nodesPerThousandSeconds: number, now: Micros): void {
    if (nodesPerThousandSeconds === this.#rate) return
    const saturated = this.#rate === 0 || now < this.#nextPermit
    this.#rate = nodesPerThousandSeconds
    this.#nextPermit = saturated ? now + this.#interval() : now
  }

  /** Takes a permit if there is one. */
  tryTake(now: Micros): boolean {
    if (this.#rate === 0 || now < this.#nextPermit) return false
    this.#nextPermit = now + this.#interval()
    return true
  }

  /** When the next permit comes; undefined while the rate is 0. */
  nextPermitMicros(): Micros | undefined {
    return this.#rate === 0 ? undefined : this.#nextPermit
  }

  #interval(): Micros {
    return this.#rate === 0 ? 0 : Math.ceil((1_000 * SECOND) / this.#rate)
  }
}
