/**
 * Who could still be elected. A member goes by the members that it has applied, and by nothing newer: when one of two is
 * removed and the other dies before it has saved that the removal is committed, nobody can lead ever again, as etcd-io/raft's
 * doc.go warns.
 */
import type { EtcdView } from '../../src/etcd/index.ts'

/** Whether the members of `voters` can make one of them leader, by what each of them knows. */
export function canElect(voters: readonly EtcdView[]): boolean {
  return voters.some((candidate) => {
    if (!candidate.voters.includes(candidate.id)) return false
    const granting = voters.filter((voter) => candidate.voters.includes(voter.id) && !isNewer(voter, candidate))
    return granting.length * 2 > candidate.voters.length
  })
}

/** Whether the log of `left` is more up to date than that of `right` (Raft thesis 3.6.1). */
function isNewer(left: EtcdView, right: EtcdView): boolean {
  const [leftTerm, rightTerm] = [left.termAt(left.lastIndex), right.termAt(right.lastIndex)]
  return leftTerm === rightTerm ? left.lastIndex > right.lastIndex : leftTerm > rightTerm
}

/** The member that has applied most: it knows best who belongs. Undefined where nobody runs. */
export function newestOf(views: readonly EtcdView[]): EtcdView | undefined {
  let newest = views[0]
  for (const view of views) if (newest === undefined || view.appliedIndex > newest.appliedIndex) newest = view
  return newest
}
