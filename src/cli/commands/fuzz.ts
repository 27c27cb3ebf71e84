/** `seatrial fuzz`: trials of every suite until the budget is used up. The corpus first; findings are written down as they come. */
import { basename, join, relative, resolve } from 'node:path'
import { counted, percent, printSummary, summaryLine, trialLine } from '../../report/index.ts'
import {
  type Block,
  type BlockPlan,
  blocksOf,
  Campaign,
  type CorpusEntry,
  type CorpusName,
  type DoneTrials,
  exitStatusOf,
  laneTrialsOf,
  mistakesOf,
  omissionsOf,
  openCorpus,
  parseTrialId,
  printShard,
  printTrialId,
  readEntry,
  scenarioIdOf,
  scenarioOfTrial,
  strategyOf,
  type TrialRecord,
  UserError,
} from '../../trial/index.ts'
import { type Delivered, driveBlocks, runGuarded } from '../drive.ts'
import { assertWritable, corpusFolder, sweepTemporaries } from '../files.ts'
import { findabilityWords } from '../findability.ts'
import type { Finding } from '../findings.ts'
import { FUZZ_BLOCK_TRIALS, type FuzzFlags, type FuzzPlan, PORTFOLIO_STRATEGY, planFuzz } from '../fuzz-plan.ts'
import type { Io } from '../io.ts'
import { Journal } from '../journal.ts'
import { failureOf, Keeper } from '../keeper.ts'
import { NewsRule } from '../news-rule.ts'
import { assertOutputs, writeOutputs } from '../outputs.ts'
import { WorkerLost } from '../pool.ts'
import { PortfolioBlocks } from '../portfolio-blocks.ts'
import { startProgress, statesOf, viewOf } from '../progress.ts'
import { openSession, type Session } from '../session.ts'
import { pctInWords, strategiesInWords } from '../strategy-words.ts'
import { assertKnown, INTERRUPTED_STATUS, reportFindings } from './run.ts'

const SAMPLE_EVERY = 200
const SEED_TRIALS = 4_096
const CLOCK_MILLIS = 250
const JOURNAL_CLOCK_MILLIS = 2_000

/** A campaign at work. */
interface Work {
  readonly session: Session
  readonly plan: FuzzPlan
  readonly campaign: Campaign
  readonly journal: Journal
  readonly keeper: Keeper
  /** Failures that were drawn, by signature: the first and their count. */
  readonly drawn: Map<string, { first: TrialRecord; count: number }>
  /** Signatures of which a shrunk example is on disk. */
  readonly shrunk: Set<string>
  readonly newsRule: NewsRule
  /** Real time of this call so far, in milliseconds. */
  elapsed(): number
  isStopped(): boolean
}

