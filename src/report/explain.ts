/**
 * A failure explained: what it needs, the chain from there to the violation, the moment from which it was certain, and the
 * nearest scenario that passes with what differs between the two runs.
 */
import { firstDifference, type Micros } from '../kernel/index.ts'
import {
  type Ablation,
  ablate,
  type Certainty,
  type CertaintyOptions,
  findCertainty,
  type Neighbour,
  nearestPassing,
  type Recording,
  type Registry,
  type RunTrial,
  record,
  type Scenario,
  type TrialResult,
} from '../trial/index.ts'
import { type ChainLine, chainOf, nameless } from './chain.ts'
import { phraseOf } from './phrases.ts'
import type { StoryLine } from './story.ts'

export interface Differences {
  /** The first event that is not the same in both runs, as each of them has it. */
  readonly atMicros: Micros
  readonly failing: string
  readonly passing: string
  /** The first facts after it that only one of the runs has. */
  readonly onlyFailing: readonly StoryLine[]
  readonly onlyPassing: readonly StoryLine[]
}

export interface Explanation {
  readonly signature: string
  readonly result: TrialResult
  readonly ablation: Ablation
  readonly chain: readonly ChainLine[]
  readonly neighbour: Neighbour | undefined
  readonly differences: Differences | undefined
  readonly certainty: Certainty | undefined
  /** Trials that all of this took. */
  readonly executions: number
}

export interface ExplainOptions extends CertaintyOptions {
  /** Default: true. */
  readonly certainty?: boolean
}

const DIFFERENT_FACTS_MAXIMUM = 4

/**
 * Explains why `scenario` fails. Undefined when it does not fail.
 * @param run - executes a scenario; deterministic
 */
export function explainFailure(
  scenario: Scenario,
  registry: Registry,
  run: RunTrial,
  options: ExplainOptions = {},
): Explanation | undefined {
  let executions = 0
  const counted: RunTrial = (candidate, more) => {
    executions++
    return run(candidate, more)
  }
  const first = counted(scenario)
  const { signature } = first
  if (signature === undefined) return undefined
  const ablation = ablate(scenario, signature, counted)
  const failing = record(ablation.scenario, registry, {}, counted)
  const neighbour = nearestPassing(ablation.scenario, registry, counted)
  const passing = neighbour === undefined ? undefined : record(neighbour.scenario, registry, {}, counted)
  const needed = ablation.needed.map(({ item }) => item)
  const chain = chainOf(failing, needed, registry, passing)
  const violatedAtMicros = failing.result.violation?.atMicros ?? failing.result.virtualMicros
  const moments = needed.map(({ atMicros }) => atMicros)
  const certainty =
    options.certainty === false
      ? undefined
      : findCertainty(ablation.scenario, signature, violatedAtMicros, moments, counted, options)
  const differences = passing === undefined ? undefined : differencesOf(failing, passing)
  return { signature, result: failing.result, ablation, chain, neighbour, differences, certainty, executions }
}

function differencesOf(failing: Recording, passing: Recording): Differences | undefined {
  const difference = firstDifference(failing.kernel.trace, passing.kernel.trace)
  if (difference === undefined) return undefined
  const { left, right } = difference
  const atMicros = Math.min(left?.time ?? Number.POSITIVE_INFINITY, right?.time ?? Number.POSITIVE_INFINITY)
  const until = failing.result.violation?.atMicros ?? failing.result.virtualMicros
  return {
    atMicros: Number.isFinite(atMicros) ? atMicros : until,
    failing: left === undefined ? 'the run has ended' : failing.kernel.describe(left),
    passing: right === undefined ? 'the run has ended' : passing.kernel.describe(right),
    onlyFailing: onlyIn(failing, passing, until),
    onlyPassing: onlyIn(passing, failing, until),
  }
}

/** What is told in one run more often than in the other, up to a moment. */
function onlyIn(one: Recording, other: Recording, until: Micros): StoryLine[] {
  const left = new Map<string, number>()
  for (const { fact, time } of other.kernel.trace.facts) {
    const text = time > until ? undefined : phraseOf(fact)?.text
    if (text !== undefined) left.set(nameless(text), (left.get(nameless(text)) ?? 0) + 1)
  }
  const lines: StoryLine[] = []
  for (const { fact, time } of one.kernel.trace.facts) {
    const phrase = time > until ? undefined : phraseOf(fact)
    if (phrase === undefined) continue
    const key = nameless(phrase.text)
    const there = left.get(key) ?? 0
    left.set(key, there - 1)
    if (there <= 0 && phrase.weight > 1) lines.push({ atMicros: time, text: phrase.text })
    if (lines.length === DIFFERENT_FACTS_MAXIMUM) break
  }
  return lines
}
