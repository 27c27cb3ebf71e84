/**
 * Do quorums overlap across changes? Of two electorates that may decide one after the other every two quorums have a
 * member in common. (Raft thesis 4.1 and 4.3) Members are bits of a word.
 */

import type { RaftState } from '../state.ts'
import type { MemberId, Membership } from '../types.ts'

/** Who votes: a set of bits, and the set from before a joint change, empty otherwise. */
export interface Quorums {
  readonly incoming: number
  readonly outgoing: number
}

/** By the member's own counting. */
export function quorumsOf({ electorate, members }: RaftState): Quorums {
  const bits = (slots: readonly number[]) => bitsOf(slots.map((slot) => members[slot] as MemberId))
  return { incoming: bits(electorate.incoming), outgoing: bits(electorate.outgoing) }
}

/** By the rules. */
export function quorumsBy({ voters, outgoing }: Membership): Quorums {
  return { incoming: bitsOf(voters), outgoing: bitsOf(outgoing) }
}

function bitsOf(ids: readonly MemberId[]): number {
  return ids.reduce((sum, id) => sum | (1 << id), 0)
}

const known = new Map<number, boolean>()

/** Has every quorum of the one a member in common with every quorum of the other? */
export function quorumsMeet(one: Quorums, other: Quorums): boolean {
  // Members are 1 to 4, so each set has five bits.
  const key = one.incoming | (one.outgoing << 5) | (other.incoming << 10) | (other.outgoing << 15)
  const before = known.get(key)
  if (before !== undefined) return before
  const meet = everyMeets(one, other)
  known.set(key, meet)
  return meet
}

function everyMeets(one: Quorums, other: Quorums): boolean {
  const all = one.incoming | one.outgoing | other.incoming | other.outgoing
  for (let set = 0; set <= all; set++) {
    // A quorum of the one, and everybody else: if those are one of the other, two quorums have nobody in common.
    if ((set & ~all) === 0 && isQuorum(set, one) && isQuorum(all & ~set, other)) return false
  }
  return true
}

/** Can those members decide alone? */
export function isQuorum(set: number, { incoming, outgoing }: Quorums): boolean {
  return isMajority(set, incoming) && (outgoing === 0 || isMajority(set, outgoing))
}

function isMajority(set: number, voters: number): boolean {
  return count(set & voters) * 2 > count(voters)
}

function count(set: number): number {
  let left = set
  let found = 0
  for (; left !== 0; left &= left - 1) found++
  return found
}
