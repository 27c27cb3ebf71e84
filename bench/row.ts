/** What a benchmark measured: one row a figure. */
export interface Row {
  /** What was measured, in words. The same words in every run: a row of BENCHMARKS.md is found by them. */
  readonly figure: string
  readonly value: number
  readonly unit: string
  /** The figure's ratio to a yardstick that was measured in the same run. */
  readonly ratio?: { readonly to: string; readonly value: number }
  /** What the figure should be at least (or at most, when `atMost` is set). */
  readonly target?: number
  readonly atMost?: boolean
}

/** Median of an odd number of measurements. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y)
  return sorted[Math.floor(sorted.length / 2)] as number
}
