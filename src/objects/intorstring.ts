/** Counts given as a number or as a percentage of a total. Models apimachinery pkg/util/intstr, v1.33. */
import type { IntOrString } from './meta.ts'

const PERCENT = /^(\d{1,9})%$/

/** The percentage in a text like "25%", or undefined. */
export function percentage(value: IntOrString): number | undefined {
  const digits = typeof value === 'string' ? PERCENT.exec(value)?.[1] : undefined
  return digits === undefined ? undefined : Number(digits)
}

/** True for a non-negative integer or a percentage. */
export function isCountOrPercentage(value: IntOrString): boolean {
  return typeof value === 'number' ? Number.isInteger(value) && value >= 0 : percentage(value) !== undefined
}

/**
 * The count that `value` stands for, out of `total`: itself, or its percentage rounded up or down.
 * A text that is no percentage gives 0 (validation refuses it earlier).
 */
export function scaledCount(value: IntOrString, total: number, rounding: 'up' | 'down'): number {
  if (typeof value === 'number') return value
  const scaled = (percentage(value) ?? 0) * total
  return rounding === 'up' ? Math.floor((scaled + 99) / 100) : Math.floor(scaled / 100)
}
