/**
 * A campaign on a pool: blocks of trials are given out, results come back and are put in the campaign's order, hung and
 * crashed trials become verdicts, and a sample is run again in a second process.
 */
import {
  type Block,
  printTrialId,
  type Registry,
  type Scenario,
  scenarioIdOf,
  scenarioOfTrial,
  type TrialRecord,
  type TrialResult,
} from '../trial/index.ts'
import type { BeginNews, News, TrialNews } from './jobs.ts'
import { type Pool, WorkerLost } from './pool.ts'
import { secondOpinion, workersOf } from './second-opinion.ts'

type Source = Pick<Block, 'suite' | 'defects' | 'strategy' | 'seed'>

export interface Delivered {
  readonly record: TrialRecord
  readonly properties: readonly string[]
}

export interface Drive {
  readonly registry: Registry
  readonly pool: Pool
  /** A pool of processes; left out: no sample is run twice. */
  readonly elsewhere?: Pool
  /** Every so many trials of a suite one is run twice, the first of them included. */
  readonly sampleEvery: number
  /** Collect what each trial saw. Default: false. */
  readonly footprint?: boolean
  isStopped(): boolean
  /** Called for each trial the moment its verdict is known, in no order. What must not be lost is written down here. */
  onVerdict?(delivered: Delivered): void
  /** Called for each trial; within a block in order, blocks in the order in which they were given. */
  onTrial(delivered: Delivered): void
  /** Called when the trials of a block have been delivered, as far as they were run. */
  onBlock?(block: Block): void
}

const FAULT = 'fault '

/** A property that hangs would hang in every trial: after so many the campaign ends. */
const HANGS_MAXIMUM = 3

/** Runs blocks until there are no more of them. Several blocks are under way at once; delivery is in order all the same. */
export async function driveBlocks(
  given: Drive,
  blocks: Iterator<Block> | AsyncIterator<Block, undefined>,
): Promise<void> {
  let hangs = 0
  const drive: Drive = {
    ...given,
    isStopped: () => hangs >= HANGS_MAXIMUM || given.isStopped(),
    onTrial: (delivered) => {
      if (delivered.record.result.signature?.includes('/hung/') === true) hangs++
      given.onTrial(delivered)
    },
  }
  const waiting: { readonly block: Block; readonly buffer: Delivered[]; done: boolean }[] = []
  const flush = () => {
    for (let head = waiting[0]; head !== undefined; head = waiting[0]) {
      for (const delivered of head.buffer.splice(0)) drive.onTrial(delivered)
      if (!head.done) return
      waiting.shift()
      drive.onBlock?.(head.block)
    }
  }
  const lane = async () => {
    for (;;) {
      if (drive.isStopped()) return
      const next = await blocks.next()
      if (next.done === true) return
      const slot = { block: next.value, buffer: [] as Delivered[], done: false }
      waiting.push(slot)
      await driveBlock(drive, next.value, (delivered) => {
        slot.buffer.push(delivered)
        if (waiting[0] === slot) flush()
      })
      slot.done = true
      flush()
    }
  }
  await Promise.all(Array.from({ length: drive.pool.size }, lane))
  flush()
}

async function driveBlock(drive: Drive, block: Block, deliver: (delivered: Delivered) => void): Promise<void> {
  let next = block.from
  const end = block.from + block.count
  // A sampled trial is delivered late; those after it wait for it.
  let tail: Promise<void> = Promise.resolve()
  const hand = (delivered: Delivered) => {
    drive.onVerdict?.(delivered)
    tail = tail.then(() => deliver(delivered))
    tail.catch(() => {})
  }
  const handLate = (late: Promise<Delivered>) => {
    const told = late.then((delivered) => {
      drive.onVerdict?.(delivered)
      return delivered
    })
    tail = tail.then(async () => deliver(await told))
    tail.catch(() => {})
  }
  /** Of a strategy that learns: the trial under way. */
  let begun: BeginNews | undefined
  while (next < end && !drive.isStopped()) {
    try {
      const job = { kind: 'trials', ...block, from: next, count: end - next } as const
      let place: number | undefined
      const onNews = (news: News) => {
        if (news.kind === 'begins') begun = news
        if (news.kind !== 'trial') return
        next = news.number + 1
        const isSample = drive.elsewhere !== undefined && news.number % drive.sampleEvery === 0
        if (isSample) handLate(sampled(drive, block, news, place))
        else hand(delivery(block, news))
      }
      await drive.pool.run(drive.footprint === true ? { ...job, footprint: true } : job, onNews, {
        onSeat: (seat) => {
          place = seat
        },
      })
      break
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error
      const lost = await lostTrial(drive, block, begun?.number ?? next, error, begun?.scenario)
      if (begun === undefined || begun.number >= block.from) hand(lost)
      // What a lane would go on to try depends on what came of the lost trial: it ends here.
      if (begun !== undefined) break
      next++
    }
  }
  await tail
}

