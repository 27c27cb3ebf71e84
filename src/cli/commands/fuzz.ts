/** `seatrial fuzz`: trials of every suite until the budget is used up. The corpus first; findings are written down as they come. */
import { randomInt } from 'node:crypto'
import { join, relative, resolve } from 'node:path'
import { printSummary, summaryLine, trialLine } from '../../report/index.ts'
import { Campaign, exitStatusOf, mistakesOf, readCorpus } from '../../trial/index.ts'
import { type Block, driveBlocks, runGuarded } from '../drive.ts'
import { assertWritable, corpusFolder } from '../files.ts'
import { keepRaw } from '../findings.ts'
import type { Io } from '../io.ts'
import { parseBudget, parseSeed } from '../parse-flags.ts'
import { WorkerLost } from '../pool.ts'
import { startProgress } from '../progress.ts'
import { openSession, type Session, type SessionFlags } from '../session.ts'
import { assertKnown, reportFindings } from './run.ts'

export interface FuzzFlags extends SessionFlags {
  readonly budget: string
  readonly seed?: string
  readonly suites?: readonly string[]
  readonly defects?: readonly string[]
  readonly shrink?: boolean
}

const BLOCK_TRIALS = 32
const SAMPLE_EVERY = 200
/** Trials of a suite under one seed; then the next seed begins: a trial far down a seed costs the draws of all before it. */
const SEED_TRIALS = 4_096

export async function fuzzCommand(io: Io, flags: FuzzFlags): Promise<number> {
  const budgetMillis = parseBudget(flags.budget, '--budget') / 1_000
  const seed = flags.seed === undefined ? randomInt(0x7fff_ffff) : parseSeed(flags.seed)
  const session = await openSession(io, flags)
  try {
    assertWritable(session.dir)
    const suites = flags.suites ?? [...session.registry.suites.keys()]
    assertKnown(session, suites, flags.defects ?? [])
    session.say(`seed ${seed}, ${session.pool.size} workers, budget ${flags.budget}`)
    const begun = performance.now()
    const campaign = new Campaign(session.registry)
    let stopped = false
    const release = io.onInterrupt(() => {
      stopped = true
      session.pool.stopSoon()
      io.err('\nstopping after the trials under way; everything found so far is kept\n')
    })
    const isStopped = () => stopped || performance.now() - begun > budgetMillis
    try {
      await replayCorpus(session, campaign, isStopped)
      await search(session, campaign, { suites, seed, defects: flags.defects ?? [], budgetMillis, begun, isStopped })
    } finally {
      release()
    }
    const wallMicros = Math.round((performance.now() - begun) * 1_000)
    const summary = campaign.summary()
    io.out(session.json ? `${summaryLine(summary, wallMicros)}\n` : `${printSummary(summary, wallMicros)}\n`)
    const drawn = { ...summary, failures: summary.failures.filter(({ first }) => !first.trialId.startsWith('corpus/')) }
    if (!stopped) await reportFindings(session, drawn, flags.shrink !== false)
    return session.settle(exitStatusOf(summary.verdicts))
  } finally {
    await session.close()
  }
}

/** Everything in the corpus once more. What cannot be read, or no longer fits this release, is named and passed over. */
async function replayCorpus(session: Session, campaign: Campaign, isStopped: () => boolean): Promise<void> {
  const folders = [join(session.dir, 'corpus'), resolve(session.io.folder, 'fixtures/corpus')].map((path) =>
    corpusFolder(path, relative(session.io.folder, path)),
  )
  const { entries, damaged } = readCorpus(folders)
  for (const error of damaged) session.io.err(`corpus: ${error.message}\n`)
  for (const { id, file, scenario } of entries) {
    if (isStopped()) return
    const [mistake] = mistakesOf(scenario, session.registry)
    if (mistake !== undefined) {
      session.io.err(`corpus: ${file} ${mistake.path}: ${mistake.what} (${mistake.mend})\n`)
      continue
    }
    const { result, wallMicros } = await session.pool.run({ kind: 'scenario', scenario }).catch((error: unknown) => {
      if (!(error instanceof WorkerLost)) throw error
      return runGuarded(session.pool, scenario, error)
    })
    // An entry with a historical bug switched on is there to fail.
    if (scenario.defects.length > 0 && result.verdict === 'failed') continue
    const record = { trialId: `corpus/${id}`, result, wallMicros }
    campaign.add(record, scenario.properties)
    if (session.json) session.io.out(`${trialLine(record)}\n`)
    else if (result.verdict === 'failed') session.say(`corpus: ${id} still fails: ${result.violation?.message ?? ''}`)
  }
}

interface Plan {
  readonly suites: readonly string[]
  readonly seed: number
  readonly defects: readonly string[]
  readonly budgetMillis: number
  readonly begun: number
  isStopped(): boolean
}

async function search(session: Session, campaign: Campaign, plan: Plan): Promise<void> {
  const progress = await startProgress(session.io, 'fuzzing')
  const blocks = (function* (): Generator<Block> {
    for (let done = 0; ; done += BLOCK_TRIALS) {
      const seed = (plan.seed + Math.floor(done / SEED_TRIALS)) | 0
      for (const suite of plan.suites)
        yield { suite, defects: plan.defects, seed, from: done % SEED_TRIALS, count: BLOCK_TRIALS }
    }
  })()
  const clock = setInterval(() => {
    if (plan.isStopped()) session.pool.stopSoon()
    progress.update(
      performance.now() - plan.begun,
      plan.budgetMillis,
      `${campaign.trials} trials, ${campaign.summary().failures.length} kinds of failure`,
    )
  }, 250)
  try {
    await driveBlocks(
      {
        registry: session.registry,
        pool: session.pool,
        elsewhere: session.elsewhere(),
        sampleEvery: SAMPLE_EVERY,
        isStopped: plan.isStopped,
        onTrial: ({ record, properties }) => {
          if (campaign.add(record, properties)) {
            const file = keepRaw(session, record.trialId, record.result.signature ?? record.result.verdict)
            session.io.err(
              `found ${record.result.signature ?? record.result.verdict} in ${record.trialId}; kept in ${relative(session.io.folder, file)}\n`,
            )
          }
          if (session.json) session.io.out(`${trialLine(record)}\n`)
        },
      },
      blocks,
    )
  } finally {
    clearInterval(clock)
    progress.end()
  }
}
