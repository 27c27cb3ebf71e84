/** The same scenario once more in another process: equal hashes, or the first event in which the two runs part. */
import type { Scenario, TrialResult } from '../trial/index.ts'
import { type Pool, WorkerLost } from './pool.ts'

/**
 * The result in which the second run differs: `diverged`, or the error of a property that was let through the first time.
 * Undefined if the two runs agree. `first` is the result to compare with.
 */
export async function secondOpinion(
  scenario: Scenario,
  first: TrialResult,
  here: Pool,
  elsewhere: Pool,
): Promise<TrialResult | undefined> {
  try {
    return await compare(scenario, first, here, elsewhere)
  } catch (error) {
    if (!(error instanceof WorkerLost)) throw error
    return asDiverged(first, `it came to its end here; when it ran again, ${error.message}`)
  }
}

async function compare(
  scenario: Scenario,
  first: TrialResult,
  here: Pool,
  elsewhere: Pool,
): Promise<TrialResult | undefined> {
  // Labelled: properties are watched more closely, and what they are given is frozen throughout.
  const { result } = await elsewhere.run({ kind: 'scenario', scenario }, () => {}, { labelled: true })
  if (result.traceHash === first.traceHash && result.verdict === first.verdict) return undefined
  if (result.error?.property !== undefined && first.error === undefined) return result
  const [mine, theirs] = await Promise.all([
    here.run({ kind: 'scenario', scenario, trace: true }),
    elsewhere.run({ kind: 'scenario', scenario, trace: true }),
  ])
  return asDiverged(
    first,
    firstDifference(mine.trace ?? [], theirs.trace ?? []) ??
      `trace hashes ${first.traceHash} and ${result.traceHash}, with equal events on a third run`,
  )
}

/** The first line that differs, with both versions. */
export function firstDifference(left: readonly string[], right: readonly string[]): string | undefined {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    if (left[index] !== right[index])
      return `event ${index + 1}: "${left[index] ?? 'no event'}" here, "${right[index] ?? 'no event'}" in another process`
  }
  return undefined
}

/** `result` with the verdict `diverged`. */
function asDiverged(result: TrialResult, difference: string): TrialResult {
  return {
    ...result,
    verdict: 'diverged',
    error: { message: `two runs of one scenario differ: ${difference}` },
    signature: 'determinism/diverged/trace',
  }
}
