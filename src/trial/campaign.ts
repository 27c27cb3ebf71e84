/**
 * The book of a campaign: what its trials came to, which faults bit, which properties were reached, and the failures
 * grouped by signature. It is only told results; who runs them, and with what clock, is its caller's business.
 */
import { CoverageBook, type CoverageSummary } from './coverage/coverage-book.ts'
import { isExhausted } from './coverage/discovery.ts'
import type { Registry } from './registry.ts'
import type { TrialResult, Verdict } from './result.ts'
import type { Scenario } from './scenario.ts'
import { isDrawn, parseTrialId } from './trial-id.ts'

/** One trial as the book keeps it. */
export interface TrialRecord {
  readonly trialId: string
  readonly result: TrialResult
  /** Wall time of the trial, in microseconds, as measured by whoever ran it. */
  readonly wallMicros?: number
  /** Where the name of the trial does not lead to it at once. */
  readonly scenario?: Scenario
}

export interface FailureGroup {
  readonly signature: string
  /** The first that was added; with results added in the order of the campaign, the first of the campaign. */
  readonly first: TrialRecord
  readonly count: number
}

export interface LedgerRow {
  readonly kind: string
  readonly injected: number
  readonly bit: number
}

export interface CampaignSummary {
  readonly trials: number
  readonly verdicts: Readonly<Record<Verdict, number>>
  readonly virtualMicros: number
  readonly steps: number
  readonly faults: readonly LedgerRow[]
  readonly reached: readonly { readonly property: string; readonly trials: number }[]
  /** Properties that were checked and never looked at anything. */
  readonly neverReached: readonly string[]
  /** Properties made of formulas, with what they wait for and what came up in no trial. */
  readonly neverMet: readonly { readonly property: string; readonly triggers: readonly string[] }[]
  /** By suite, the properties that its scenarios name and none of its trials reached. */
  readonly vacuousSuites: readonly { readonly suite: string; readonly properties: readonly string[] }[]
  readonly sometimesSeen: readonly string[]
  /** `sometimes` properties that no trial saw hold. */
  readonly sometimesNeverSeen: readonly string[]
  readonly failures: readonly FailureGroup[]
  /** Present when trials came with their footprints. */
  readonly coverage?: CoverageSummary
}

