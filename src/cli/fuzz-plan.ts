/** What a call of `fuzz` means: a new campaign, or one that goes on where its journal ends. */
import { randomInt } from 'node:crypto'
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { counted } from '../report/index.ts'
import { printShard, type Shard, STRATEGIES, suggest, UserError } from '../trial/index.ts'
import { headCommit, seedOfCommit } from './git.ts'
import { JOURNAL_ENDING, type JournalHead, journalName, type Past, readJournal } from './journal.ts'
import type { OutputFlags } from './outputs.ts'
import { parseBudget, parseCount, parseRate, parseSeed, parseShard } from './parse-flags.ts'
import type { Session, SessionFlags } from './session.ts'
import { packageVersion } from './version.ts'

export interface FuzzFlags extends SessionFlags, OutputFlags {
  readonly budget?: string
  readonly trials?: string
  readonly seed?: string
  readonly suites?: readonly string[]
  readonly defects?: readonly string[]
  readonly shard?: string
  readonly strategy?: string
  readonly resume?: boolean
  /** commander's `--no-shrink`. */
  readonly shrink?: boolean
  readonly strict?: boolean
  readonly untilNewStateRate?: string
  /** The whole matrix of faults in the summary. */
  readonly coverage?: boolean
}

export interface FuzzPlan {
  readonly head: JournalHead
  readonly journalFile: string
  /** Left out: a new campaign. */
  readonly past?: Past
  /** Real time that is left for this call. */
  readonly budgetMillis: number
  /** Trials in all, those of the past included. */
  readonly most: number
  /** It ends when fewer trials than this share would show something new. Left out: it does not. */
  readonly newStateRate?: number
}

/** Trials of one suite before the next has its turn. */
export const FUZZ_BLOCK_TRIALS = 32

const WHOLE: Shard = { index: 1, count: 1 }
/** Several strategies, in turn or as they pay. What a campaign does that names no strategy. */
export const PORTFOLIO_STRATEGY = 'portfolio'

/** A journal without a strategy is of this one. */
const PLAIN = 'random'

function knownStrategy(id: string): string {
  if (id === PORTFOLIO_STRATEGY) return id
  const strategy = STRATEGIES.find((known) => known.id === id)
  if (strategy !== undefined) return strategy.id
  const ids = [...STRATEGIES.map((known) => known.id), PORTFOLIO_STRATEGY]
  throw new UserError({ what: `there is no strategy "${id}"`, where: '--strategy', mend: suggest(id, ids) })
}

/** What trials show that were led by earlier ones says nothing about chance. */
function assertChance(strategy: string | undefined): void {
  if (STRATEGIES.find(({ id }) => id === strategy)?.kind !== 'learning') return
  throw new UserError({
    what: `it is asked of trials drawn by chance, and the strategy ${strategy} draws none`,
    where: '--until-new-state-rate',
    mend: 'leave out --strategy: some lanes of the portfolio are drawn',
  })
}

/** @throws UserError for flags that make no sense, or nothing to go on with */
export function planFuzz(session: Session, flags: FuzzFlags): FuzzPlan {
  const budgetMicros = flags.budget === undefined ? undefined : parseBudget(flags.budget, '--budget')
  const trials = flags.trials === undefined ? undefined : parseCount(flags.trials, '--trials')
  const rate =
    flags.untilNewStateRate === undefined ? undefined : parseRate(flags.untilNewStateRate, '--until-new-state-rate')
  const shard = flags.shard === undefined ? undefined : parseShard(flags.shard)
  const seed =
    flags.seed === undefined
      ? undefined
      : flags.seed === 'from-git'
        ? seedOfCommit(headCommit(session.io.folder, '--seed from-git'))
        : parseSeed(flags.seed)
  const wanted = flags.strategy === undefined ? undefined : knownStrategy(flags.strategy)
  if (rate !== undefined) assertChance(wanted)
  const folder = join(session.dir, 'campaigns')
  if (flags.resume === true) {
    const past = latest(session, folder, { ...flags, shard, seed, strategy: wanted })
    const left = past.head.budgetMicros === undefined ? undefined : past.head.budgetMicros - past.usedMicros
    const more = budgetMicros ?? (trials === undefined ? left : undefined)
    const newStateRate = rate ?? past.head.newStateRate
    return {
      head: past.head,
      journalFile: join(folder, journalName(past.head)),
      past,
      budgetMillis: more === undefined ? Number.POSITIVE_INFINITY : Math.max(0, more) / 1_000,
      most: trials === undefined ? (past.head.trials ?? Number.POSITIVE_INFINITY) : past.done.size + trials,
      ...(newStateRate === undefined ? {} : { newStateRate }),
    }
  }
  if (budgetMicros === undefined && trials === undefined && rate === undefined)
    throw new UserError({
      what: 'it would never end',
      where: 'seatrial fuzz',
      mend: 'say how long: --budget 10m of real time, --trials 5000, --until-new-state-rate 0.05, or --resume to go on with the last campaign',
    })
  const strategy = wanted ?? PORTFOLIO_STRATEGY
  const head: JournalHead = {
    type: 'campaign',
    format: 'seatrial/journal',
    version: 1,
    release: packageVersion(),
    seed: seed ?? randomInt(0x7fff_ffff),
    suites: flags.suites ?? [...session.registry.suites.keys()],
    defects: flags.defects ?? [],
    shard: shard ?? WHOLE,
    ...(strategy === PLAIN ? {} : { strategy }),
    properties: [...session.registry.properties.keys()],
    ...(session.propertiesFile === undefined
      ? {}
      : { propertiesFile: relative(session.io.folder, session.propertiesFile) }),
    ...(budgetMicros === undefined ? {} : { budgetMicros }),
    ...(trials === undefined ? {} : { trials }),
    ...(rate === undefined ? {} : { newStateRate: rate }),
  }
  return {
    head,
    journalFile: join(folder, journalName(head)),
    budgetMillis: budgetMicros === undefined ? Number.POSITIVE_INFINITY : budgetMicros / 1_000,
    most: trials ?? Number.POSITIVE_INFINITY,
    ...(rate === undefined ? {} : { newStateRate: rate }),
  }
}

