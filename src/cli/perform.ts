/** A job carried out: the part of a worker that knows of trials and not of threads. */
import fc, { type Arbitrary } from 'fast-check'
import { EPOCH_UNIX_MICROS, type Kernel } from '../kernel/index.ts'
import { type KubeObject, RESOURCES, type Resource } from '../objects/index.ts'
import { explainFailure, exportTrace, objectTables, STORY_FACT_TYPES, tell, whyOf } from '../report/index.ts'
import {
  type ActivityListener,
  assertRunnable,
  asValue,
  irrelevantItems,
  type LearningStrategy,
  laneOf,
  laneTrials,
  type Registry,
  type RunTrial,
  record,
  runScenario,
  type Scenario,
  ScenarioArbitrary,
  scenarioOfTrial,
  scenariosFrom,
  shrinkable,
  shrinkFailure,
  strategyOf,
  suiteArbitrary,
  type TrialId,
  type TrialOptions,
  type TrialResult,
} from '../trial/index.ts'
import type {
  Answers,
  ExplainAnswer,
  ExplainJob,
  Job,
  News,
  ScenarioAnswer,
  ScenarioJob,
  ShrinkAnswer,
  ShrinkJob,
  TrialsJob,
} from './jobs.ts'
import { asDiverged, notAgain } from './second-opinion.ts'

export interface Surroundings {
  readonly registry: Registry
  tell(news: News): void
  /** A trial begins. */
  beat(): void
  isStopped(): boolean
  readonly onActivity?: ActivityListener
}

/** Does a job. @throws UserError when a name in it does not exist. */
export function perform(job: Job, around: Surroundings): Answers[keyof Answers] {
  switch (job.kind) {
    case 'hello':
      return { ready: true }
    case 'trials':
      return performTrials(job, around)
    case 'scenario':
      return performScenario(job, around)
    case 'shrink':
      return performShrink(job, around)
    case 'explain':
      return performExplain(job, around)
  }
}

function performTrials(job: TrialsJob, around: Surroundings): Answers['trials'] {
  const { suite, defects, strategy, seed, from, count } = job
  const wanted = job.footprint === true ? { footprint: true } : {}
  const arbitrary = suiteArbitrary(around.registry, suite, defects, strategy)
  const how = strategyOf(strategy)
  if (how.kind === 'learning') return performLanes(job, how, arbitrary, around)
  let done = 0
  for (const scenario of scenariosFrom(arbitrary, seed, from, count)) {
    if (around.isStopped()) break
    assertRunnable(scenario, around.registry, scenario.name, around.onActivity)
    const { result, wallMicros } = timed(scenario, around, undefined, wanted)
    around.tell({ kind: 'trial', number: from + done, result, properties: scenario.properties, wallMicros })
    done++
  }
  return { done }
}

/** Goes through the lanes of the trials that are asked for, each from its beginning: that is how it comes to them. */
function performLanes(
  { suite, seed, from, count, footprint = false }: TrialsJob,
  strategy: LearningStrategy,
  arbitrary: Arbitrary<Scenario>,
  around: Surroundings,
): Answers['trials'] {
  let done = 0
  for (let lane = laneOf(strategy, from); lane <= laneOf(strategy, from + count - 1); lane++) {
    const trials = laneTrials(strategy, lane, { registry: around.registry, suite, seed, arbitrary })
    let next = trials.next()
    while (next.done !== true && next.value.number < from + count) {
      if (around.isStopped()) return { done }
      const { number, scenario, options } = next.value
      const isWanted = number >= from
      around.tell({ kind: 'begins', number, scenario })
      const { result, wallMicros } = timed(scenario, around, undefined, footprint ? { ...options, footprint } : options)
      if (isWanted) {
        done++
        around.tell({ kind: 'trial', number, result, properties: scenario.properties, wallMicros, scenario })
      }
      next = trials.next(result)
    }
  }
  return { done }
}

