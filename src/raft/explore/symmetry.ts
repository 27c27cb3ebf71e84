/**
 * Renaming members. All members begin alike, so two states that differ only in who is called what are one: of all
 * renamings the one with the smallest digest stands for them. (Clarke, Emerson, Jha and Sistla, 1998, on symmetry.)
 */
import type { MemberId } from '../types.ts'

export interface Renaming {
  /** The new id of each member; nobody stays nobody. */
  readonly to: readonly MemberId[]
  /** The members in the order of their new ids. */
  readonly order: readonly MemberId[]
}

/**
 * All renamings of members 1 to `count` by which the last `learners` stay among themselves, as they begin in another way;
 * the first one changes nothing.
 */
export function renamings(count: number, learners = 0): readonly Renaming[] {
  const ids = Array.from({ length: count }, (_, i) => i + 1)
  const voters = count - learners
  const alike = (order: readonly MemberId[]) => order.every((member, at) => member > voters === at >= voters)
  return orders(ids)
    .filter(alike)
    .map((order) => {
      const to = [0]
      order.forEach((member, at) => {
        to[member] = at + 1
      })
      return { to, order }
    })
}

function orders(ids: readonly MemberId[]): MemberId[][] {
  if (ids.length === 0) return [[]]
  return ids.flatMap((first) => orders(ids.filter((id) => id !== first)).map((rest) => [first, ...rest]))
}