interface Wanted {
  readonly seed: number | undefined
  readonly shard: Shard | undefined
  readonly strategy: string | undefined
  readonly suites?: readonly string[]
  readonly defects?: readonly string[]
}

/** The campaign that was written to last, of those that the flags fit. */
function latest(session: Session, folder: string, wanted: Wanted): Past {
  const shown = relative(session.io.folder, folder)
  const own = session.propertiesFile === undefined ? undefined : relative(session.io.folder, session.propertiesFile)
  const same = (a: unknown, b: unknown) => a === undefined || JSON.stringify(a) === JSON.stringify(b)
  const heads = journalsIn(folder).map((name) => ({ name, head: headOf(join(folder, name)) }))
  const fitting = heads.find(
    ({ head }) =>
      head !== undefined &&
      same(wanted.seed, head.seed) &&
      same(wanted.shard, head.shard) &&
      same(wanted.strategy, head.strategy ?? PLAIN) &&
      same(wanted.suites, head.suites) &&
      same(wanted.defects, head.defects) &&
      head.propertiesFile === own,
  )
  if (fitting === undefined)
    throw new UserError({
      what:
        heads.length === 0
          ? 'there is no campaign to go on with'
          : heads.length === 1
            ? `the one campaign there does not have these flags; it ${wordsOf(heads[0]?.head)}`
            : `none of the ${heads.length} campaigns there has these flags; the last one ${wordsOf(heads[0]?.head)}`,
      where: `--resume ${shown}`,
      mend: 'give the flags of that campaign, or begin a new one without --resume',
    })
  const past = readJournal(join(folder, fitting.name), join(shown, fitting.name))
  const release = packageVersion()
  if (past.head.release !== release)
    throw new UserError({
      what: `the campaign was begun by seatrial ${past.head.release}, this is ${release}: its trials are not the same`,
      where: `--resume ${join(shown, fitting.name)}`,
      mend: 'begin a new campaign without --resume',
    })
  return past
}

function wordsOf(head: JournalHead | undefined): string {
  if (head === undefined) return 'cannot be read'
  const own = head.propertiesFile === undefined ? '' : ` and --properties ${head.propertiesFile}`
  return `had --seed ${head.seed}, --shard ${printShard(head.shard)}, --strategy ${head.strategy ?? PLAIN}, ${counted(head.suites.length, 'suite')}${own}`
}

/** Names of journals, the one that was written to last first. */
export function journalsIn(folder: string): string[] {
  let names: string[] = []
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(JOURNAL_ENDING))
  } catch {
    // No folder: no campaign.
  }
  const ages = new Map(names.map((name) => [name, statSync(join(folder, name)).mtimeMs]))
  return names.sort((a, b) => (ages.get(b) ?? 0) - (ages.get(a) ?? 0) || (a < b ? -1 : 1))
}

const HEAD_BYTES = 1 << 20

function headOf(path: string): JournalHead | undefined {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(HEAD_BYTES)
    const [line = ''] = buffer.toString('utf8', 0, readSync(file, buffer, 0, HEAD_BYTES, 0)).split('\n', 1)
    return JSON.parse(line) as JournalHead
  } catch {
    return undefined
  } finally {
    closeSync(file)
  }
}
