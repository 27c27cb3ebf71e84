/**
 * What is remembered of a kept scenario beside the scenario itself: how it ended, where it was found, what it tells. It
 * stands in the same file, so it cannot be lost or mixed up, and it decides nothing: a run is the same with and without.
 */
import type { TrialResult, Verdict } from './result.ts'
import type { Scenario } from './scenario.ts'
import { compareSize } from './shrink-passes.ts'

export interface About {
  /** How it ended when it was kept. */
  readonly verdict: Verdict
  /** How it failed. */
  readonly signature?: string
  /** The causal signature of the failure, from whoever can tell: two failures with one cause have one text. */
  readonly cause?: string
  /** What was seen, in one sentence. */
  readonly message?: string
  /** The trial in which it was first met. */
  readonly trial?: string
  /** Nothing smaller fails in the same way. False: as it was drawn. */
  readonly shrunk?: boolean
  /** How many trials of its campaign failed like this, and of how many. */
  readonly failed?: number
  readonly of?: number
  /** What it taught, in words of a person. An entry that tells something is never pruned. */
  readonly tells?: string
}

/** What a trial's result says about its scenario. The one place where a cause comes in from whoever can name it. */
export function aboutOf(result: TrialResult, more: Partial<About> = {}): About {
  const message = result.violation?.message ?? result.error?.message
  return {
    verdict: result.verdict,
    ...(result.signature === undefined ? {} : { signature: result.signature }),
    ...(message === undefined ? {} : { message }),
    ...more,
  }
}

/**
 * Failures of one group have one cause, as far as can be told: the same property broke in the same way (the signature),
 * for the same reason (`cause`, where one is known), by the same kinds of faults and steps (the shape of what is left
 * after shrinking). What was never shrunk still has its noise with it and is told apart by its signature and cause only.
 */
export function groupOf(scenario: Scenario, about: About): string {
  const shape = about.shrunk === true ? shapeOf(scenario) : ''
  return [about.signature ?? about.verdict, about.cause ?? '', shape].filter((part) => part !== '').join(' | ')
}

/** Kinds of faults and steps with their number, in alphabetical order: `2 partition, drain`; "undisturbed" if there are none. */
export function shapeOf({ faults, workload }: Scenario): string {
  const counts = new Map<string, number>()
  for (const { kind } of [...faults, ...workload]) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const kinds = [...counts.keys()].sort()
  if (kinds.length === 0) return 'undisturbed'
  return kinds.map((kind) => (counts.get(kind) === 1 ? kind : `${counts.get(kind)} ${kind}`)).join(', ')
}

/** Smaller is better: shrunk before drawn, then as shrinking measures size. Negative if `a` is the better example. */
export function compareExamples(
  a: { readonly scenario: Scenario; readonly about: About },
  b: { readonly scenario: Scenario; readonly about: About },
): number {
  const drawn = (about: About) => (about.shrunk === true ? 0 : 1)
  return drawn(a.about) - drawn(b.about) || compareSize(a.scenario, b.scenario)
}
