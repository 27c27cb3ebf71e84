/** A failure as a test shows it: the story, the scenario in a file, the way to see it again; as a message and as annotations. */
import { join, relative, resolve } from 'node:path'
import type { TestContext } from 'vitest'
import { corpusFolder } from '../cli/files.ts'
import { causalSignature, counted, printDrawing, printStory, sizeInWords, storyOf, tell } from '../report/index.ts'
import {
  aboutOf,
  fileStemOf,
  keepScenario,
  printScenario,
  SCENARIO_FILE_ENDING,
  signatureOf,
  type TrialResult,
  UserError,
} from '../trial/index.ts'
import { runBounded } from './bounded.ts'
import type { Failure } from './judge.ts'
import type { Plan } from './plan.ts'

/** The folder that all of this is in, sources or built. */
const OWN = new URL('../..', import.meta.url).pathname

/** Where the test stands, for the command that runs it again. */
export interface Place {
  /** Absolute. */
  readonly file: string
  readonly title: string
}

export interface Evidence {
  /** What was seen, one line. */
  readonly headline: string
  readonly story: string
  /** Everything, for the error. */
  readonly message: string
  readonly replay: string
  /** Absolute; undefined if it could not be written. */
  readonly scenarioFile: string | undefined
  readonly failure: Failure
}

/** Tells the failure and keeps its scenario. */
export function gather(plan: Plan, failure: Failure, place: Place): Evidence {
  const { scenario } = failure
  const { result, lines } = toldOf(plan, failure)
  const { scenarioFile, unsaved } = keep(plan, failure, result)
  const shown = scenarioFile === undefined ? undefined : relative(resolve(), scenarioFile)
  const replay =
    plan.isStandard && shown !== undefined
      ? `npx seatrial replay ${shown}`
      : `npx vitest run ${relative(resolve(), place.file)} -t ${JSON.stringify(asPattern(place.title))}`
  const headline = `${result.verdict}: ${result.violation?.message ?? result.error?.message ?? 'nothing more is known'}`
  const story = printStory(lines)
  const drawing = printDrawing(result)
  const message = [
    headline,
    '',
    `${originOf(failure, plan)}:`,
    story,
    ...(drawing === '' ? [] : ['', drawing.trimEnd()]),
    `    replay: ${replay}`,
    shown === undefined ? `    not saved: ${unsaved ?? ''}` : `    scenario: ${shown}`,
    `    scenario id: ${result.scenarioId}, trace hash: ${result.traceHash}`,
    ...hintOf(result, scenario.defects),
  ].join('\n')
  return { headline, story: `${story}\n${drawing}`, message: `${message}\n`, replay, scenarioFile, failure }
}

/** Vitest takes names for regular expressions. */
function asPattern(title: string): string {
  return title.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function toldOf(plan: Plan, { scenario, result }: Failure) {
  if (result.verdict !== 'failed') return { result, lines: storyOf(scenario, result, plan.registry) }
  const { result: told, story } = tell(scenario, plan.registry, (same, options) =>
    runBounded(same, plan.registry, plan.watchdogMillis, options),
  )
  // Told by another run: if that did not fail, the first one is what there is to show.
  if (told.verdict === 'failed') return { result: told, lines: story }
  return { result, lines: storyOf(scenario, result, plan.registry) }
}

function originOf({ kept, drawn }: Failure, { seed, trials, maximumShrinkExecutions }: Plan): string {
  if (kept !== undefined) return `a kept scenario fails, ${kept}`
  if (drawn === undefined) return 'the scenario'
  const shrunk =
    drawn.executions === 0 || maximumShrinkExecutions === 0
      ? `of ${sizeInWords(drawn.original)}`
      : `shrunk in ${counted(drawn.executions, 'execution')} from ${sizeInWords(drawn.original)}`
  return `trial ${drawn.trial} of ${trials} (${drawn.title}, seed ${seed}), ${shrunk}`
}

/** A kept scenario stays as it is; what is new is kept. */
function keep(plan: Plan, { scenario, kept, drawn }: Failure, result: TrialResult) {
  if (kept !== undefined) return { scenarioFile: resolve(kept), unsaved: undefined }
  const folder = corpusFolder(join(plan.dir, 'corpus'))
  const signature = result.signature ?? signatureOf('trial', result.verdict, 'scenario')
  const shrunk = drawn !== undefined && drawn.executions > 0
  const cause = result.verdict === 'failed' && shrunk ? { cause: causalSignature(result) } : {}
  try {
    // The very same one may be there, with more to remember of it.
    const name = `${fileStemOf(scenario, signature)}${SCENARIO_FILE_ENDING}`
    if (!folder.list().includes(name)) keepScenario(folder, scenario, signature, aboutOf(result, { shrunk, ...cause }))
    return { scenarioFile: join(folder.path, name), unsaved: undefined }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { scenarioFile: undefined, unsaved: error.message }
  }
}

function hintOf({ error }: TrialResult, defects: readonly string[]): readonly string[] {
  const first =
    error?.property === undefined ? undefined : error.stack?.split('\n').find((line) => /^\s+at /.test(line))
  // A formula says itself whose test threw; the code that called it tells nothing more.
  const stack = first?.includes(OWN) === true ? undefined : first
  return [
    ...(stack === undefined ? [] : [`    thrown ${stack.trim()}`]),
    ...(defects.length === 0 ? [] : [`    historical bugs switched on: ${defects.join(', ')}`]),
  ]
}

/** The error for a test. It points at `site`, the stack of the place where the test was written down. */
export function errorAt(site: string, name: string, message: string): Error {
  // Nothing but a message: test runners print every other member of an error, and the story would drown in them.
  const error = new Error(message)
  error.name = name
  error.stack = `${name}: ${message}\n${site}`
  return error
}

/** What reporters show beside the error: the story with a way to see it again, and the scenario to take away. */
export function annotate(context: Pick<TestContext, 'annotate'>, evidence: Evidence): Promise<unknown> {
  const { headline, story, replay, scenarioFile, failure } = evidence
  const scenario =
    scenarioFile === undefined
      ? { body: new TextEncoder().encode(printScenario(failure.scenario)) }
      : { path: scenarioFile }
  return Promise.all([
    context.annotate(`${headline}\nreplay: ${replay}`, 'seatrial', {
      contentType: 'text/plain',
      body: new TextEncoder().encode(story),
    }),
    // Its message becomes a part of the file's name.
    context.annotate('scenario that fails', 'seatrial', { contentType: 'application/json', ...scenario }),
  ])
}
