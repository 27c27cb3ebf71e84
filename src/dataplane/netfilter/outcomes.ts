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
/** More branches than any service has endpoints: a loop, not a rule set. */
const MAX_BRANCHES = 100_000

class Script implements Chooser {
  readonly answers: boolean[] = []
  readonly thresholds: number[] = []

  statistic(threshold: number, index: number): boolean {
    invariant(index <= this.answers.length, 'netfilter: random matches come one after another')
    this.thresholds[index] = threshold
    if (index === this.answers.length) this.answers.push(threshold > 0)
    return this.answers[index] as boolean
  }

  share(count: number): Fraction {
    let numerator = 1n
    for (let i = 0; i < count; i++) {
      const chance = BigInt(this.thresholds[i] as number)
      numerator *= this.answers[i] ? chance : STATISTIC_ONE - chance
    }
    return { numerator, bits: count * STATISTIC_BITS }
  }
}

/** Runs `walk` once for every combination of random answers with a chance above 0. */
export function enumerate<T>(walk: (chooser: Chooser) => T): { readonly result: T; readonly share: Fraction }[] {
  const script = new Script()
  const found: { result: T; share: Fraction }[] = []
  for (let branches = 0; ; branches++) {
    invariant(branches < MAX_BRANCHES, 'netfilter: a walk has finitely many outcomes')
    const result = walk(script)
    const share = script.share(script.answers.length)
    if (share.numerator > 0n) found.push({ result, share })
    while (script.answers.length > 0 && script.answers.at(-1) === false) script.answers.pop()
    if (script.answers.length === 0) return found
    script.answers[script.answers.length - 1] = false
  }
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
