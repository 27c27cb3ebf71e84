/**
 * Swarm testing (Groce et al., 2012): every trial switches half of the kinds of fault and of workload step off, and has more of
 * what is left. The suites draw kinds in that style already; here few kinds come many times, and the steps are thinned like
 * the faults. What a suite can draw is learned by drawing: the further scenarios that are made for one trial lend it theirs.
 */
import { Arbitrary, type Random, Stream, Value } from 'fast-check'
import type { WorkloadStep } from '../../cluster/workload.ts'
import { inOrder } from '../arbitraries.ts'
import { canonicalText } from '../canonical.ts'
import { mistakesOf } from '../check-scenario.ts'
import type { Registry } from '../registry.ts'
import type { FaultStep, Scenario } from '../scenario.ts'
import { Dice } from './dice.ts'
import type { DrawnStrategy } from './strategy.ts'

/** Scenarios that lend a trial their faults and steps. */
const LENDERS = 4
const FAULTS_MAXIMUM = 8
const STEPS_MAXIMUM = 6
/** Out of so many trials one has no traffic. */
const SILENT_ONE_IN = 4

/** The faults or steps of some kinds only, renamed in order of time. */
export function onlyKinds<T extends FaultStep | WorkloadStep>(
  items: readonly T[],
  kinds: readonly string[],
  most: number,
  prefix: string,
  dice: Dice,
): readonly T[] {
  const chosen = dice.some(
    items.filter(({ kind }) => kinds.includes(kind)),
    most,
  )
  return inOrder(chosen).map((item, index) => ({ ...item, id: `${prefix}${index + 1}` }))
}

/** The scenario with some kinds switched off and more of the others, taken from `lenders` on the same cluster. */
export function swarmed(scenario: Scenario, lenders: readonly Scenario[], registry: Registry, dice: Dice): Scenario {
  const place = canonicalText([scenario.topology, scenario.objects])
  const alike = [scenario, ...lenders.filter(({ topology, objects }) => canonicalText([topology, objects]) === place)]
  const faults = alike.flatMap((one) => one.faults)
  const steps = alike.flatMap((one) => one.workload)
  const kindsOf = (items: readonly { readonly kind: string }[]) => [...new Set(items.map(({ kind }) => kind))]
  const result: Scenario = {
    ...scenario,
    faults: onlyKinds(faults, dice.half(kindsOf(faults)), dice.integer(1, FAULTS_MAXIMUM), 'f', dice),
    workload: onlyKinds(steps, dice.half(kindsOf(steps)), dice.integer(1, STEPS_MAXIMUM), 'w', dice),
    traffic: dice.chance(1, SILENT_ONE_IN) ? [] : scenario.traffic,
  }
  return mistakesOf(result, registry).length === 0 ? result : scenario
}

class SwarmArbitrary extends Arbitrary<Scenario> {
  readonly #suite: Arbitrary<Scenario>
  readonly #registry: Registry

  constructor(suite: Arbitrary<Scenario>, registry: Registry) {
    super()
    this.#suite = suite
    this.#registry = registry
  }

  override generate(random: Random, biasFactor: number | undefined): Value<Scenario> {
    const draw = () => this.#suite.generate(random, biasFactor).value
    const scenario = draw()
    const lenders = Array.from({ length: LENDERS }, draw)
    const dice = new Dice(random.nextInt(0, 0x7fff_ffff), 'swarm')
    return new Value(swarmed(scenario, lenders, this.#registry, dice), undefined)
  }

  override canShrinkWithoutContext(value: unknown): value is Scenario {
    return this.#suite.canShrinkWithoutContext(value)
  }

  /** The house's shrinker stands in front of this one. */
  override shrink(): Stream<Value<Scenario>> {
    return Stream.nil()
  }
}

export const swarm: DrawnStrategy = {
  kind: 'drawn',
  id: 'swarm',
  title: 'half of the kinds of fault and step are switched off, the others come more often',
  source: 'Groce, Zhang, Eide, Chen and Regehr, "Swarm Testing", 2012',
  arbitrary: (suite, registry) => new SwarmArbitrary(suite, registry),
}