export async function fuzzCommand(io: Io, flags: FuzzFlags): Promise<number> {
  assertOutputs(io, flags)
  const session = await openSession(io, flags)
  try {
    const plan = planFuzz(session, flags)
    const { head, past } = plan
    assertKnown(session, head.suites, head.defects)
    assertWritable(session.dir, `--dir ${relative(io.folder, session.dir)}`)
    for (const folder of ['', 'campaigns']) sweepTemporaries(join(session.dir, folder))
    session.say(openingOf(session, plan))
    if (head.strategy === 'pct') session.say(pctInWords(session, head))
    const begun = performance.now()
    const elapsed = () => performance.now() - begun
    const campaign = new Campaign(session.registry)
    const drawn: Work['drawn'] = new Map()
    for (const { record, properties } of past?.trials ?? []) {
      campaign.add(record, properties)
      if (!record.trialId.startsWith('corpus/')) count(drawn, record)
    }
    const journal =
      past === undefined ? Journal.begin(plan.journalFile, head) : Journal.goOn(plan.journalFile, head, past.trials)
    let stopped = false
    const release = io.onInterrupt(() => {
      stopped = true
      session.pool.stopSoon()
      io.err('\nstopping after the trials under way; everything found so far is kept\n')
    })
    const newsRule = new NewsRule(plan, campaign)
    const isStopped = () => stopped || journal.refusal !== undefined || elapsed() > plan.budgetMillis || newsRule.isMet
    const keeper = new Keeper(session, past?.kept)
    const shrunk = new Set(past?.told)
    const work: Work = { session, plan, campaign, journal, keeper, drawn, shrunk, newsRule, elapsed, isStopped }
    const usedMicros = () => (past?.usedMicros ?? 0) + Math.round(elapsed() * 1_000)
    const clock = setInterval(() => journal.clock(usedMicros()), JOURNAL_CLOCK_MILLIS)
    try {
      await replayCorpus(work)
      await search(work)
    } finally {
      clearInterval(clock)
      journal.clock(usedMicros())
    }
    const { refusal } = journal
    if (refusal !== undefined)
      io.err(`the campaign ends here, for it can be written down no further: ${refusal.message}\n`)
    const summary = campaign.summary()
    io.out(
      session.json
        ? `${summaryLine(summary, usedMicros())}\n`
        : `${printSummary(summary, usedMicros(), { full: flags.coverage, columns: io.columns })}\n`,
    )
    if (newsRule.isMet) session.say(newsRule.words())
    const tell = (findings: readonly Finding[]) =>
      writeOutputs(session, flags, { name: 'seatrial fuzz', summary, wallMicros: usedMicros(), findings, keeper })
    if (stopped) tell([])
    if (stopped) session.io.err(`go on with: npx seatrial fuzz --resume${repeated(session, plan)}\n`)
    else {
      // The workers were told to stop when the time was used up; shrinking is not searching.
      session.pool.goOn()
      const failures = [...drawn]
        .filter(([signature]) => !shrunk.has(signature))
        .map(([signature, group]) => ({ signature, ...group }))
      await reportFindings(
        session,
        { failures, trials: summary.trials },
        {
          shrink: flags.shrink !== false,
          keeper,
          onTold: ({ signature, scenarioFile }) => {
            journal.kept(signature, basename(scenarioFile))
            journal.told(signature)
          },
          onEnd: tell,
        },
      )
    }
    release()
    journal.close()
    if (refusal !== undefined)
      throw new UserError({
        what: refusal.what,
        where: relative(io.folder, plan.journalFile),
        mend: `${refusal.mend}, with: npx seatrial fuzz --resume${repeated(session, plan)}`,
      })
    const status = exitStatusOf(summary.verdicts)
    if (stopped || status !== 0 || flags.strict !== true)
      return session.settle(stopped && status === 0 ? INTERRUPTED_STATUS : status)
    return session.settle(omissionsOf(summary) > 0 ? 1 : 0)
  } finally {
    await session.close()
  }
}

function count(drawn: Work['drawn'], record: TrialRecord): void {
  const signature = failureOf(record.result)
  if (signature === undefined) return
  const known = drawn.get(signature)
  if (known === undefined) drawn.set(signature, { first: record, count: 1 })
  else known.count++
}

function openingOf(session: Session, { head, past, budgetMillis, most, newStateRate }: FuzzPlan): string {
  const parts = [
    `seed ${head.seed}`,
    ...(head.strategy === undefined ? [] : [`strategy ${head.strategy}`]),
    ...(head.shard.count === 1 ? [] : [`shard ${printShard(head.shard)}`]),
    `${session.pool.size} workers`,
    ...(budgetMillis === Number.POSITIVE_INFINITY ? [] : [`budget ${Number((budgetMillis / 1_000).toFixed(1))} s`]),
    ...(most === Number.POSITIVE_INFINITY ? [] : [`${most} trials`]),
    ...(newStateRate === undefined ? [] : [`until fewer than ${percent(newStateRate)} show something new`]),
    ...(past === undefined ? [] : [`going on after ${past.trials.length} trials`]),
  ]
  return parts.join(', ')
}

