/**
 * Counting. Models etcd-io/raft's quorum.MajorityConfig. Members are slots 0..n-1 of small arrays; nothing is allocated.
 * Not here: joint configurations (a later issue), which combine two of these.
 */

/** How many of `members` are a majority. */
export function majority(members: number): number {
  return (members >> 1) + 1
}

/** The largest value that a majority of `values` has reached; 0 for none. */
export function reachedByMajority(values: readonly number[]): number {
  const needed = majority(values.length)
  let best = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (value <= best) continue
    let count = 0
    for (let j = 0; j < values.length; j++) if ((values[j] as number) >= value) count++
    if (count >= needed) best = value
  }
  return best
}

/** A vote per slot: 0 not heard, 1 granted, -1 refused. */
export type Ballot = -1 | 0 | 1

/** How an election stands. `lost` means that enough refused for a majority to be out of reach. */
export function tally(ballots: readonly Ballot[]): 'won' | 'lost' | 'pending' {
  const needed = majority(ballots.length)
  let granted = 0
  let refused = 0
  for (const ballot of ballots) {
    if (ballot === 1) granted++
    else if (ballot === -1) refused++
  }
  if (granted >= needed) return 'won'
  return ballots.length - refused < needed ? 'lost' : 'pending'
}
