/**
 * The revisions that a store's answers tell, against real time: who was called after another had returned is told no lower
 * revision, and a higher one if it wrote. It needs no search, holds over all keys, and sees what is lost by cutting a
 * history by key. After etcd's API guarantees: revisions grow with every change of the store.
 */
import type { History, Operation } from './history.ts'
import { branchOf, type StoreInput, type StoreOutput } from './models/store.ts'

type Stored = Operation<StoreInput, StoreOutput>

export interface RevisionFault {
  readonly earlier: Stored
  readonly later: Stored
}

/** The first pair of operations, by the call of the later one, whose revisions go back; undefined if none does. */
export function revisionGoesBack(history: History<StoreInput, StoreOutput>): RevisionFault | undefined {
  const answered = history.filter((one) => one.output !== undefined)
  const byCall = answered.toSorted((a, b) => a.call - b.call)
  const byReturn = answered
    .filter((one) => one.return !== Number.POSITIVE_INFINITY)
    .sort((a, b) => a.return! - b.return!)
  let highest: Stored | undefined
  let returned = 0
  for (const later of byCall) {
    for (; returned < byReturn.length && byReturn[returned]!.return! < later.call; returned++) {
      const one = byReturn[returned]!
      if (highest === undefined || one.output!.revision > highest.output!.revision) highest = one
    }
    const least = (highest?.output?.revision ?? 0) + (wrote(later) ? 1 : 0)
    if (highest !== undefined && later.output!.revision < least) return { earlier: highest, later }
  }
  return undefined
}

function wrote({ input, output }: Stored): boolean {
  return output!.deleted > 0 || branchOf(input, output!.succeeded).some((one) => one.type === 'put')
}
