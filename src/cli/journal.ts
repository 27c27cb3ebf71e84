/**
 * The journal of a campaign: a line of JSON for everything that came to its end, written as it came. After `kill -9` the
 * campaign goes on from it and runs no trial twice. A last line that is cut off is as if it had not been written.
 */
import { closeSync, fsyncSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import {
  DoneTrials,
  type Footprint,
  hash64,
  isDrawn,
  parseTrialId,
  type Shard,
  type Strike,
  type TrialRecord,
  type TrialResult,
  UserError,
} from '../trial/index.ts'
import { refused, writeTextAtomically } from './files.ts'
import { failureOf } from './keeper.ts'
import type { LaneRecord } from './portfolio-blocks.ts'

export interface JournalHead {
  readonly type: 'campaign'
  readonly format: 'seatrial/journal'
  readonly version: 1
  readonly release: string
  readonly seed: number
  readonly suites: readonly string[]
  readonly defects: readonly string[]
  readonly shard: Shard
  /** How it searches. Left out: plain random. */
  readonly strategy?: string
  /** The registered properties; lines of trials name them by their place. */
  readonly properties: readonly string[]
  readonly propertiesFile?: string
  readonly budgetMicros?: number
  readonly trials?: number
  readonly newStateRate?: number
}

interface TrialLine {
  readonly type: 'trial'
  readonly trial: string
  readonly verdict: TrialResult['verdict']
  readonly virtualMicros: number
  readonly wallMicros?: number
  readonly steps: number
  /** Kinds: with `*` it bit, with `+` it was injected. */
  readonly faults: readonly string[]
  /** Places in the head's `properties`. */
  readonly reached: readonly number[]
  readonly seen: readonly number[]
  /** Features of the trial that fewer than three trials before it showed: what is seen more often is only common. */
  readonly rare?: readonly number[]
  /** What its faults struck: fault, kind, component, phase; a fifth part says that it was felt. */
  readonly strikes?: readonly (readonly string[])[]
  /** Ids that the scenario names; left out: all. */
  readonly checked?: readonly string[]
  /** The parts of the result that only failures have. */
  readonly failure?: Pick<TrialResult, 'scenarioId' | 'traceHash' | 'signature' | 'violation' | 'error'>
}

type Line =
  | TrialLine
  | { readonly type: 'kept'; readonly signature: string; readonly file: string }
  | { readonly type: 'told'; readonly signature: string }
  | ({ readonly type: 'lane' } & LaneRecord)
  | { readonly type: 'clock'; readonly micros: number }

/** What a journal remembers. */
export interface Past {
  readonly head: JournalHead
  readonly trials: readonly { readonly record: TrialRecord; readonly properties: readonly string[] }[]
  readonly done: DoneTrials
  /** Signature -> name of the file in the corpus. */
  readonly kept: ReadonlyMap<string, string>
  /** Signatures that were shrunk and told. */
  readonly told: ReadonlySet<string>
  /** Lanes of a portfolio that came to their end, by name. */
  readonly lanes: ReadonlyMap<string, LaneRecord>
  /** Real time that the campaign has used. */
  readonly usedMicros: number
}

export const JOURNAL_ENDING = '.jsonl'

/** Two campaigns with one name would run the same trials. */
export function journalName({ seed, suites, defects, shard, strategy, propertiesFile }: JournalHead): string {
  const part = shard.count === 1 ? '' : `-${shard.index}of${shard.count}`
  const how = strategy === undefined ? '' : `-${strategy}`
  return `${seed}${part}${how}-${hash64(JSON.stringify([suites, defects, propertiesFile ?? ''])).slice(0, 6)}${JOURNAL_ENDING}`
}

/** From so many trials on a feature is common. */
const COMMON = 3

export class Journal {
  readonly #file: number
  /** By feature, the trials that showed it, or `COMMON`. */
  readonly #sightings: Map<number, number>
  readonly #places: ReadonlyMap<string, number>
  readonly #path: string
  #refusal: UserError | undefined

  private constructor(path: string, head: JournalHead, sightings: Map<number, number>) {
    this.#path = path
    try {
      this.#file = openSync(path, 'a')
    } catch (error) {
      throw refused(error, path)
    }
    this.#sightings = sightings
    this.#places = new Map(head.properties.map((id, place) => [id, place]))
  }

  /** A new campaign: what was in the file is gone. @throws UserError if it cannot be written */
  static begin(path: string, head: JournalHead): Journal {
    writeTextAtomically(path, `${JSON.stringify(head)}\n`)
    return new Journal(path, head, new Map())
  }

  /** Goes on after what was written. @throws UserError */
  static goOn(path: string, head: JournalHead, trials: Past['trials']): Journal {
    const text = readFileSync(path)
    const end = text.lastIndexOf(0x0a) + 1
    if (end < text.length) truncateSync(path, end)
    const sightings = new Map<number, number>()
    for (const { record } of trials) rareOf(record, sightings)
    return new Journal(path, head, sightings)
  }

  trial(record: TrialRecord, checked: readonly string[]): void {
    const { trialId, result, wallMicros } = record
    const places = (ids: readonly string[]) => ids.flatMap((id) => this.#places.get(id) ?? [])
    const { scenarioId, traceHash, signature, violation, error } = result
    this.#write({
      type: 'trial',
      trial: trialId,
      verdict: result.verdict,
      virtualMicros: result.virtualMicros,
      ...(wallMicros === undefined ? {} : { wallMicros }),
      steps: result.steps,
      faults: result.ledger.map(({ kind, injected, bit }) => `${kind}${bit ? '*' : injected ? '+' : ''}`),
      reached: places(result.reached),
      seen: places(result.seen),
      ...(checked.length === 0 ? {} : { checked }),
      ...(result.footprint === undefined
        ? {}
        : { rare: rareOf(record, this.#sightings), strikes: result.footprint.strikes.map(partsOf) }),
      ...(failureOf(result) === undefined ? {} : { failure: { scenarioId, traceHash, signature, violation, error } }),
    })
  }

  /** A failure was kept in the corpus under this name. */
  kept(signature: string, file: string): void {
    this.#write({ type: 'kept', signature, file }, true)
  }

  /** A failure was shrunk and told. */
  told(signature: string): void {
    this.#write({ type: 'told', signature })
  }

  /** A lane of a portfolio came to its end. */
  lane(record: LaneRecord): void {
    this.#write({ type: 'lane', ...record })
  }

  clock(micros: number): void {
    this.#write({ type: 'clock', micros })
  }

  close(): void {
    closeSync(this.#file)
  }

  /** Why nothing can be written down any more, such as a full disk. What was written until then is whole. */
  get refusal(): UserError | undefined {
    return this.#refusal
  }

  #write(line: Line, sync = false): void {
    // After a line that was cut off by the first refusal, no other one may stand.
    if (this.#refusal !== undefined) return
    try {
      writeFileSync(this.#file, `${JSON.stringify(line)}\n`)
      if (sync) fsyncSync(this.#file)
    } catch (error) {
      this.#refusal = refused(error, this.#path)
    }
  }
}

/** The features that are rare so far, counted. What the corpus shows, or a search that learns, is common at once: it was no chance. */
function rareOf({ trialId, result }: TrialRecord, sightings: Map<number, number>): number[] {
  const rare: number[] = []
  const weight = isDrawn(trialId) ? 1 : COMMON
  for (const feature of result.footprint?.features ?? []) {
    const count = sightings.get(feature) ?? 0
    if (count === COMMON) continue
    rare.push(feature)
    sightings.set(feature, Math.min(COMMON, count + weight))
  }
  return rare
}

function partsOf({ fault, kind, component, phase, bit }: Strike): readonly string[] {
  return bit ? [fault, kind, component, phase, 'bit'] : [fault, kind, component, phase]
}

function footprintOf({ rare, strikes = [] }: TrialLine): Footprint | undefined {
  if (rare === undefined) return undefined
  return {
    features: Uint32Array.from(rare),
    strikes: strikes.map(([fault = '', kind = '', component = '', phase = '', bit]) => ({
      fault,
      kind,
      component,
      phase: phase as Strike['phase'],
      bit: bit !== undefined,
    })),
  }
}

/** Reads a journal. @throws UserError if its first line is not that of a journal that this release can read */
export function readJournal(path: string, shown: string): Past {
  let lines: string[]
  try {
    lines = readFileSync(path, 'utf8').split('\n')
  } catch (error) {
    throw refused(error, shown)
  }
  const head = parsed(lines[0] ?? '') as JournalHead | undefined
  if (head?.type !== 'campaign' || head.format !== 'seatrial/journal' || head.version !== 1)
    throw new UserError({
      what: 'this is not the journal of a campaign that this release can read',
      where: `${shown}:1`,
      mend: 'take the file away and begin a new campaign',
    })
  const trials: { record: TrialRecord; properties: readonly string[] }[] = []
  const done = new DoneTrials()
  const kept = new Map<string, string>()
  const told = new Set<string>()
  const lanes = new Map<string, LaneRecord>()
  let usedMicros = 0
  for (const text of lines.slice(1)) {
    const line = parsed(text) as Line | undefined
    if (line === undefined) continue
    if (line.type === 'kept') kept.set(line.signature, line.file)
    else if (line.type === 'told') told.add(line.signature)
    else if (line.type === 'lane') lanes.set(line.lane, line)
    else if (line.type === 'clock') usedMicros = line.micros
    else if (line.type === 'trial') {
      trials.push({ record: recordOf(line, head), properties: line.checked ?? [] })
      const id = parseTrialId(line.trial)
      if (id !== undefined) done.add(id.suite, id.seed, Number(id.path), id.strategy)
    }
  }
  return { head, trials, done, kept, told, lanes, usedMicros }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function recordOf(line: TrialLine, head: JournalHead): TrialRecord {
  const footprint = footprintOf(line)
  const ids = (places: readonly number[]) => places.flatMap((place) => head.properties[place] ?? [])
  return {
    trialId: line.trial,
    ...(line.wallMicros === undefined ? {} : { wallMicros: line.wallMicros }),
    result: {
      verdict: line.verdict,
      scenarioId: '',
      traceHash: '',
      virtualMicros: line.virtualMicros,
      steps: line.steps,
      ledger: line.faults.map((text, index) => ({
        fault: `f${index + 1}`,
        kind: text.replace(/[*+]$/, ''),
        atMicros: 0,
        injected: /[*+]$/.test(text),
        bit: text.endsWith('*'),
        evidence: [],
      })),
      reached: ids(line.reached),
      seen: ids(line.seen),
      facts: [],
      ...(footprint === undefined ? {} : { footprint }),
      ...line.failure,
    },
  }
}
