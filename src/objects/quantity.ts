/**
 * Resource quantities: "500m", "64Mi", "2", "1e3" to integers and back. Exact (big integers on first sight of a text, then
 * remembered), rounded up as upstream does. Models apimachinery pkg/api/resource, v1.33. Not modelled: nano precision in sums.
 */
import { invariant } from '../kernel/invariant.ts'

const FORM = /^([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d{1,2})?$/
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const DECIMAL_EXPONENT: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
}
const REMEMBERED_TEXTS = 10_000

interface Parsed {
  /** In thousandths, rounded up; NaN when above 2^53. */
  readonly milli: number
  /** In units, rounded up; NaN when above 2^53. */
  readonly whole: number
}

const remembered = new Map<string, Parsed | null>()

/** True when `text` is a quantity. */
export function isQuantity(text: string): boolean {
  return parsed(text) !== null
}

/** The value in thousandths, rounded up ("500m" is 500, "2" is 2000), or undefined when `text` is no quantity or beyond 2^53. */
export function tryMilliValue(text: string): number | undefined {
  return orUndefined(parsed(text)?.milli)
}

/** The value in whole units, rounded up ("64Mi" is 67108864), or undefined when `text` is no quantity or beyond 2^53. */
export function tryWholeValue(text: string): number | undefined {
  return orUndefined(parsed(text)?.whole)
}

/** `tryMilliValue` for quantities that passed validation: throws an InvariantError on anything else. */
export function milliValue(text: string): number {
  const value = tryMilliValue(text)
  invariant(value !== undefined, 'objects: a validated quantity parses', { text })
  return value
}

/** `tryWholeValue` for quantities that passed validation: throws an InvariantError on anything else. */
export function wholeValue(text: string): number {
  const value = tryWholeValue(text)
  invariant(value !== undefined, 'objects: a validated quantity parses', { text })
  return value
}

/** Thousandths as text: 500 is "500m", 2000 is "2". */
export function formatMilli(milli: number): string {
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`
}

/** Bytes as text with the largest binary suffix that divides: 67108864 is "64Mi". */
export function formatBytes(bytes: number): string {
  let value = bytes
  let suffix = ''
  for (const next of BINARY) {
    if (value === 0 || value % 1024 !== 0) break
    value /= 1024
    suffix = next
  }
  return `${value}${suffix}`
}

function orUndefined(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value
}

function parsed(text: string): Parsed | null {
  let known = remembered.get(text)
  if (known === undefined) {
    known = parse(text)
    if (remembered.size >= REMEMBERED_TEXTS) remembered.clear()
    remembered.set(text, known)
  }
  return known
}

function parse(text: string): Parsed | null {
  const parts = FORM.exec(text)
  if (parts === null) return null
  const [, sign, digits = '', suffix = ''] = parts
  const point = digits.indexOf('.')
  const decimals = point < 0 ? 0 : digits.length - point - 1
  let numerator = BigInt(digits.replace('.', ''))
  let denominator = 10n ** BigInt(decimals)
  const binary = BINARY.indexOf(suffix)
  if (binary >= 0) {
    numerator *= 1024n ** BigInt(binary + 1)
  } else if (suffix !== '') {
    const exponent = DECIMAL_EXPONENT[suffix] ?? Number(suffix.slice(1))
    if (exponent >= 0) numerator *= 10n ** BigInt(exponent)
    else denominator *= 10n ** BigInt(-exponent)
  }
  if (sign === '-') numerator = -numerator
  return { milli: roundedUp(numerator * 1000n, denominator), whole: roundedUp(numerator, denominator) }
}

function roundedUp(numerator: bigint, denominator: bigint): number {
  const cut = numerator / denominator
  const value = Number(numerator > 0n && cut * denominator !== numerator ? cut + 1n : cut)
  return Number.isSafeInteger(value) ? value : Number.NaN
}
