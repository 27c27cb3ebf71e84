/** What comes out of a trial. Plain data: it crosses threads and is printed as JSON. */
import type { Fact, Micros } from '../kernel/index.ts'
import type { Footprint } from './coverage/footprint.ts'
import type { Evidence } from './registry.ts'

export type Verdict = 'passed' | 'failed' | 'vacuous' | 'diverged' | 'exhausted' | 'error'

/** One fault's line in the effect ledger. */
export interface LedgerEntry {
  readonly fault: string
  readonly kind: string
  readonly atMicros: Micros
  /** False: the trial ended before its moment. */
  readonly injected: boolean
  readonly evidence: readonly Evidence[]
  /** Some count of the evidence is above 0. */
  readonly bit: boolean
}

export interface FoundViolation {
  /** A property's id, or `invariant` when a machine's own always-on claim broke. */
  readonly property: string
  readonly subject: string
  readonly message: string
  readonly shape: string
  readonly atMicros: Micros
  /** What was seen of the subject, short. */
  readonly saw?: string
  readonly details?: unknown
  readonly drawing?: { readonly text: string; readonly svg: string }
}

export interface TrialError {
  readonly message: string
  /** The property that threw, if one did. */
  readonly property?: string
  /** The kind of fault that threw, if one did. */
  readonly fault?: string
  readonly stack?: string
}

/** A fact with its moment, kept for the story. */
export interface TimedFact {
  readonly atMicros: Micros
  readonly fact: Fact
}

export interface TrialResult {
  readonly verdict: Verdict
  readonly scenarioId: string
  /** Present when the verdict is `failed`. */
  readonly violation?: FoundViolation
  /** Two failures with one signature count as the same. Present when the verdict is `failed` or `error`. */
  readonly signature?: string
  /** Present when the verdict is `error`, `exhausted` or `diverged`. */
  readonly error?: TrialError
  /** 64 bits over every event of the run, in order. */
  readonly traceHash: string
  readonly virtualMicros: Micros
  /** Events that the kernel carried out. */
  readonly steps: number
  readonly ledger: readonly LedgerEntry[]
  /** Properties whose trigger was met. */
  readonly reached: readonly string[]
  /** For properties made of formulas: which of their triggers came up. */
  readonly met?: readonly { readonly property: string; readonly triggers: readonly string[] }[]
  /** `sometimes` properties that were seen to hold. */
  readonly seen: readonly string[]
  /** What the trial saw, when asked for. */
  readonly footprint?: Footprint
  /** Facts of the asked types in order, when asked for. */
  readonly facts: readonly TimedFact[]
}
