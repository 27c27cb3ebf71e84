/** Flags and their mistakes: lengths of time, whole numbers. */
import type { Shard } from '../trial/plan.ts'
import { UserError } from '../trial/user-error.ts'

const SHARDS_MAXIMUM = 10_000

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

/** A length of time that is not nothing. @throws UserError */
export function parseBudget(text: string, flag: string): number {
  const micros = parseDuration(text, flag)
  if (micros > 0) return micros
  throw new UserError({ what: `"${text}" leaves no time`, where: flag, mend: `write for example ${flag} 30s` })
}

/** A whole number of at least 1 and at most `most`. @throws UserError */
export function parseCount(text: string, flag: string, most = 1_000_000_000): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1 && value <= most) return value
  throw new UserError({
    what: value > most ? `${text} is more than ${most}` : `"${text}" is not a whole number of at least 1`,
    where: flag,
    mend: `write for example ${flag} ${most < 100 ? 2 : 100}`,
  })
}

/** A share of trials: `0.05` or `5%`, more than none and less than all. @throws UserError */
export function parseRate(text: string, flag: string): number {
  const [, amount, sign] = /^(\d+(?:\.\d+)?|\.\d+)(\s*%)?$/.exec(text.trim()) ?? []
  const rate = Number(amount ?? Number.NaN) / (sign === undefined ? 1 : 100)
  if (rate > 0 && rate < 1) return rate
  throw new UserError({
    what: amount === undefined ? `"${text}" is not a share` : `${text} is not between 0 and 1`,
    where: flag,
    mend: `write for example ${flag} 0.05: fewer than one trial in twenty shows something new`,
  })
}

/** `2/8`: the second of eight parts. @throws UserError */
export function parseShard(text: string, flag = '--shard'): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  const shard = { index: Number(index), count: Number(count) }
  if (index !== undefined && shard.index >= 1 && shard.index <= shard.count && shard.count <= SHARDS_MAXIMUM)
    return shard
  throw new UserError({
    what:
      index === undefined
        ? `"${text}" is not a part of a whole`
        : shard.count > SHARDS_MAXIMUM
          ? `${text} is more than ${SHARDS_MAXIMUM} parts`
          : `there is no part ${shard.index} of ${shard.count}; they are counted from 1`,
    where: flag,
    mend: `write for example ${flag} 2/8 for the second of eight`,
  })
}

/** A seed: any whole number, of which the lower 32 bits count; the number of a CI run will do. @throws UserError */
export function parseSeed(text: string, flag = '--seed'): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value | 0
  throw new UserError({ what: `"${text}" is not a whole number`, where: flag, mend: `write for example ${flag} 42` })
}
