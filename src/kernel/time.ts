/**
 * Virtual time: integer microseconds since the start of the trial. There is no other clock.
 * 2^53 microseconds are 285 years, so a plain number is exact.
 */

/** A moment or a length of virtual time, in microseconds; always an integer >= 0. */
export type Micros = number

export const MICROSECOND: Micros = 1
export const MILLISECOND: Micros = 1_000
export const SECOND: Micros = 1_000_000
export const MINUTE: Micros = 60_000_000
export const HOUR: Micros = 3_600_000_000

/** The wall-clock reading, in microseconds since the Unix epoch, that every trial starts at: 2025-01-01T00:00:00Z. */
export const EPOCH_UNIX_MICROS = 1_735_689_600_000_000
