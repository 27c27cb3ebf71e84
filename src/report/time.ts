/** Virtual times and lengths in words: `12.503 s`, `1 m 30 s`. */
import type { Micros } from '../kernel/index.ts'

/** A moment for the left column of a story: seconds with milliseconds, such as `0:21.503`. */
export function moment(micros: Micros): string {
  const minutes = Math.floor(micros / 60_000_000)
  const millis = Math.floor((micros % 60_000_000) / 1_000)
  const seconds = String(Math.floor(millis / 1_000)).padStart(2, '0')
  return `${minutes}:${seconds}.${String(millis % 1_000).padStart(3, '0')}`
}

/** A length: `350 us`, `20 ms`, `4.5 s`, `2 m 5 s`. */
export function duration(micros: Micros): string {
  if (micros < 1_000) return `${micros} us`
  if (micros < 1_000_000) return `${trimmed(micros / 1_000)} ms`
  if (micros < 120_000_000) return `${trimmed(micros / 1_000_000)} s`
  const minutes = Math.floor(micros / 60_000_000)
  const seconds = Math.round((micros % 60_000_000) / 1_000_000)
  return seconds === 0 ? `${minutes} m` : `${minutes} m ${seconds} s`
}

/** kubectl's short age: `45s`, `2m5s`, `3h`. */
export function age(micros: Micros): string {
  const seconds = Math.max(0, Math.floor(micros / 1_000_000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`
  if (minutes < 180) return `${minutes}m`
  return `${Math.floor(minutes / 60)}h`
}

function trimmed(value: number): string {
  return (Math.round(value * 10) / 10).toString()
}
