/**
 * Settles writes of unknown outcome by what others saw. A put whose value nobody else puts under that key took effect if
 * the value was ever seen there, and the mod revision that it was seen with says when. etcd's robustness tests do the same
 * to keep a revisioned history checkable.
 */
import type { History, Operation } from '../history.ts'
import { branchOf, type StoreInput, type StoreOutput, type StoreValue, storeOutput } from './store.ts'

/** A put that took effect. */
export interface Seen {
  readonly key: string
  readonly value: StoreValue
  readonly revision: number
}

/** What the reads of a history saw. */
export function seenByReads(history: History<StoreInput, StoreOutput>): Seen[] {
  return history.flatMap((one) =>
    (one.output?.found ?? []).map(({ key, value, modRevision }) => ({ key, value, revision: modRevision })),
  )
}

/**
 * The history with the outcomes that `seen` tells: such an operation has its output, and returns at Infinity. `complete`:
 * everything that took effect is in `seen`, so a write that is not there is left out. Only puts, and transactions that do
 * nothing else, are settled, and only those whose value is theirs alone.
 */
export function settled(
  history: History<StoreInput, StoreOutput>,
  seen: readonly Seen[],
  complete: boolean,
): Operation<StoreInput, StoreOutput>[] {
  const writers = new Map<string, number>()
  for (const { input } of history)
    for (const one of branchOf(input, true))
      if (one.type === 'put') writers.set(name(one), (writers.get(name(one)) ?? 0) + 1)
  const revisions = new Map<string, number>()
  for (const one of seen) revisions.set(name(one), one.revision)
  return history.flatMap((operation) => {
    if (operation.return !== undefined) return [operation]
    const branch = branchOf(operation.input, true)
    const own = branch.length > 0 && branch.every((one) => one.type === 'put' && writers.get(name(one)) === 1)
    if (!own) return [operation]
    const revision = branch
      .map((one) => (one.type === 'put' ? revisions.get(name(one)) : undefined))
      .find((one) => one !== undefined)
    if (revision === undefined) return complete ? [] : [operation]
    return [{ ...operation, return: Number.POSITIVE_INFINITY, output: storeOutput(revision) }]
  })
}

function name({ key, value }: { readonly key: string; readonly value: StoreValue }): string {
  return JSON.stringify([key, value])
}