/** The flags that find the same campaign again. */
function repeated(session: Session, { head }: FuzzPlan): string {
  const dir = relative(session.io.folder, session.dir)
  return [
    ` --seed ${head.seed}`,
    head.shard.count === 1 ? '' : ` --shard ${printShard(head.shard)}`,
    head.strategy === undefined ? '' : ` --strategy ${head.strategy}`,
    head.propertiesFile === undefined ? '' : ` --properties ${head.propertiesFile}`,
    dir === '.seatrial' ? '' : ` --dir ${dir}`,
  ].join('')
}

/** Everything in the corpus once more. What cannot be read, or no longer fits this release, is named and passed over. */
async function replayCorpus(work: Work): Promise<void> {
  const { session, plan } = work
  const { index, count } = plan.head.shard
  const folders = [join(session.dir, 'corpus'), resolve(session.io.folder, 'fixtures/corpus')].map((path) =>
    corpusFolder(path, relative(session.io.folder, path)),
  )
  const replayed = new Set(plan.past?.trials.map(({ record }) => record.trialId))
  const own = new Set(plan.past?.kept.values())
  const names = openCorpus(folders)
    .filter((_, place) => place % count === index - 1)
    .filter(({ id, name }) => !replayed.has(`corpus/${id}`) && !own.has(name))
  const waiting = names.values()
  const lane = async () => {
    for (const name of waiting) {
      if (work.isStopped()) return
      await replayEntry(work, name)
    }
  }
  await Promise.all(Array.from({ length: session.pool.size }, lane))
}

async function replayEntry(work: Work, name: CorpusName): Promise<void> {
  const { session, campaign, journal } = work
  try {
    const entry = readEntry(name)
    const { id, file, scenario, about } = entry
    const [mistake] = mistakesOf(scenario, session.registry)
    if (mistake !== undefined) {
      session.io.err(`corpus: ${file} ${mistake.path}: ${mistake.what} (${mistake.mend})\n`)
      return
    }
    const { result, wallMicros } = await session.pool
      .run({ kind: 'scenario', scenario, footprint: true })
      .catch((error: unknown) => {
        if (!(error instanceof WorkerLost)) throw error
        return runGuarded(session.pool, scenario, error)
      })
    // An entry with a historical bug switched on is there to fail.
    if (scenario.defects.length > 0 && result.verdict === 'failed') return
    const record = { trialId: `corpus/${id}`, result, wallMicros }
    campaign.add(record, scenario.properties)
    journal.trial(record, scenario.properties)
    if (failureOf(result) !== undefined) recognise(work, entry, record)
    if (session.json) session.io.out(`${trialLine(record)}\n`)
    else if (result.verdict === 'failed') session.say(`corpus: ${id} still fails: ${result.violation?.message ?? ''}`)
    else if (about?.signature !== undefined && failureOf(result) === undefined)
      session.say(
        `corpus: ${id} passes now; it was kept because it failed as ${about.signature}${about.failed === undefined || about.of === undefined ? '' : `: ${findabilityWords(about.failed, about.of)}`}`,
      )
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    session.io.err(`corpus: ${error.message}\n`)
  }
}

/** A failure that the corpus has already is not kept again; if it was never shrunk, that is made up for. */
function recognise({ session, keeper, drawn, shrunk }: Work, entry: CorpusEntry, { result }: TrialRecord): void {
  const signature = failureOf(result) ?? ''
  if (entry.about === undefined || entry.about.signature !== signature) return
  if (entry.about.shrunk === true) {
    shrunk.add(signature)
    return
  }
  keeper.knows(signature, entry.name)
  const id = parseTrialId(entry.about.trial ?? '')
  if (id === undefined || !session.registry.suites.has(id.suite)) return
  // Suites change; then the trial's name does not lead to this scenario any more. One that was learned is taken as it is.
  const isDrawn = strategyOf(id.strategy).kind === 'drawn'
  if (isDrawn && scenarioIdOf(scenarioOfTrial(session.registry, id)) !== result.scenarioId) return
  const first = { trialId: printTrialId(id), result, scenario: entry.scenario }
  drawn.set(signature, { first, count: entry.about.failed ?? 1 })
}

