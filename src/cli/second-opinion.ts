/** The same scenario once more in another process: equal hashes, or the first event in which the two runs part. */
import { listed } from '../report/index.ts'
import type { Scenario, TrialResult } from '../trial/index.ts'
import { type Pool, WorkerLost } from './pool.ts'

/** Whoever can run a scenario: workers, processes, or this very thread. */
export type Runner = Pick<Pool, 'run'>

/** Some of the workers of a pool; of a pool of one, that one. */
export function workersOf(pool: Pool, mayTake: (place: number) => boolean): Runner {
  return { run: (job, onNews, options) => pool.run(job, onNews, { ...options, mayTake }) }
}

/**
 * The result in which the second run differs: `diverged`, or the error of a property that was let through the first time.
 * Undefined if the two runs agree. `first` is the result to compare with.
 */
export async function secondOpinion(
  scenario: Scenario,
  first: TrialResult,
  here: Runner,
  elsewhere: Runner,
  where = 'in another process',
): Promise<TrialResult | undefined> {
  try {
    return await compare(scenario, first, here, elsewhere, where)
  } catch (error) {
    if (!(error instanceof WorkerLost)) throw error
    return asDiverged(first, `it came to its end here; when it ran again, ${error.message}`)
  }
}

async function compare(
  scenario: Scenario,
  first: TrialResult,
  here: Runner,
  elsewhere: Runner,
  where: string,
): Promise<TrialResult | undefined> {
  // Labelled: properties are watched more closely, and what they are given is frozen throughout.
  const { result } = await elsewhere.run({ kind: 'scenario', scenario }, () => {}, { labelled: true })
  if (result.traceHash === first.traceHash && result.verdict === first.verdict) return undefined
  // The same code went wrong in the same way. How closely it is watched decides when that is noticed.
  if (result.verdict === 'error' && first.verdict === 'error' && result.signature === first.signature) return undefined
  if (result.error?.property !== undefined && first.error === undefined) return result
  const [mine, theirs] = await Promise.all([
    here.run({ kind: 'scenario', scenario, trace: true, facts: true }),
    elsewhere.run({ kind: 'scenario', scenario, trace: true, facts: true }),
  ])
  const [left, right] = [mine.trace ?? [], theirs.trace ?? []]
  const difference =
    earlyEnd(left, right, [mine.result, theirs.result], where) ??
    firstDifference(left, right, where) ??
    `trace hashes ${first.traceHash} and ${result.traceHash}, although two further runs agree in every event and fact: ${REMEMBERED}`
  const verdicts =
    result.verdict === first.verdict
      ? ''
      : `; the verdict was ${verdictOf(first)} here and ${verdictOf(result)} ${where}`
  return asDiverged(first, `${difference}${verdicts}`)
}

/** What a user does about a run that goes by more than its scenario. */
export const REMEMBERED =
  'something remembers earlier runs, such as a variable that the module of a property or fault keeps from one trial to the next'

/** Two runs that agree in everything until a verdict ends one of them: it is the verdict that differs, not what happened. */
function earlyEnd(
  left: readonly string[],
  right: readonly string[],
  [mine, theirs]: readonly [TrialResult, TrialResult],
  where: string,
): string | undefined {
  const common = Math.min(left.length, right.length)
  const last = left[common - 1]
  if (left.length === right.length || last === undefined) return undefined
  if (left.slice(0, common).some((line, index) => line !== right[index])) return undefined
  const [ended, place] = left.length === common ? [mine, 'here'] : [theirs, where]
  if (ended.verdict !== 'failed' && ended.verdict !== 'error') return undefined
  return `every event is the same up to ${nameOf(last)}, at which the run ${place} ends: ${verdictOf(ended)}; ${REMEMBERED}`
}

/** Who decided it, if one property did: it may be the one that goes by something outside of the cluster. */
function verdictOf({ verdict, violation, error }: TrialResult): string {
  const property = violation?.property ?? error?.property
  return property === undefined ? verdict : `${verdict} (${property})`
}

/** The first line that differs, with both versions and what differs in it. */
export function firstDifference(
  left: readonly string[],
  right: readonly string[],
  where = 'in another process',
): string | undefined {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [mine, theirs] = [left[index], right[index]]
    if (mine === theirs) continue
    const what = mine === undefined || theirs === undefined ? '' : `${differingParts(mine, theirs)}: `
    return `${nameOf(mine ?? theirs ?? '')}: ${what}"${mine ?? 'no event'}" here, "${theirs ?? 'no event'}" ${where}`
  }
  return undefined
}

/** An event as `Kernel.describe` prints it, or a fact as `perform.ts` puts it under the event that published it. */
const EVENT =
  /^(?<step>\d+) (?<time>\d+) us (?<process>\S+) (?<event>.*) (?<number>-?\d+) \(because of (?<cause>-?\d+)\)$/
const FACT = /^(?<step>\d+) fact (?<type>\S+) (?<content>.*)$/

function nameOf(line: string): string {
  const fact = FACT.exec(line)?.groups
  return fact === undefined ? `event ${EVENT.exec(line)?.groups?.step ?? line}` : `a fact of event ${fact.step}`
}

/** "the time and the process differ". */
function differingParts(left: string, right: string): string {
  const [mine, theirs] = [left, right].map((line) => EVENT.exec(line)?.groups ?? FACT.exec(line)?.groups)
  if (mine === undefined || theirs === undefined || 'type' in mine !== 'type' in theirs)
    return 'one run has an event where the other publishes a fact'
  const parts = Object.keys(mine).filter((part) => mine[part] !== theirs[part])
  return `${listed(parts.map((part) => `the ${part}`))} ${parts.length === 1 ? 'differs' : 'differ'}`
}

/** Two runs in one worker, one after the other. */
export function notAgain(first: TrialResult, second: TrialResult): string {
  return `the verdict was ${verdictOf(first)}, and ${verdictOf(second)} when it ran again in the same worker; ${REMEMBERED}`
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
