/** A plan carried out: kept scenarios first, then what is fixed, then what is drawn, until one fails; that one is shrunk. */
import { join, relative, resolve } from 'node:path'
import { corpusFolder } from '../cli/files.ts'
import { failureOf } from '../cli/keeper.ts'
import { traceLines } from '../cli/perform.ts'
import { type Runner, secondOpinion } from '../cli/second-opinion.ts'
import {
  irrelevantItems,
  mistakesOf,
  type RunTrial,
  readCorpus,
  type Scenario,
  search,
  type TrialResult,
} from '../trial/index.ts'
import { isHung, runBounded } from './bounded.ts'
import type { Plan } from './plan.ts'

export interface Failure {
  readonly scenario: Scenario
  readonly result: TrialResult
  /** File of the corpus that the scenario came from. */
  readonly kept?: string
  /** Where it was drawn. */
  readonly drawn?: {
    readonly title: string
    /** The trial's number, from 1. */
    readonly trial: number
    readonly original: Scenario
    /** Trials that shrinking took. */
    readonly executions: number
  }
}

export interface Judgement {
  readonly failure: Failure | undefined
  /** Trials that looked at something. */
  readonly meant: number
  readonly trials: number
  /** Properties that were asked for by name and never looked at anything. */
  readonly unreached: readonly string[]
  /** Kept scenarios that could not be used, and why. */
  readonly remarks: readonly string[]
  /** A trial for a second opinion on determinism: the failing one, or the first. */
  readonly sample: Sample | undefined
}

interface Sample {
  readonly scenario: Scenario
  readonly result: TrialResult
  /** The events and facts of that very run, a line each. */
  readonly lines?: () => readonly string[]
}

/** @throws UserError if a scenario cannot be drawn */
export function judge(plan: Plan): Judgement {
  const { registry, watchdogMillis } = plan
  let lines: Sample['lines']
  const run: RunTrial = (scenario, options) => {
    if (trials > 0) return runBounded(scenario, registry, watchdogMillis, options)
    const recorded = runRecorded(plan, scenario)
    lines = recorded.lines
    return recorded.result
  }
  const looked = new Set<string>()
  let meant = 0
  let trials = 0
  let hung = false
  let sample: Sample | undefined
  const note = (scenario: Scenario, result: TrialResult) => {
    trials++
    if (result.verdict !== 'vacuous') meant++
    for (const id of result.reached)
      if (registry.properties.get(id)?.mode !== 'sometimes' || result.seen.includes(id)) looked.add(id)
    sample ??= { scenario, result, ...(lines === undefined ? {} : { lines }) }
    hung ||= isHung(result)
  }
  const { entries, remarks } = keptFor(plan)
  const judgement = (failure?: Failure): Judgement => ({
    failure,
    meant,
    trials,
    unreached: plan.properties?.filter((id) => !looked.has(id)) ?? [],
    remarks,
    sample: failure ?? sample,
  })
  for (const { scenario, file } of [...entries, ...plan.fixed.map((fixed) => ({ scenario: fixed, file: undefined }))]) {
    const result = run(scenario)
    note(scenario, result)
    if (failureOf(result) !== undefined)
      return judgement({ scenario, result, ...(file === undefined ? {} : { kept: file }) })
  }
  for (const { scenarios, title } of plan.sources) {
    const { found } = search(scenarios, registry, {
      seed: plan.seed,
      trials: plan.trials,
      maximumExecutions: plan.maximumShrinkExecutions,
      isFailure: (result) => failureOf(result) !== undefined,
      onTrial: (_number, scenario, result) => note(scenario, result),
      run: (scenario) => run(scenario),
      // What hangs is kept as it was drawn: each attempt to shrink it would cost as much again.
      isInterrupted: () => hung,
      irrelevant: (scenario) => irrelevantItems(scenario, registry, run),
    })
    if (found === undefined) continue
    const { scenario, result, executions } = found.shrunk
    return judgement({
      scenario,
      result,
      drawn: { title, trial: found.number + 1, original: found.original, executions },
    })
  }
  return judgement()
}

/** Runs the sample again: the failure if the two runs differ, with the first event in which they do. */
export async function judgeAgain(plan: Plan, { sample }: Judgement): Promise<Failure | undefined> {
  // What hung once would hang again.
  if (sample === undefined || isHung(sample.result)) return undefined
  const { scenario } = sample
  const first: Runner = {
    run: () => Promise.resolve({ trace: (sample.lines ?? runRecorded(plan, scenario).lines)() } as never),
  }
  const second: Runner = {
    run: (_job, _onNews, how) => {
      const { result, lines } = runRecorded(plan, scenario, how?.labelled)
      return Promise.resolve({ result, trace: lines() } as never)
    },
  }
  const result = await secondOpinion(scenario, sample.result, first, second, 'when it ran again')
  return result === undefined ? undefined : { scenario, result }
}

/** Runs a scenario and keeps its trace. `labelled`: what properties are given is frozen throughout. */
function runRecorded({ registry, watchdogMillis }: Plan, scenario: Scenario, labelled = false) {
  let lines: () => readonly string[] = () => []
  const result = runBounded(scenario, registry, watchdogMillis, {
    keepTrace: true,
    inspect: ({ kernel }) => {
      lines = () => traceLines(kernel, true)
    },
    ...(labelled ? { onActivity: () => {} } : {}),
  })
  return { result, lines: () => lines() }
}

/** Scenarios of the corpus that bear the plan's name, as it runs them. */
function keptFor(plan: Plan) {
  if (plan.name === undefined) return { entries: [], remarks: [] }
  const folders = [join(plan.dir, 'corpus'), resolve('fixtures/corpus')]
  const { entries, damaged } = readCorpus(folders.map((folder) => corpusFolder(folder, relative(resolve(), folder))))
  const remarks = damaged.map(({ message }) => message)
  const usable = entries.flatMap(({ scenario, file, about }) => {
    const failed = about?.signature?.split('/', 1)[0]
    const isOurs =
      scenario.name === plan.name &&
      scenario.defects.every((defect) => plan.defects.includes(defect)) &&
      (plan.properties === undefined || failed === undefined || plan.properties.includes(failed))
    if (!isOurs) return []
    const renewed = plan.renewed(scenario)
    const [mistake] = mistakesOf(renewed, plan.registry)
    if (mistake === undefined) return [{ scenario: renewed, file }]
    remarks.push(`${file} ${mistake.path}: ${mistake.what} (${mistake.mend})`)
    return []
  })
  return { entries: usable, remarks }
}
