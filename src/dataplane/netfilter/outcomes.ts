/**
 * All possible results of a walk with their exact chances: every random match is taken both ways. The chance is a fraction
 * with a power of two below it (the kernel draws 31 bits a match), so nothing is rounded. For agreement checks, not for traffic.
 */
import { invariant } from '../../kernel/invariant.ts'
import type { Chooser } from './walk.ts'

/** `numerator` / 2^`bits`. */
export interface Fraction {
  readonly numerator: bigint
  readonly bits: number
}

const STATISTIC_BITS = 31
const STATISTIC_ONE = 1n << 31n
const ALWAYS = 0x80000000
/** More branches than any service has endpoints: a loop, not a rule set. */
const MAX_BRANCHES = 100_000

/** One way through the random matches of a walk. */
export interface Branch {
  /** Its exact chance, above 0. */
  share(): Fraction
}

class Script implements Chooser, Branch {
  /** Answers that count; what lies beyond is of another walk. Arrays that grow and shrink would be made anew all the time. */
  #depth = 0
  readonly #answers: boolean[] = []
  readonly #thresholds: number[] = []

  statistic(threshold: number, index: number): boolean {
    invariant(index <= this.#depth, 'netfilter: random matches come one after another')
    this.#thresholds[index] = threshold
    if (index === this.#depth) this.#answers[this.#depth++] = threshold > 0
    return this.#answers[index] as boolean
  }

  isPossible(): boolean {
    for (let i = 0; i < this.#depth; i++) if (this.#thresholds[i] === (this.#answers[i] ? 0 : ALWAYS)) return false
    return true
  }

  share(): Fraction {
    let numerator = 1n
    for (let i = 0; i < this.#depth; i++) {
      const chance = BigInt(this.#thresholds[i] as number)
      numerator *= this.#answers[i] ? chance : STATISTIC_ONE - chance
    }
    return { numerator, bits: this.#depth * STATISTIC_BITS }
  }

  /** On to the next combination; false after the last. */
  advance(): boolean {
    while (this.#depth > 0 && this.#answers[this.#depth - 1] === false) this.#depth--
    if (this.#depth === 0) return false
    this.#answers[this.#depth - 1] = false
    return true
  }
}

/** The script of the last enumeration that ended. */
let idle: Script | undefined

/**
 * Runs `walk` once for every combination of random answers with a chance above 0, and tells `visit` of each. The branch is
 * valid during the visit only.
 */
export function enumerate<T>(walk: (chooser: Chooser) => T, visit: (result: T, branch: Branch) => void): void {
  const script = idle ?? new Script()
  idle = undefined
  let branches = 0
  do {
    invariant(branches++ < MAX_BRANCHES, 'netfilter: a walk has finitely many outcomes')
    const result = walk(script)
    if (script.isPossible()) visit(result, script)
  } while (script.advance())
  idle = script
}

export const NEVER: Fraction = { numerator: 0n, bits: 0 }

/** The sum of two fractions. */
export function add(a: Fraction, b: Fraction): Fraction {
  const bits = Math.max(a.bits, b.bits)
  return {
    numerator: (a.numerator << BigInt(bits - a.bits)) + (b.numerator << BigInt(bits - b.bits)),
    bits,
  }
}

/** True if the fraction is exactly 1. */
export function isOne(fraction: Fraction): boolean {
  return fraction.numerator === 1n << BigInt(fraction.bits)
}

/** The fraction as a number, for people: good to 31 bits. */
export function approximate(fraction: Fraction): number {
  const extra = fraction.bits - STATISTIC_BITS
  return Number(extra > 0 ? fraction.numerator >> BigInt(extra) : fraction.numerator << BigInt(-extra)) / 0x80000000
}
