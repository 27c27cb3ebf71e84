/**
 * Mutations of a scenario as data: a fault or step out, in, moved, lasting longer or shorter, with another number or another target;
 * two scenarios spliced at a moment; another seed. What comes out can run: it is checked, and tried again if it cannot. Donors lend
 * faults and steps, so that nothing is put in which the suite would not draw. Times stay where the suite draws them.
 */
import type { WorkloadStep } from '../../cluster/workload.ts'
import { type Micros, SECOND } from '../../kernel/index.ts'
import { inOrder } from '../arbitraries.ts'
import { mistakesOf } from '../check-scenario.ts'
import type { Registry } from '../registry.ts'
import type { FaultStep, Scenario } from '../scenario.ts'
import type { Dice } from './dice.ts'

const FAULTS_MAXIMUM = 10
const STEPS_MAXIMUM = 8
const STACKED_MAXIMUM = 3
const TRIES = 8
/** Faults and steps begin so long before the end of the active phase, as suites draw them. */
const LAST_MICROS: Micros = 5 * SECOND
/** How near to another event something is moved. */
const NEAR_MICROS: Micros = 2 * SECOND

type Timed = FaultStep | WorkloadStep

/** The two lists of a scenario that are mutated. */
interface Items {
  readonly faults: readonly FaultStep[]
  readonly workload: readonly WorkloadStep[]
}

type Mutation = (scenario: Scenario, donor: Scenario, dice: Dice) => Scenario

function windowOf(...scenarios: readonly Scenario[]): readonly [from: Micros, to: Micros] {
  const times = scenarios.flatMap(({ faults, workload }) => [...faults, ...workload].map(({ atMicros }) => atMicros))
  const to = Math.max(0, Math.min(...scenarios.map(({ durationMicros }) => durationMicros)) - LAST_MICROS)
  return [Math.min(to, ...times), to]
}

/** Replaces one item of one of the lists, drawn among all; `change` may take it out by answering undefined. */
function oneItem(scenario: Scenario, dice: Dice, change: (item: Timed) => Timed | undefined): Scenario {
  const { faults, workload } = scenario
  const all: readonly Timed[] = [...faults, ...workload]
  if (all.length === 0) return scenario
  const chosen = dice.pick(all)
  const changed = change(chosen)
  const replaced = <T extends Timed>(items: readonly T[]): readonly T[] =>
    items.flatMap((item) => (item !== chosen ? [item] : changed === undefined ? [] : [changed as T]))
  return { ...scenario, faults: replaced(faults), workload: replaced(workload) }
}

function oneFault(scenario: Scenario, dice: Dice, change: (fault: FaultStep) => FaultStep): Scenario {
  const { faults } = scenario
  if (faults.length === 0) return scenario
  const chosen = dice.pick(faults)
  return { ...scenario, faults: faults.map((fault) => (fault === chosen ? change(fault) : fault)) }
}

const takeOut: Mutation = (scenario, _donor, dice) => oneItem(scenario, dice, () => undefined)

const putIn: Mutation = (scenario, donor, dice) => {
  const items: readonly Timed[] = [...donor.faults, ...donor.workload]
  if (items.length === 0) return scenario
  const item = { ...dice.pick(items) }
  return 'durationMicros' in item
    ? { ...scenario, faults: [...scenario.faults, item] }
    : { ...scenario, workload: [...scenario.workload, item] }
}

/** To any time, or near to something else that happens. */
const move: Mutation = (scenario, donor, dice) => {
  const [from, to] = windowOf(scenario, donor)
  const times = [...scenario.faults, ...scenario.workload].map(({ atMicros }) => atMicros)
  const within = (micros: Micros) => Math.min(to, Math.max(from, micros))
  return oneItem(scenario, dice, (item) => ({
    ...item,
    atMicros: dice.chance(1, 2)
      ? dice.integer(from, to)
      : within(dice.pick(times) + dice.integer(-NEAR_MICROS, NEAR_MICROS)),
  }))
}

/** Something that is there already, a second time. */
const again: Mutation = (scenario, donor, dice) => move(putIn(scenario, scenario, dice), donor, dice)

const last: Mutation = (scenario, _donor, dice) =>
  oneFault(scenario, dice, (fault) => ({ ...fault, durationMicros: scaled(fault.durationMicros, dice) }))

const renumber: Mutation = (scenario, _donor, dice) =>
  oneFault(scenario, dice, (fault) => {
    const numbers = Object.entries(fault.parameters).filter(([, value]) => typeof value === 'number')
    if (numbers.length === 0) return fault
    const [name, value] = dice.pick(numbers) as [string, number]
    return { ...fault, parameters: { ...fault.parameters, [name]: scaled(value, dice) } }
  })

/** What a fault of the same kind of the donor strikes. */
const retarget: Mutation = (scenario, donor, dice) =>
  oneFault(scenario, dice, (fault) => {
    const alike = [...donor.faults, ...scenario.faults].filter(({ kind, id }) => kind === fault.kind && id !== fault.id)
    return alike.length === 0 ? fault : { ...fault, parameters: dice.pick(alike).parameters }
  })

/** The beginning of one, the end of the other. */
const splice: Mutation = (scenario, donor, dice) => {
  const [from, to] = windowOf(scenario, donor)
  const at = dice.integer(from, to)
  const cut = <T extends Timed>(before: readonly T[], after: readonly T[]): readonly T[] => [
    ...before.filter(({ atMicros }) => atMicros < at),
    ...after.filter(({ atMicros }) => atMicros >= at),
  ]
  return {
    ...scenario,
    faults: cut(scenario.faults, donor.faults),
    workload: cut(scenario.workload, donor.workload),
  }
}

const reseed: Mutation = (scenario, _donor, dice) => ({ ...scenario, seed: String(dice.integer(0, 0x7fff_ffff)) })

/** By name; moving comes twice, it changes least. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'take out': takeOut,
  'put in': putIn,
  again,
  move,
  'move once more': move,
  last,
  renumber,
  retarget,
  splice,
  reseed,
}

function scaled(value: number, dice: Dice): number {
  return dice.pick([Math.floor(value / 2), value * 2, value + 1, Math.max(0, value - 1)])
}

function named<T extends Timed>(items: readonly T[], prefix: string, most: number, dice: Dice): readonly T[] {
  return inOrder(dice.some(items, most)).map((item, index) => ({ ...item, id: `${prefix}${index + 1}` }))
}

function tidy(scenario: Scenario, dice: Dice): Scenario {
  const items: Items = {
    faults: named(scenario.faults, 'f', FAULTS_MAXIMUM, dice),
    workload: named(scenario.workload, 'w', STEPS_MAXIMUM, dice),
  }
  return { ...scenario, ...items }
}

/** The scenario with one to three mutations, valid and not the same; undefined if eight tries gave none. */
export function mutated(
  scenario: Scenario,
  donor: Scenario,
  registry: Registry,
  dice: Dice,
): { readonly scenario: Scenario; readonly mutations: readonly string[] } | undefined {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const mutations = Array.from({ length: dice.integer(1, STACKED_MAXIMUM) }, () => dice.pick(Object.keys(MUTATIONS)))
    const changed = mutations.reduce((current, name) => (MUTATIONS[name] as Mutation)(current, donor, dice), scenario)
    if (changed === scenario || changed.faults.length + changed.workload.length === 0) continue
    const result = tidy(changed, dice)
    if (mistakesOf(result, registry).length === 0) return { scenario: result, mutations }
  }
  return undefined
}
