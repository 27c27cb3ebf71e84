/** The same scenario once more in another process: equal hashes, or the first event in which the two runs part. */
import type { Scenario, TrialResult } from '../trial/index.ts'
import { type Pool, WorkerLost } from './pool.ts'

/** Why the two runs differ, or undefined if they do not. `first` is the result to compare with. */
export async function secondOpinion(
  scenario: Scenario,
  first: TrialResult,
  here: Pool,
  elsewhere: Pool,
): Promise<string | undefined> {
  try {
    return await compare(scenario, first, here, elsewhere)
  } catch (error) {
    if (!(error instanceof WorkerLost)) throw error
    return `it came to its end here; when it ran again, ${error.message}`
  }
}

async function compare(
  scenario: Scenario,
  first: TrialResult,
  here: Pool,
  elsewhere: Pool,
): Promise<string | undefined> {
  const { result } = await elsewhere.run({ kind: 'scenario', scenario })
  if (result.traceHash === first.traceHash && result.verdict === first.verdict) return undefined
  const [mine, theirs] = await Promise.all([
    here.run({ kind: 'scenario', scenario, trace: true }),
    elsewhere.run({ kind: 'scenario', scenario, trace: true }),
  ])
  return (
    firstDifference(mine.trace ?? [], theirs.trace ?? []) ??
    `trace hashes ${first.traceHash} and ${result.traceHash}, with equal events on a third run`
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
export function asDiverged(result: TrialResult, difference: string): TrialResult {
  return {
    ...result,
    verdict: 'diverged',
    error: { message: `two runs of one scenario differ: ${difference}` },
    signature: 'determinism/diverged/trace',
  }
}