function delivery(source: Source, { number, result, properties, wallMicros, scenario }: TrialNews): Delivered {
  const trialId = printTrialId({ ...source, path: String(number) })
  return { record: { trialId, result, wallMicros, ...(scenario === undefined ? {} : { scenario }) }, properties }
}

/** Once more in another worker, which has other trials behind it, and in another process. */
async function sampled(drive: Drive, source: Source, news: TrialNews, place: number | undefined): Promise<Delivered> {
  const scenario = news.scenario ?? scenarioOfTrial(drive.registry, { ...source, path: String(news.number) })
  const { pool, elsewhere } = drive
  const same = workersOf(pool, (one) => one === place)
  const others = workersOf(pool, (one) => one !== place)
  const other =
    (await secondOpinion(scenario, news.result, same, others, 'in another worker')) ??
    (await secondOpinion(scenario, news.result, same, elsewhere!))
  return delivery(source, other === undefined ? news : { ...news, result: other })
}

/** The verdict of a trial in which a worker hung or died: it is run once more, alone and labelled, to learn who did it. */
async function lostTrial(
  drive: Drive,
  source: Source,
  number: number,
  first: WorkerLost,
  begun: Scenario | undefined,
): Promise<Delivered> {
  const trialId = printTrialId({ ...source, path: String(number) })
  const scenario = begun ?? scenarioOfTrial(drive.registry, { ...source, path: String(number) })
  const { result, wallMicros } = await runGuarded(drive.pool, scenario, first)
  return { record: { trialId, result, wallMicros, scenario }, properties: scenario.properties }
}

/** Runs a scenario so that a hang or crash of the worker is a verdict too. */
export async function runGuarded(
  pool: Pool,
  scenario: Scenario,
  first: WorkerLost,
): Promise<{ readonly result: TrialResult; readonly wallMicros: number }> {
  try {
    return await pool.run({ kind: 'scenario', scenario }, () => {}, { labelled: true })
  } catch (error) {
    if (!(error instanceof WorkerLost)) throw error
    return { result: lostResult(scenario, error.speaker === undefined ? first : error, error.speaker), wallMicros: 0 }
  }
}

/** The verdict of a trial that hung, or took its worker with it. `speaker`: a property's id, or `fault <kind>`. */
export function lostResult(scenario: Scenario, lost: WorkerLost, speaker: string | undefined): TrialResult {
  const fault = speaker?.startsWith(FAULT) === true ? speaker.slice(FAULT.length) : undefined
  const property = fault === undefined ? speaker : undefined
  const named = fault === undefined ? `property ${property}` : speaker
  const who =
    speaker === undefined
      ? `${lost.message}${scenario.defects.length === 0 ? '' : `, with ${scenario.defects.join(' and ')} switched on`}`
      : lost.hung
        ? `${named} does not come to an end (${lost.message})`
        : `${named}: ${lost.message}`
  return {
    verdict: 'error',
    scenarioId: scenarioIdOf(scenario),
    signature: `${property ?? fault ?? 'harness'}/${lost.hung ? 'hung' : 'crashed'}/error`,
    error: {
      message: who,
      ...(property === undefined ? {} : { property }),
      ...(fault === undefined ? {} : { fault }),
    },
    traceHash: '0000000000000000',
    virtualMicros: 0,
    steps: 0,
    ledger: [],
    reached: [],
    seen: [],
    facts: [],
  }
}
