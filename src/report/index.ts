/** The report floor: what the command line and the front door may use. */
export { assertScenario, assertSurvives, type SurvivalOptions, searchFor, TrialFailure } from './assertions.ts'
export { causalSignature } from './causal-signature.ts'
export { CHAIN_LINES_MAXIMUM, type ChainLine, chainOf } from './chain.ts'
export { percent, printDiscovery, printFaults, printMatrix } from './coverage.ts'
export { type Differences, type ExplainOptions, type Explanation, explainFailure } from './explain.ts'
export { EXPORT_FORMATS, type ExportFormat, exportTrace } from './export/index.ts'
export { TRACE_LINE_SCHEMA } from './export/schema.ts'
export { githubAnnotations, markdownSummary } from './github.ts'
export { summaryLine, trialLine } from './json.ts'
export { junitXml } from './junit.ts'
export { printLedger } from './ledger.ts'
export { counted, listed, short } from './names.ts'
export { phraseOf, STORY_FACT_TYPES } from './phrases.ts'
export { explanationLine, printExplanation } from './print-explanation.ts'
export type { ReportedCampaign, ReportedFailure } from './reported.ts'
export { type ReproductionOptions, vitestFile } from './reproduction.ts'
export { sarifJson } from './sarif.ts'
export {
  printDrawing,
  printStory,
  STORY_LINES_MAXIMUM,
  type StoryLine,
  sizeInWords,
  storyOf,
} from './story.ts'
export { printSummary } from './summary.ts'
export { objectTable, objectTables } from './table.ts'
export { type Told, tell, whyOf } from './tell.ts'
export { textTable } from './text-table.ts'
export { age, duration, moment } from './time.ts'