export class Campaign {
  readonly #registry: Registry
  readonly #verdicts: Record<Verdict, number> = {
    passed: 0,
    failed: 0,
    vacuous: 0,
    diverged: 0,
    exhausted: 0,
    error: 0,
  }
  readonly #faults = new Map<string, { injected: number; bit: number }>()
  readonly #reached = new Map<string, number>()
  readonly #seen = new Set<string>()
  readonly #met = new Map<string, Set<string>>()
  /** By suite, the properties that its scenarios name: whether one of its trials reached it. */
  readonly #named = new Map<string, Map<string, boolean>>()
  readonly #groups = new Map<string, { first: TrialRecord; count: number }>()
  /** Properties that some trial checked; all of them when no suite names its own. */
  readonly #checked = new Set<string>()
  readonly #coverage = new CoverageBook()
  #hasCoverage = false
  #trials = 0
  #virtualMicros = 0
  #steps = 0

  constructor(registry: Registry) {
    this.#registry = registry
  }

  get trials(): number {
    return this.#trials
  }

  get verdicts(): Readonly<Record<Verdict, number>> {
    return this.#verdicts
  }

  /**
   * Adds a trial. `properties` are the ids its scenario names; empty means all.
   * @returns true if this is the first failure of its signature
   */
  add(record: TrialRecord, properties: readonly string[] = []): boolean {
    const { result } = record
    this.#trials++
    this.#verdicts[result.verdict]++
    this.#virtualMicros += result.virtualMicros
    this.#steps += result.steps
    for (const { id } of this.#registry.propertiesFor(properties)) this.#checked.add(id)
    for (const entry of result.ledger) {
      const row = this.#faults.get(entry.kind) ?? { injected: 0, bit: 0 }
      this.#faults.set(entry.kind, {
        injected: row.injected + (entry.injected ? 1 : 0),
        bit: row.bit + (entry.bit ? 1 : 0),
      })
    }
    for (const id of result.reached) this.#reached.set(id, (this.#reached.get(id) ?? 0) + 1)
    for (const id of result.seen) this.#seen.add(id)
    for (const { property, triggers } of result.met ?? []) {
      const met = this.#met.get(property)
      if (met === undefined) this.#met.set(property, new Set(triggers))
      else for (const trigger of triggers) met.add(trigger)
    }
    const suite = suiteOf(record.trialId)
    if (result.footprint !== undefined) {
      this.#hasCoverage = true
      this.#coverage.add(result.footprint, isDrawn(record.trialId))
    }
    if (suite !== undefined && properties.length > 0) this.#addNamed(suite, properties, result)
    return this.#group(record)
  }

  /** With 95 % confidence, fewer than this share of further trials would show something new. */
  showsNothingNew(rate: number): boolean {
    return isExhausted(this.#coverage.frequencies(), rate)
  }

  /** Trials that count for what is said about news: those drawn by chance, with their footprints. */
  get drawnTrials(): number {
    return this.#coverage.trials
  }

  summary(): CampaignSummary {
    const checked = [...this.#registry.properties.values()].filter((property) => this.#checked.has(property.id))
    const sometimes = checked.filter((property) => property.mode === 'sometimes').map((property) => property.id)
    const kinds = [...this.#registry.faults.keys()].filter((kind) => this.#faults.has(kind))
    return {
      trials: this.#trials,
      verdicts: { ...this.#verdicts },
      virtualMicros: this.#virtualMicros,
      steps: this.#steps,
      faults: kinds.map((kind) => ({ kind, ...this.#faults.get(kind)! })),
      reached: checked
        .filter(({ id }) => this.#reached.has(id))
        .map(({ id }) => ({ property: id, trials: this.#reached.get(id)! })),
      neverReached: checked.filter(({ id }) => !this.#reached.has(id)).map(({ id }) => id),
      neverMet: checked.flatMap(({ id, triggers = [] }) => {
        const missing = triggers.filter((trigger) => this.#met.get(id)?.has(trigger) !== true)
        return missing.length === 0 ? [] : [{ property: id, triggers: missing }]
      }),
      vacuousSuites: [...this.#named].flatMap(([suite, named]) => {
        const unreached = [...named].flatMap(([id, isReached]) => (isReached ? [] : [id]))
        return unreached.length === 0 ? [] : [{ suite, properties: unreached }]
      }),
      sometimesSeen: sometimes.filter((id) => this.#seen.has(id)),
      sometimesNeverSeen: sometimes.filter((id) => !this.#seen.has(id)),
      failures: [...this.#groups].map(([signature, group]) => ({ signature, ...group })),
      ...(this.#hasCoverage ? { coverage: this.#coverage.summary() } : {}),
    }
  }

  #addNamed(suite: string, properties: readonly string[], { reached }: TrialResult): void {
    const named = this.#named.get(suite) ?? new Map<string, boolean>()
    this.#named.set(suite, named)
    for (const id of properties) named.set(id, named.get(id) === true || reached.includes(id))
  }

  #group(record: TrialRecord): boolean {
    const signature = record.result.signature ?? (record.result.verdict === 'exhausted' ? 'exhausted' : undefined)
    if (signature === undefined) return false
    const known = this.#groups.get(signature)
    if (known === undefined) {
      this.#groups.set(signature, { first: record, count: 1 })
      return true
    }
    known.count++
    return false
  }
}

/** The suite that drew a trial; undefined for an entry of the corpus, which has none. */
function suiteOf(trialId: string): string | undefined {
  return parseTrialId(trialId)?.suite
}

/** What a campaign did not look at: with `--strict`, each of them is a failure. */
export function omissionsOf({ neverReached, neverMet, vacuousSuites, sometimesNeverSeen }: CampaignSummary): number {
  return neverReached.length + neverMet.length + vacuousSuites.length + sometimesNeverSeen.length
}

/** The process's exit status: 0 passed, 1 a property failed, 3 diverged or the harness erred. Ill luck outranks failure. */
export function exitStatusOf(verdicts: Readonly<Record<Verdict, number>>): 0 | 1 | 3 {
  if (verdicts.diverged > 0 || verdicts.error > 0 || verdicts.exhausted > 0) return 3
  return verdicts.failed > 0 ? 1 : 0
}
