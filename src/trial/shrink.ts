/**
 * From a failing scenario to the smallest that fails in the same way, by fast-check's own walk over our shrinker: the first
 * candidate that keeps the signature is taken, and the walk goes on from there. The path of indices is what replay needs.
 *
 * A cluster that never comes to rest shows so only at the end of the quiet phase, after a million events. Such a failure is shrunk
 * under a part of that phase first; what comes out must fail under all of it, and the walk ends there.
 */
import { type Arbitrary, Value } from 'fast-check'
import { choices, type Item, itemsOf } from './explain/items.ts'
import type { TrialResult } from './result.ts'
import type { Scenario } from './scenario.ts'
import { failsAs } from './signature.ts'

export interface ShrinkProgress {
  readonly executions: number
  /** Shrinks accepted so far. */
  readonly accepted: number
  readonly best: Scenario
}

export interface ShrinkOptions {
  /** Trials that may be run. Default: 2,000. */
  readonly maximumExecutions?: number
  /** Asked before each trial; true ends the search with the best so far. */
  readonly isInterrupted?: () => boolean
  readonly onProgress?: (progress: ShrinkProgress) => void
  /** Items of the scenario that may be out at once, as guesses to try first: what the trace says is not to blame. */
  readonly irrelevant?: (scenario: Scenario) => readonly (readonly Item[])[]
}

export interface ShrinkOutcome {
  readonly scenario: Scenario
  readonly result: TrialResult
  /** The given path with the indices of the accepted candidates. */
  readonly path: string
  readonly executions: number
  readonly accepted: number
  /** False: the cap or an interruption ended the search. */
  readonly complete: boolean
}

export const MAXIMUM_SHRINK_EXECUTIONS = 2_000
/** Of so many faults and steps every pair is tried where more than two are left at the end. */
const PAIRS_OF_MAXIMUM = 8

/** Parts of the quiet phase under which a failure of its end is shrunk before all of it. */
const QUIET_PARTS: readonly number[] = [16, 4]

/**
 * Shrinks `value`, whose trial gave `result` with a signature.
 * @param run - executes a scenario; deterministic
 */
export function shrinkFailure(
  arbitrary: Arbitrary<Scenario>,
  value: Value<Scenario>,
  path: string,
  result: TrialResult,
  run: (scenario: Scenario) => TrialResult,
  options: ShrinkOptions = {},
): ShrinkOutcome {
  const { signature } = result
  const whole: Start = { value, path, result, executions: 0, accepted: 0 }
  if (signature === undefined || !failedAtTheEnd(value.value, result)) return walk(arbitrary, whole, run, options)
  const cap = options.maximumExecutions ?? MAXIMUM_SHRINK_EXECUTIONS
  const isOver = () => executions >= cap || options.isInterrupted?.() === true
  let executions = 0
  for (const part of QUIET_PARTS) {
    if (isOver()) break
    const shorter = (scenario: Scenario) => withQuietPart(scenario, part)
    const runShorter = (scenario: Scenario) => run(shorter(scenario))
    executions++
    const early = runShorter(value.value)
    if (!failsAs(early, signature)) continue
    const { irrelevant } = options
    const start: Start = { ...whole, result: early, executions }
    const outcome = walk(arbitrary, start, runShorter, {
      ...options,
      // One is left to see whether what comes out fails under all of the phase.
      maximumExecutions: cap - 1,
      ...(irrelevant === undefined ? {} : { irrelevant: (scenario) => irrelevant(shorter(scenario)) }),
    })
    executions = outcome.executions
    if (outcome.accepted === 0 || isOver()) break
    executions++
    const held = run(outcome.scenario)
    if (!failsAs(held, signature)) continue
    const { irrelevant: _, ...rest } = options
    const verified = { value: outcome.value, path: outcome.path, result: held, executions, accepted: outcome.accepted }
    return walk(arbitrary, verified, run, rest)
  }
  return walk(arbitrary, { ...whole, executions }, run, options)
}

/** Whether the verdict took all of the quiet phase: something was not as it should be when it was over. */
function failedAtTheEnd({ durationMicros, settleMicros }: Scenario, { virtualMicros }: TrialResult): boolean {
  return virtualMicros >= durationMicros + settleMicros
}

/** The same scenario with so much less time to come to rest. */
function withQuietPart(scenario: Scenario, part: number): Scenario {
  return { ...scenario, settleMicros: Math.ceil(scenario.settleMicros / part) }
}

/** Where a walk begins, and what it took to get there. */
interface Start {
  readonly value: Value<Scenario>
  readonly path: string
  readonly result: TrialResult
  readonly executions: number
  readonly accepted: number
}