function timed(scenario: Scenario, around: Surroundings, job?: ScenarioJob, wanted: TrialOptions = {}): ScenarioAnswer {
  around.beat()
  let tables: string | undefined
  let objects: readonly KubeObject[] | undefined
  let trace: string[] | undefined
  const before = performance.now()
  const options: TrialOptions = {
    ...(around.onActivity === undefined ? {} : { onActivity: around.onActivity }),
    ...(job?.stopAtMicros === undefined ? {} : { stopAtMicros: job.stopAtMicros }),
    keepTrace: job?.trace === true,
    ...(job?.footprint === true ? { footprint: true } : {}),
    factTypes: job?.story === true ? STORY_FACT_TYPES : [],
    ...wanted,
    inspect: (cluster) => {
      wanted.inspect?.(cluster)
      if (job?.objects === true) {
        tables = objectTables(cluster.truth, EPOCH_UNIX_MICROS + cluster.kernel.now)
        objects = (Object.keys(RESOURCES) as Resource[]).flatMap((resource) => [...cluster.truth.list(resource)])
      }
      if (job?.trace === true) trace = traceLines(cluster.kernel, job.facts === true)
    },
  }
  const recording = job?.export === undefined ? undefined : record(scenario, around.registry, options)
  const result = recording?.result ?? runScenario(scenario, around.registry, options)
  const wallMicros = Math.round((performance.now() - before) * 1_000)
  return {
    result,
    wallMicros,
    ...(tables === undefined ? {} : { tables, objects: objects ?? [] }),
    ...(trace === undefined ? {} : { trace }),
    ...(recording === undefined || job?.export === undefined ? {} : { exported: exportTrace(recording, job.export) }),
  }
}

/** Every event of a run whose trace was kept, a line each; with its facts among them if asked for. */
export function traceLines(kernel: Kernel, withFacts: boolean): string[] {
  const { facts } = kernel.trace
  const lines: string[] = []
  let next = 0
  const factsUpTo = (step: number) => {
    for (let fact = facts[next]; withFacts && fact !== undefined && fact.step <= step; fact = facts[++next])
      lines.push(`${fact.step} fact ${fact.fact.type} ${JSON.stringify(fact.fact)}`)
  }
  for (const row of kernel.trace.rows()) {
    factsUpTo(row.step - 1)
    lines.push(kernel.describe(row))
  }
  factsUpTo(kernel.steps)
  return lines
}

function performScenario(job: ScenarioJob, around: Surroundings): ScenarioAnswer {
  const { scenario, stopAtMicros } = job
  const { registry } = around
  assertRunnable(scenario, registry, scenario.name, around.onActivity)
  const answer = timed(scenario, around, job)
  const { verdict, signature } = answer.result
  if (verdict !== 'failed' || job.story !== true || stopAtMicros !== undefined || signature === undefined) return answer
  const run: RunTrial = (candidate, options) => {
    around.beat()
    return runScenario(candidate, registry, options)
  }
  const told = tell(scenario, registry, run)
  if (told.result.traceHash !== answer.result.traceHash)
    return { ...answer, result: asDiverged(answer.result, notAgain(answer.result, told.result)) }
  const why = job.why === true ? whyOf(scenario, signature, registry, run) : undefined
  return { ...answer, story: told.story, ...(why === undefined ? {} : { why }) }
}

const NEWS_EVERY_EXECUTIONS = 20

function performShrink(job: ShrinkJob, around: Surroundings): ShrinkAnswer {
  const { registry } = around
  const place = job.from
  const fromSuite = 'suite' in place
  const scenario = place.scenario ?? scenarioOfTrial(registry, place as TrialId)
  const arbitrary = fromSuite
    ? shrinkable(registry, place.suite, scenario)
    : new ScenarioArbitrary(fc.constant(scenario), registry)
  const run = (candidate: Scenario) => timed(candidate, around).result
  const outcome = shrinkFailure(arbitrary, asValue(scenario), fromSuite ? place.path : '0', run(scenario), run, {
    maximumExecutions: job.maximumExecutions,
    isInterrupted: () => around.isStopped(),
    irrelevant: (candidate) =>
      irrelevantItems(candidate, registry, (same, options) => {
        around.beat()
        return runScenario(same, registry, options)
      }),
    onProgress: ({ executions, accepted, best }) => {
      if (executions % NEWS_EVERY_EXECUTIONS !== 0) return
      around.tell({ kind: 'shrinking', executions, accepted, faults: best.faults.length, steps: best.workload.length })
    },
  })
  const { result, path, executions, complete } = outcome
  return { scenario: outcome.scenario, result, path, executions, complete }
}

function performExplain({ scenario, branches }: ExplainJob, around: Surroundings): ExplainAnswer {
  const { registry } = around
  assertRunnable(scenario, registry)
  let executions = 0
  let first: TrialResult | undefined
  const run: RunTrial = (candidate, options) => {
    around.beat()
    if (++executions % NEWS_EVERY_EXECUTIONS === 0) around.tell({ kind: 'explaining', executions })
    const labelled = around.onActivity === undefined ? {} : { onActivity: around.onActivity }
    const result = runScenario(candidate, registry, { ...options, ...labelled })
    first ??= result
    return result
  }
  const explanation = explainFailure(scenario, registry, run, { certainty: branches > 0, branches })
  return { result: first ?? run(scenario), explanation }
}
