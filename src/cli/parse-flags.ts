/** Flags and their mistakes: lengths of time, whole numbers. */
import { UserError } from '../trial/user-error.ts'

const UNIT_MICROS: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
}
const LENGTH = /^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/

/** `12.5s`, `1m30s`, `250ms`, `2h` in microseconds. @throws UserError */
export function parseDuration(text: string, flag: string): number {
  const compact = text.replaceAll(/\s+/g, '')
  if (!LENGTH.test(compact)) {
    throw new UserError({
      what: `"${text}" is not a length of time`,
      where: flag,
      mend: 'write for example 12.5s, 1m30s, 250ms or 2h',
    })
  }
  let micros = 0
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/g))
    micros += Number(amount) * (UNIT_MICROS[unit ?? ''] ?? 0)
  return Math.round(micros)
}

/** A whole number from `least` on. @throws UserError */
export function parseCount(text: string, flag: string, least = 1): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least) {
    throw new UserError({
      what: `"${text}" is not a whole number of at least ${least}`,
      where: flag,
      mend: `write for example ${flag} ${Math.max(least, 100)}`,
    })
  }
  return value
}

/** A seed: any 32-bit integer. @throws UserError */
export function parseSeed(text: string, flag = '--seed'): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < -0x8000_0000 || value > 0xffff_ffff) {
    throw new UserError({
      what: `"${text}" is not a 32-bit whole number`,
      where: flag,
      mend: `write for example ${flag} 42`,
    })
  }
  return value | 0
}
