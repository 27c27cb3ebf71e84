/** A Vitest file that replays a scenario and fails as it did: green once the cause is mended. */
import { printScenario, type Scenario, type TrialResult } from '../trial/index.ts'
import { printStory, type StoryLine } from './story.ts'

export interface ReproductionOptions {
  /** What the file imports the front door from. Default: `seatrial`. */
  readonly importFrom?: string
  /** Module that default-exports `(registry) => void`, when the scenario needs a user's own properties. */
  readonly propertiesModule?: string
}

/** The file's text. It holds the scenario itself, so it needs no other file. */
export function vitestFile(
  scenario: Scenario,
  result: TrialResult,
  story: readonly StoryLine[],
  options: ReproductionOptions = {},
): string {
  const from = options.importFrom ?? 'seatrial'
  const title = result.violation === undefined ? `ends as ${result.verdict}` : `${result.violation.property} holds`
  const own = options.propertiesModule
  return `${comment(printStory(story))}
import { trial } from '${from}/vitest'
${own === undefined ? '' : `import register from '${own}'\n`}
// Trace hash when it was found: ${result.traceHash}. Remove "defects" to see it pass where a historical bug was switched on.
const scenario = ${printScenario(scenario).trimEnd()}

trial(${JSON.stringify(title)}, { scenario${own === undefined ? '' : ', register'} })
`
}

function comment(text: string): string {
  return text
    .split('\n')
    .map((line) => `// ${line}`.trimEnd())
    .join('\n')
}