async function search(work: Work): Promise<void> {
  const { session, plan, campaign, journal, keeper, drawn, newsRule, elapsed, isStopped } = work
  const progress = startProgress(session.io, 'fuzzing')
  const { head, past, budgetMillis, most } = plan
  /** Trials whose verdict is known: what is told of them comes in order, and later. */
  let ran = 0
  const before = past?.done.size ?? 0
  const searchedSince = elapsed()
  const onVerdict = ({ record, properties }: Delivered) => {
    if (isKnown(record.trialId)) return
    ran++
    const signature = failureOf(record.result)
    const file = keeper.keep(record)
    if (signature !== undefined && file !== undefined) {
      journal.kept(signature, basename(file))
      progress.say(`found ${signature} in ${record.trialId}; kept in ${file}`)
    }
    // Last: what stands in the journal as run has left everything else that it had to leave.
    journal.trial(record, properties)
  }
  const { suites, defects, seed, shard, strategy } = head
  const plan0 = { suites, defects, seed, shard, seedTrials: SEED_TRIALS, most }
  const portfolio =
    strategy === PORTFOLIO_STRATEGY
      ? new PortfolioBlocks({
          ...plan0,
          past: past?.lanes ?? new Map(),
          isStopped,
          onLane: (record) => journal.lane(record),
        })
      : undefined
  /** A lane that was broken off is gone through again: what it had come to before is not counted twice. */
  const isKnown = (trialId: string) => {
    const id = portfolio === undefined ? undefined : parseTrialId(trialId)
    return id !== undefined && past?.done.has(id.suite, id.seed, Number(id.path), id.strategy) === true
  }
  const clock = setInterval(() => {
    if (isStopped()) session.pool.stopSoon()
    const { failures, reached, neverReached, coverage } = campaign.summary()
    const rate = Math.round(ran / Math.max(0.001, (elapsed() - searchedSince) / 1_000))
    const done = before + ran
    const note = `${counted(done, 'trial')}, ${rate}/s, ${counted(failures.length, 'kind')} of failure${statesOf(coverage)}`
    const checked = reached.length + neverReached.length
    const view = viewOf({ failures, reached: reached.length, checked, unreached: neverReached, coverage })
    if (budgetMillis === Number.POSITIVE_INFINITY) progress.update(done, most, note, view)
    else progress.update(elapsed(), budgetMillis, note, view)
  }, CLOCK_MILLIS)
  try {
    await driveBlocks(
      {
        registry: session.registry,
        pool: session.pool,
        elsewhere: session.elsewhere(),
        sampleEvery: SAMPLE_EVERY,
        footprint: true,
        isStopped,
        onVerdict,
        onTrial: (delivered) => {
          const { record, properties } = delivered
          portfolio?.onTrial(delivered)
          if (isKnown(record.trialId)) return
          campaign.add(record, properties)
          newsRule.look()
          count(drawn, record)
          if (session.json) session.io.out(`${trialLine(record)}\n`)
        },
        onBlock: (block) => portfolio?.onBlock(block),
      },
      portfolio ?? plainBlocks(plan0, strategy, past?.done),
    )
  } finally {
    clearInterval(clock)
    progress.end()
  }
  if (portfolio !== undefined) session.io.out(strategiesInWords(portfolio.rows(), session.json))
}

function plainBlocks(
  plan: Omit<BlockPlan, 'strategy' | 'blockTrials'>,
  strategy: string | undefined,
  done: DoneTrials | undefined,
): Iterator<Block> {
  const how = strategy === undefined ? {} : { strategy }
  const searched = strategyOf(strategy)
  const blockTrials = searched.kind === 'learning' ? laneTrialsOf(searched) : FUZZ_BLOCK_TRIALS
  return blocksOf({ ...plan, ...how, blockTrials }, done)
}
