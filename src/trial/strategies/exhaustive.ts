/**
 * All scenarios of a small scope, in order of size (the small scope hypothesis: Jackson and Damon, 1996): no fault, one of each
 * kind at each target at each of a few moments, one step, then pairs of them in each order. What the suite can draw is learned from
 * a sample of it. The cluster, its objects and the seed are the same throughout.
 */
import type { WorkloadStep } from '../../cluster/workload.ts'
import { type Micros, SECOND } from '../../kernel/index.ts'
import { inOrder } from '../arbitraries.ts'
import { canonicalText } from '../canonical.ts'
import { mistakesOf } from '../check-scenario.ts'
import type { Registry } from '../registry.ts'
import type { FaultStep, Scenario } from '../scenario.ts'
import { sizeOf } from '../shrink-passes.ts'
import type { Course, Lane, LearningStrategy } from './strategy.ts'

const LANE_TRIALS = 64
const SAMPLE = 96
const MOMENTS = 4
/** Between the two of a pair. */
const APART_MICROS: Micros = SECOND

type Entry = { readonly fault: FaultStep } | { readonly step: WorkloadStep }

/** What differs between faults of a small scope: the kind and whom it strikes, not how much. */
function nameOfFault({ kind, parameters }: FaultStep): string {
  const targets = Object.entries(parameters).filter(([, value]) => typeof value !== 'number')
  return canonicalText([kind, Object.fromEntries(targets)])
}

function nameOfStep(step: WorkloadStep): string {
  const members = step as unknown as Readonly<Record<string, unknown>>
  return canonicalText(['kind', 'deployment', 'node', 'member', 'resource', 'name'].map((key) => members[key]))
}

/** One of each name, that of the middle size. */
function middles<T>(items: readonly T[], nameOf: (item: T) => string, measure: (item: T) => number): T[] {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(nameOf(item), [...(groups.get(nameOf(item)) ?? []), item])
  return [...groups.values()].map(
    (group) => group.toSorted((a, b) => measure(a) - measure(b))[Math.floor(group.length / 2)] as T,
  )
}

/** The family of a sample: its smallest cluster, and everything of one or two faults and steps. */
export function* family(sample: readonly Scenario[], registry: Registry): Generator<Scenario> {
  const [smallest] = sample.toSorted((a, b) => (sizeOf(a)[6] as number) - (sizeOf(b)[6] as number))
  if (smallest === undefined) return
  const base: Scenario = { ...smallest, faults: [], workload: [] }
  const place = canonicalText([base.topology, base.objects])
  const alike = sample.filter(({ topology, objects }) => canonicalText([topology, objects]) === place)
  const canRun = (scenario: Scenario) => mistakesOf(scenario, registry).length === 0
  const faults = middles(
    alike.flatMap((one) => one.faults),
    nameOfFault,
    ({ durationMicros }) => durationMicros,
  )
  const steps = middles(
    alike.flatMap((one) => one.workload),
    nameOfStep,
    () => 0,
  )
  const times = alike.flatMap((one) => [...one.faults, ...one.workload]).map(({ atMicros }) => atMicros)
  const moments = evenly(Math.min(...times, base.durationMicros), Math.max(...times, 0))
  const made = function* (...entries: readonly (readonly [Entry, Micros])[]) {
    const scenario = withEntries(base, entries)
    if (canRun(scenario)) yield scenario
  }
  const all: readonly Entry[] = [...steps.map((step) => ({ step })), ...faults.map((fault) => ({ fault }))]
  yield base
  for (const at of moments) for (const entry of all) yield* made([entry, at])
  for (const at of moments)
    for (const [index, first] of all.entries())
      for (const second of all.slice(index + 1)) {
        yield* made([first, at], [second, at + APART_MICROS])
        yield* made([second, at], [first, at + APART_MICROS])
      }
}

function evenly(from: Micros, to: Micros): readonly Micros[] {
  return Array.from({ length: MOMENTS }, (_, index) => {
    const at = from + Math.floor((Math.max(0, to - from) * index) / MOMENTS)
    return Math.floor(at / 100_000) * 100_000
  })
}

function withEntries(base: Scenario, entries: readonly (readonly [Entry, Micros])[]): Scenario {
  const faults = entries.flatMap(([entry, atMicros]) => ('fault' in entry ? [{ ...entry.fault, atMicros }] : []))
  const steps = entries.flatMap(([entry, atMicros]) => ('step' in entry ? [{ ...entry.step, atMicros }] : []))
  return {
    ...base,
    faults: inOrder(faults).map((fault, index) => ({ ...fault, id: `f${index + 1}` })),
    workload: inOrder(steps).map((step, index) => ({ ...step, id: `w${index + 1}` })),
  }
}

function* course(lane: Lane): Course {
  let place = 0
  for (const scenario of family(lane.sample(SAMPLE), lane.registry))
    if (place++ >= lane.number * LANE_TRIALS) yield { scenario }
}

export const exhaustive: LearningStrategy = {
  kind: 'learning',
  id: 'exhaustive',
  laneTrials: LANE_TRIALS,
  title: 'every scenario of at most two faults and steps, at a few moments, smallest first',
  source:
    'Jackson and Damon, "Elements of Style: Analyzing a Software Design Feature with a Counterexample Detector", 1996',
  course,
}
