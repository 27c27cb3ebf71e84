/**
 * Counting. Models etcd-io/raft's quorum.MajorityConfig and quorum.JointConfig. Members are slots of small arrays; an
 * electorate says which slots vote, and has two halves while a joint change is under way, each with a majority of its own
 * (Raft thesis 4.3). Nothing is allocated.
 */

/** The slots that vote. `outgoing` is empty except during a joint change. */
export interface Electorate {
  readonly incoming: readonly number[]
  readonly outgoing: readonly number[]
}

/** How many of `members` are a majority. */
export function majority(members: number): number {
  return (members >> 1) + 1
}

/** The largest value that a majority of the voters has reached, in both halves of a joint electorate; 0 for none. */
export function reachedByQuorum(values: readonly number[], { incoming, outgoing }: Electorate): number {
  const reached = reachedByMajority(values, incoming)
  return outgoing.length === 0 ? reached : Math.min(reached, reachedByMajority(values, outgoing))
}

function reachedByMajority(values: readonly number[], slots: readonly number[]): number {
  const voters = slots.length
  const needed = majority(voters)
  let best = 0
  for (let i = 0; i < voters; i++) {
    const value = values[slots[i] as number] as number
    if (value <= best) continue
    let count = 0
    for (let j = 0; j < voters; j++) if ((values[slots[j] as number] as number) >= value) count++
    if (count >= needed) best = value
  }
  return best
}

/** A vote per slot: 0 not heard, 1 granted, -1 refused. */
export type Ballot = -1 | 0 | 1

export type Tally = 'won' | 'lost' | 'pending'

/** How an election stands. `lost` means that enough refused for a majority to be out of reach, in either half. */
export function tally(ballots: readonly Ballot[], { incoming, outgoing }: Electorate): Tally {
  const result = tallyOf(ballots, incoming)
  if (outgoing.length === 0 || result === 'lost') return result
  const other = tallyOf(ballots, outgoing)
  return result === 'won' || other === 'lost' ? other : 'pending'
}

function tallyOf(ballots: readonly Ballot[], slots: readonly number[]): Tally {
  const needed = majority(slots.length)
  let granted = 0
  let refused = 0
  for (const slot of slots) {
    if (ballots[slot] === 1) granted++
    else if (ballots[slot] === -1) refused++
  }
  if (granted >= needed) return 'won'
  return slots.length - refused < needed ? 'lost' : 'pending'
}
