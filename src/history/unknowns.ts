/**
 * Sets of operations of unknown outcome that were assumed to have taken effect. Values: adding makes a new set and shares
 * what lies below the added number, so a set costs what it differs from the one it came from. Kept in falling order.
 */

/** A non-empty set: its greatest number and the rest. The empty set is undefined. */
export interface UnknownSet {
  readonly index: number
  readonly rest: UnknownSet | undefined
  readonly size: number
}

/** The set with one number more, which must not be in it. */
export function withUnknown(set: UnknownSet | undefined, index: number): UnknownSet {
  const above: number[] = []
  let rest = set
  while (rest !== undefined && rest.index > index) {
    above.push(rest.index)
    rest = rest.rest
  }
  let result: UnknownSet = { index, rest, size: (rest?.size ?? 0) + 1 }
  for (let i = above.length - 1; i >= 0; i--)
    result = { index: above[i] as number, rest: result, size: result.size + 1 }
  return result
}

/** Is everything in `small` in `large` too? */
export function isSubset(small: UnknownSet | undefined, large: UnknownSet | undefined): boolean {
  let a = small
  let b = large
  while (a !== undefined) {
    if (a === b) return true
    if (b === undefined || b.size < a.size || b.index < a.index) return false
    if (a.index === b.index) a = a.rest
    b = b.rest
  }
  return true
}
