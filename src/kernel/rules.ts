/**
 * What can go wrong on the network, as an ordered list of rules with verdicts. Each message asks the rules that match its
 * link, in order: `pass` and a drop end the asking, delays add up. A rule counts what it did; that is the evidence for
 * the effect ledger. Chance is addressed by (link, virtual time, index within the microsecond, rule): taking a rule away
 * changes no other rule's draws.
 */
import { invariant } from './invariant.ts'
import type { ProcessId } from './machine.ts'
import { addressOf, type Rand } from './random.ts'
import type { Micros } from './time.ts'

export type Verdict =
  /** Through, and no later rule is asked. */
  | { readonly kind: 'pass' }
  | { readonly kind: 'drop' }
  /** Later by `extraMicros` and a draw from 0 to `jitterMicros`. */
  | { readonly kind: 'delay'; readonly extraMicros: Micros; readonly jitterMicros?: Micros }
  /** Dropped with this chance, in parts per million. */
  | { readonly kind: 'loss'; readonly ppm: number }
  /** A datagram arrives twice, the copy up to `windowMicros` (default 1 ms) later. Connections remove copies themselves. */
  | { readonly kind: 'duplicate'; readonly ppm: number; readonly windowMicros?: Micros }
  /** A datagram is held back up to `windowMicros` and may be overtaken. Connections put themselves in order. */
  | { readonly kind: 'reorder'; readonly ppm: number; readonly windowMicros: Micros }
  /** A pipe that all matching messages share: each waits until those before it are through. */
  | { readonly kind: 'bandwidth'; readonly bytesPerSecond: number }

export interface NetworkRule {
  /** Names the rule's draws; the same rule in another run of the scenario has the same id. */
  readonly id: string
  /** Unset: every process. */
  readonly from?: ReadonlySet<ProcessId>
  readonly to?: ReadonlySet<ProcessId>
  readonly verdict: Verdict
}

/** What a rule did so far. */
export interface RuleCounters {
  readonly dropped: number
  readonly delayed: number
  readonly duplicated: number
  readonly reordered: number
  /** Connections that broke because this rule kept their ends apart. */
  readonly connectionsBroken: number
}

const DUPLICATE_WINDOW_MICROS = 1_000
const ALWAYS_PPM = 1_000_000

/** The network's answer about one message. One object is used again and again. */
export class Fate {
  dropped = false
  extraMicros: Micros = 0
  /** After the first copy; below 0 when there is none. */
  copyAfterMicros: Micros = -1

  reset(): void {
    this.dropped = false
    this.extraMicros = 0
    this.copyAfterMicros = -1
  }
}

/** A rule in force. */
export class Rule {
  readonly options: NetworkRule
  readonly counters = { dropped: 0, delayed: 0, duplicated: 0, reordered: 0, connectionsBroken: 0 }
  readonly #address: number
  #pipeFreeAt: Micros = 0

  constructor(options: NetworkRule) {
    check(options)
    this.options = options
    this.#address = addressOf(options.id)
  }

  matches(from: ProcessId, to: ProcessId): boolean {
    return (this.options.from?.has(from) ?? true) && (this.options.to?.has(to) ?? true)
  }

  /** Nothing comes through as long as the rule is in force. */
  get cuts(): boolean {
    const { verdict } = this.options
    return verdict.kind === 'drop' || (verdict.kind === 'loss' && verdict.ppm >= ALWAYS_PPM)
  }

  /** Decides about one message. True: no later rule is asked. */
  decide(fate: Fate, stream: Rand, now: Micros, index: number, bytes: number): boolean {
    const { verdict } = this.options
    switch (verdict.kind) {
      case 'pass':
        return true
      case 'drop':
        return this.#drop(fate)
      case 'loss':
        return stream.chanceAt(verdict.ppm, now, index, this.#address) && this.#drop(fate)
      case 'delay': {
        const jitter = verdict.jitterMicros ?? 0
        fate.extraMicros += verdict.extraMicros + (jitter > 0 ? stream.intAt(0, jitter, now, index, this.#address) : 0)
        this.counters.delayed++
        return false
      }
      case 'duplicate':
        if (stream.chanceAt(verdict.ppm, now, index, this.#address)) {
          fate.copyAfterMicros = stream.intAt(
            0,
            verdict.windowMicros ?? DUPLICATE_WINDOW_MICROS,
            now,
            index,
            this.#address + 1,
          )
          this.counters.duplicated++
        }
        return false
      case 'reorder':
        if (stream.chanceAt(verdict.ppm, now, index, this.#address)) {
          fate.extraMicros += stream.intAt(0, verdict.windowMicros, now, index, this.#address + 1)
          this.counters.reordered++
        }
        return false
      case 'bandwidth': {
        const start = now > this.#pipeFreeAt ? now : this.#pipeFreeAt
        this.#pipeFreeAt = start + Math.ceil((bytes * 1_000_000) / verdict.bytesPerSecond)
        if (this.#pipeFreeAt > now) {
          fate.extraMicros += this.#pipeFreeAt - now
          this.counters.delayed++
        }
        return false
      }
    }
  }

  #drop(fate: Fate): boolean {
    fate.dropped = true
    this.counters.dropped++
    return true
  }
}

function check({ id, verdict }: NetworkRule): void {
  const facts = { id, verdict }
  const whole = (value: number) => Number.isInteger(value) && value >= 0
  const chance = (value: number) => whole(value) && value <= ALWAYS_PPM
  switch (verdict.kind) {
    case 'pass':
    case 'drop':
      break
    case 'delay':
      invariant(whole(verdict.extraMicros), 'kernel: a delay is a whole number of microseconds', facts)
      invariant(whole(verdict.jitterMicros ?? 0), 'kernel: a jitter is a whole number of microseconds', facts)
      break
    case 'loss':
      invariant(chance(verdict.ppm), 'kernel: a chance is from 0 to 1,000,000 ppm', facts)
      break
    case 'duplicate':
      invariant(chance(verdict.ppm), 'kernel: a chance is from 0 to 1,000,000 ppm', facts)
      invariant(whole(verdict.windowMicros ?? 0), 'kernel: a window is a whole number of microseconds', facts)
      break
    case 'reorder':
      invariant(chance(verdict.ppm), 'kernel: a chance is from 0 to 1,000,000 ppm', facts)
      invariant(whole(verdict.windowMicros), 'kernel: a window is a whole number of microseconds', facts)
      break
    case 'bandwidth':
      invariant(verdict.bytesPerSecond > 0, 'kernel: a bandwidth is above 0', facts)
      break
  }
}
