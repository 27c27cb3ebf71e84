/**
 * Named invariants, always on. A broken invariant is a bug in the simulator or in a machine (or a defect switched on),
 * never something a caller can meet; those are values.
 */

/** Thrown when an invariant does not hold. The trial ends; the verdict names the invariant. */
export class InvariantError extends Error {
  readonly invariant: string
  readonly facts: unknown

  constructor(invariant: string, facts: unknown) {
    super(`invariant broken: ${invariant}${facts === undefined ? '' : ` ${describe(facts)}`}`)
    this.name = 'InvariantError'
    this.invariant = invariant
    this.facts = facts
  }
}

/**
 * Throws an InvariantError unless `condition` holds. `name` reads as a claim: "raft: commit never passes the last entry".
 * Facts are made before the call, whether it throws or not: where that is done thousands of times, ask first and call with `false`.
 */
export function invariant(condition: boolean, name: string, facts?: unknown): asserts condition {
  if (!condition) throw new InvariantError(name, facts)
}

/** For the default of a switch over a union: does not compile unless every case is handled. */
export function never(value: never): never {
  throw new InvariantError('a case that cannot happen', value)
}

function describe(facts: unknown): string {
  try {
    return JSON.stringify(facts) ?? String(facts)
  } catch {
    return String(facts)
  }
}