function walk(
  arbitrary: Arbitrary<Scenario>,
  start: Start,
  run: (scenario: Scenario) => TrialResult,
  options: ShrinkOptions,
): ShrinkOutcome & { readonly value: Value<Scenario> } {
  const { value, path, result } = start
  const { signature } = result
  const cap = options.maximumExecutions ?? MAXIMUM_SHRINK_EXECUTIONS
  let best = { value, path, result }
  let { executions, accepted } = start
  const outcome = (complete: boolean) => ({
    value: best.value,
    scenario: best.value.value,
    result: best.result,
    path: best.path,
    executions,
    accepted,
    complete,
  })
  if (signature === undefined) return outcome(false)
  const isOver = () => executions >= cap || options.isInterrupted?.() === true
  /** One step from `from` to the same without `items`, if that fails so too. */
  const leap = (from: { readonly value: Value<Scenario>; readonly path: string }, items: readonly Item[]): boolean => {
    const step = without(arbitrary, from.value, items)
    if (step === undefined) return false
    executions++
    const found = run(step.value.value)
    const taken = failsAs(found, signature)
    if (taken) {
      best = { value: step.value, path: `${from.path}${step.path}`, result: found }
      accepted++
    }
    options.onProgress?.({ executions, accepted, best: best.value.value })
    return taken
  }
  const drawn = itemsOf(value.value)
  if (options.irrelevant !== undefined && !isOver()) {
    // To see what is not to blame takes a run as well.
    executions++
    for (const items of options.irrelevant(value.value)) {
      if (isOver()) return outcome(false)
      leap(best, items)
    }
  }
  let looksForPairs = options.irrelevant !== undefined && drawn.length <= PAIRS_OF_MAXIMUM
  for (;;) {
    let improved = false
    let index = 0
    for (const candidate of arbitrary.shrink(best.value.value, best.value.context)) {
      if (isOver()) return outcome(false)
      executions++
      const found = run(candidate.value)
      if (failsAs(found, signature)) {
        best = { value: candidate, path: `${best.path}:${index}`, result: found }
        accepted++
        improved = true
      }
      options.onProgress?.({ executions, accepted, best: best.value.value })
      if (improved) break
      index++
    }
    if (improved) continue
    // Taking out one thing at a time may end where two others would have been enough from the start.
    if (!looksForPairs || itemsOf(best.value.value).length <= 2) return outcome(true)
    looksForPairs = false
    let found = false
    for (const pair of choices(drawn, 2)) {
      if (isOver()) return outcome(false)
      found = leap(
        { value, path },
        drawn.filter((item) => !pair.includes(item)),
      )
      if (found) break
    }
    if (!found) return outcome(true)
  }
}

/**
 * The scenario without these items, as far as they are still there, by shrinks that the arbitrary offers itself: so the
 * path leads to it, though nothing was run on the way.
 */
function without(
  arbitrary: Arbitrary<Scenario>,
  from: Value<Scenario>,
  items: readonly Item[],
): { readonly value: Value<Scenario>; readonly path: string } | undefined {
  const gone = new Set(items.map(keyOf))
  let value = from
  let path = ''
  for (;;) {
    const present = itemsOf(value.value)
    if (!present.some((item) => gone.has(keyOf(item)))) return path === '' ? undefined : { value, path }
    let index = 0
    let next: Value<Scenario> | undefined
    for (const candidate of arbitrary.shrink(value.value, value.context)) {
      if (onlyLoses(value.value, candidate.value, gone)) {
        next = candidate
        break
      }
      index++
    }
    if (next === undefined) return undefined
    value = next
    path += `:${index}`
  }
}

/** Whether the smaller scenario lacks some of these items and is the same in everything else. */
function onlyLoses(before: Scenario, after: Scenario, gone: ReadonlySet<string>): boolean {
  for (const key of Object.keys(before) as (keyof Scenario)[])
    if (key !== 'faults' && key !== 'workload' && before[key] !== after[key]) return false
  const left = new Set(itemsOf(after).map(keyOf))
  const lost = itemsOf(before).filter((item) => !left.has(keyOf(item)))
  return lost.length > 0 && lost.every((item) => gone.has(keyOf(item)))
}

function keyOf({ list, id }: Item): string {
  return `${list}/${id}`
}

/** A scenario without a drawn context, such as one from a file, as a value that can be shrunk. */
export function asValue(scenario: Scenario): Value<Scenario> {
  return new Value(scenario, undefined)
}
