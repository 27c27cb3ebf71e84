/** The trial floor: what faults, properties, reports and the command line may use. */
export { type About, aboutOf, compareExamples, groupOf, shapeOf } from './about.ts'
export {
  DRAWN_STEP_KINDS,
  type DrawnStepKind,
  even,
  swarm,
  topologyArbitrary,
  trafficArbitrary,
  workloadArbitrary,
} from './arbitraries.ts'
export {
  Campaign,
  type CampaignSummary,
  exitStatusOf,
  type FailureGroup,
  type LedgerRow,
  omissionsOf,
  type TrialRecord,
} from './campaign.ts'
export { canonicalText, hash64 } from './canonical.ts'
export { assertRunnable, mistakesOf, type ScenarioMistake } from './check-scenario.ts'
export {
  type CorpusContents,
  type CorpusEntry,
  type CorpusFolder,
  type CorpusName,
  compareKept,
  fileStemOf,
  isExample,
  keepScenario,
  openCorpus,
  planMerge,
  readCorpus,
  readEntry,
  SCENARIO_FILE_ENDING,
} from './corpus.ts'
export { CoverageBook, type CoverageSummary } from './coverage/coverage-book.ts'
export type { Estimate } from './coverage/discovery.ts'
export type { Footprint, Strike } from './coverage/footprint.ts'
export { type EtcdClientOptions, etcdClientsArbitrary } from './etcd-client-arbitrary.ts'
export type { ActivityListener, Branch, CreateCluster, TrialOptions } from './execute.ts'
export { type Ablation, ablate, type Needed } from './explain/ablation.ts'
export { type Certainty, type CertaintyOptions, type CertaintyPoint, findCertainty } from './explain/certainty.ts'
export { irrelevantItems } from './explain/irrelevant.ts'
export { type Item, itemsOf, withItems } from './explain/items.ts'
export { type Neighbour, nearestPassing } from './explain/neighbour.ts'
export { Past, type Stop } from './explain/past.ts'
export { type ObjectVersion, type PropertyChange, type Recording, type RunTrial, record } from './explain/recording.ts'
export { faultsArbitrary } from './fault-arbitraries.ts'
export { parseKept, parseScenario, printScenario, scenarioIdOf } from './parse.ts'
export { type Block, type BlockPlan, blocksOf, DoneTrials, printShard, type Shard, seedAt, seedsOf } from './plan.ts'
export { type Judgement, judgeCorpus, type Rerun } from './prune.ts'
export { type Recipe, scenarioArbitrary } from './recipe.ts'
export {
  type ActiveFault,
  type Defect,
  type DrawnFault,
  type Evidence,
  type FaultKind,
  type Monitor,
  type PropertyDefinition,
  Registry,
  type Reporter,
  type Suite,
  type Surroundings,
  type Violation,
} from './registry.ts'
export type { FoundViolation, LedgerEntry, TimedFact, TrialError, TrialResult, Verdict } from './result.ts'
export { runScenario } from './run.ts'
export { type FaultStep, SCENARIO_FORMAT, SCENARIO_VERSION, type Scenario } from './scenario.ts'
export { ScenarioArbitrary } from './scenario-arbitrary.ts'
export { SCENARIO_SCHEMA } from './schema.ts'
export { type Found, type SearchOptions, type SearchOutcome, search } from './search.ts'
export {
  asValue,
  MAXIMUM_SHRINK_EXECUTIONS,
  type ShrinkOptions,
  type ShrinkOutcome,
  type ShrinkProgress,
  shrinkFailure,
} from './shrink.ts'
export { compareSize, SHRINK_PASSES, sizeOf } from './shrink-passes.ts'
export { signatureOf, subjectKind } from './signature.ts'
export {
  featuresOf,
  type Gain,
  type LaneTrial,
  type LearningStrategy,
  laneOf,
  laneTrials,
  laneTrialsOf,
  PORTFOLIO,
  pctBounds,
  planRound,
  STRATEGIES,
} from './strategies/index.ts'
export { trialsOf } from './strategy-search.ts'
export {
  isDrawn,
  parseTrialId,
  printTrialId,
  scenarioOfTrial,
  scenariosFrom,
  shrinkable,
  strategyOf,
  suiteArbitrary,
  type TrialId,
} from './trial-id.ts'
export { nearest, suggest, UserError, type UserErrorParts } from './user-error.ts'
