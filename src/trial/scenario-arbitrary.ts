/**
 * A scenario as a fast-check value: any source of scenarios, with the house's shrinker in place of its own. The shrinker's
 * candidates are a pure function of value and context, so seed and path lead to the same shrunk scenario again.
 *
 * The context is the place in the passes at which the parent was accepted. Candidates go on from there and come round to
 * the beginning at the end, so nothing is tried twice in a row and a scenario without a smaller failing neighbour is final.
 */
import { Arbitrary, type Random, type Stream, stream, Value } from 'fast-check'
import { mistakesOf } from './check-scenario.ts'
import type { Registry } from './registry.ts'
import type { Scenario } from './scenario.ts'
import { compareSize, SHRINK_PASSES } from './shrink-passes.ts'

interface Place {
  readonly pass: number
  readonly key: number
}

const START: Place = { pass: 0, key: 0 }

export interface ScenarioArbitraryOptions {
  /** Defects to switch on in every scenario. */
  readonly defects?: readonly string[]
  /** Shrinking leaves the cluster and the replicas as they are. Default: false. */
  readonly keepsCluster?: boolean
}

const CLUSTER_PASSES: readonly string[] = ['cluster smaller', 'replicas fewer']

export class ScenarioArbitrary extends Arbitrary<Scenario> {
  readonly #source: Arbitrary<Scenario>
  readonly #registry: Registry
  readonly #defects: readonly string[]
  readonly #passes: typeof SHRINK_PASSES

  constructor(source: Arbitrary<Scenario>, registry: Registry, options: ScenarioArbitraryOptions = {}) {
    super()
    this.#source = source
    this.#registry = registry
    this.#defects = options.defects ?? []
    const kept = options.keepsCluster === true ? CLUSTER_PASSES : []
    this.#passes = SHRINK_PASSES.filter(({ name }) => !kept.includes(name))
  }

  override generate(random: Random, biasFactor: number | undefined): Value<Scenario> {
    const scenario = this.#source.generate(random, biasFactor).value
    const defects = [...new Set([...scenario.defects, ...this.#defects])]
    return new Value(this.#defects.length === 0 ? scenario : { ...scenario, defects }, START)
  }

  override canShrinkWithoutContext(value: unknown): value is Scenario {
    return typeof value === 'object' && value !== null && 'faults' in value && 'topology' in value
  }

  override shrink(value: Scenario, context: unknown): Stream<Value<Scenario>> {
    return stream(this.#candidates(value, (context as Place | undefined) ?? START))
  }

  *#candidates(value: Scenario, place: Place): Generator<Value<Scenario>> {
    const from = (pass: number, least: number, below: number) => this.#pass(value, pass, least, below)
    yield* from(place.pass, place.key, Number.POSITIVE_INFINITY)
    for (let pass = place.pass + 1; pass < this.#passes.length; pass++) yield* from(pass, 0, Number.POSITIVE_INFINITY)
    for (let pass = 0; pass < place.pass; pass++) yield* from(pass, 0, Number.POSITIVE_INFINITY)
    yield* from(place.pass, 0, place.key)
  }

  *#pass(value: Scenario, pass: number, least: number, below: number): Generator<Value<Scenario>> {
    for (const { key, scenario } of this.#passes[pass]!.candidates(value)) {
      if (key < least || key >= below) continue
      if (compareSize(scenario, value) >= 0 || mistakesOf(scenario, this.#registry).length > 0) continue
      yield new Value(scenario, { pass, key })
    }
  }
}
