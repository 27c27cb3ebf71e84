/**
 * Wall-clock stamps as text and back: RFC 3339 in UTC, whole seconds (metav1.Time) or microseconds (metav1.MicroTime).
 * Integer calendar arithmetic (days from civil date, proleptic Gregorian); the platform's calendar is never asked.
 * Years 1970 to 9999. Source: apimachinery pkg/apis/meta/v1 time.go and micro_time.go, v1.33.
 */
import { invariant } from '../kernel/invariant.ts'
import { type Micros, SECOND } from '../kernel/time.ts'

const DAY_SECONDS = 86_400
const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))$/
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

let lastSecond = -1
let lastPrefix = ''
let lastStamp = ''
let lastDay = -1
let lastDate = ''

/** The RFC 3339 text, whole seconds, of a wall-clock reading in Unix microseconds: `2025-01-01T00:00:07Z`. */
export function timestamp(wallMicros: Micros): string {
  render(wallMicros)
  return lastStamp
}

/** The RFC 3339 text with six decimals of a wall-clock reading in Unix microseconds: `2025-01-01T00:00:07.250000Z`. */
export function microTime(wallMicros: Micros): string {
  render(wallMicros)
  return `${lastPrefix}.${String(wallMicros - lastSecond * SECOND).padStart(6, '0')}Z`
}

/** Unix microseconds of an RFC 3339 text (any offset, up to nine decimals, cut to microseconds), or undefined when it is none. */
export function tryParseTime(text: string): Micros | undefined {
  const parts = FORM.exec(text)
  if (parts === null) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const fraction = Number((parts[7] ?? '').padEnd(6, '0').slice(0, 6))
  const offset = (parts[8] === '-' ? -1 : 1) * (Number(parts[9] ?? 0) * 3600 + Number(parts[10] ?? 0) * 60)
  const seconds = daysFromCivil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset
  return seconds * SECOND + fraction
}

/** As `tryParseTime`, for stamps that machines wrote themselves: throws an InvariantError on anything else. */
export function parseTime(text: string): Micros {
  const micros = tryParseTime(text)
  if (micros === undefined) invariant(false, 'objects: a stamp is RFC 3339', { text })
  return micros
}

function render(wallMicros: Micros): void {
  const second = Math.floor(wallMicros / SECOND)
  if (second === lastSecond) return
  if (wallMicros < 0) invariant(false, 'objects: stamps start in 1970', { wallMicros })
  const day = Math.floor(second / DAY_SECONDS)
  if (day !== lastDay) {
    lastDay = day
    lastDate = civilFromDays(day)
  }
  const rest = second - day * DAY_SECONDS
  const hour = Math.floor(rest / 3600)
  const minute = Math.floor((rest - hour * 3600) / 60)
  lastSecond = second
  lastPrefix = `${lastDate}T${two(hour)}:${two(minute)}:${two(rest % 60)}`
  lastStamp = `${lastPrefix}Z`
}

function two(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}

function daysInMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && leap ? 29 : (MONTH_DAYS[month - 1] as number)
}

/** Days since 1970-01-01. The year is taken to start in March, so a leap day is its last. */
function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function civilFromDays(days: number): string {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
}
