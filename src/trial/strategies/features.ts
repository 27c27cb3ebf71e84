/** What a trial showed, as numbers: two trials that did the same kind of thing have the same ones. What feedback and portfolio look for. */
import { addressOf } from '../../kernel/index.ts'
import type { TrialResult } from '../result.ts'

/** Hashes without repetition: the footprint where it was taken, else what can be told from the result alone. */
export function featuresOf(result: TrialResult): Iterable<number> {
  const { reached, met, seen, ledger, signature, verdict, footprint } = result
  if (footprint !== undefined) return footprint.features
  const texts = [
    ...reached.map((id) => `reached ${id}`),
    ...(met ?? []).flatMap(({ property, triggers }) => triggers.map((trigger) => `met ${property} ${trigger}`)),
    ...seen.map((id) => `seen ${id}`),
    ...ledger.flatMap(({ kind, bit, evidence }) =>
      bit ? evidence.flatMap(({ what, count }) => (count > 0 ? [`bit ${kind} ${what} ${magnitude(count)}`] : [])) : [],
    ),
    `verdict ${verdict} ${signature ?? ''}`,
  ]
  return new Set(texts.map(addressOf))
}

/** Counts of one order of magnitude are alike: 1, 2 to 3, 4 to 7 … */
function magnitude(count: number): number {
  return 32 - Math.clz32(count)
}
