/**
 * Temporal formulas as plain data, and the functions that make them. The logic is linear temporal logic with time bounds
 * (Koymans' metric temporal logic, pointwise): a formula is read along the observations of what it reads, each at a moment
 * of virtual time. Names follow Manna and Pnueli (always, eventually, until, next), UNITY (leads to, unless, stable) and
 * TLA+ (actions). What finite traces decide is in `progress.ts`.
 */
import type { Micros } from '../../kernel/index.ts'
import { UserError } from '../user-error.ts'
import type { Atom, Duration } from './atom.ts'

/** How long after the moment at which it is asked for: a fixed time, or one read off the object. */
export type Bound = Micros | Duration

export type Formula =
  | { readonly op: 'constant'; readonly value: boolean }
  | { readonly op: 'atom'; readonly atom: Atom }
  | { readonly op: 'not' | 'next'; readonly of: Formula }
  | { readonly op: 'and' | 'or'; readonly of: readonly Formula[] }
  | { readonly op: 'implies'; readonly when: Formula; readonly then: Formula }
  | { readonly op: 'always' | 'eventually'; readonly of: Formula; readonly bound?: Bound }
  | { readonly op: 'until' | 'unless'; readonly hold: Formula; readonly goal: Formula; readonly bound?: Bound }

/** Holds now and at every later observation. With `lasting`, only for so long. */
export function always(of: Formula, lasting?: Bound): Formula {
  return { op: 'always', of, ...bounded(lasting) }
}

/** Holds at no observation from now on. */
export function never(of: Formula): Formula {
  return always(not(of))
}

/** Holds now or at a later observation. Without a bound it is judged when the trial ends. */
export function eventually(of: Formula): Formula {
  return { op: 'eventually', of }
}

/** Holds now or at an observation at most `bound` later. */
export function within(bound: Bound, of: Formula): Formula {
  return { op: 'eventually', of, ...bounded(bound) }
}

/**
 * Whenever `when` holds, `then` holds then or later: always (when implies eventually then). A `within` on the right is the
 * bound: `leadsTo(leaving, within(30 * SECOND, gone))`.
 */
export function leadsTo(when: Formula, then: Formula): Formula {
  return always(implies(when, then.op === 'eventually' ? then : eventually(then)))
}

/** `goal` holds now or later (at most `bound` later), and until then `hold` does. */
export function until(hold: Formula, goal: Formula, bound?: Bound): Formula {
  return { op: 'until', hold, goal, ...bounded(bound) }
}

/** `hold` holds until `goal` does; `goal` need never come (a weak until). */
export function unless(hold: Formula, goal: Formula): Formula {
  return { op: 'unless', hold, goal }
}

/** Once it holds, it holds for ever (UNITY's stable). "Comes to hold and stays" is `eventually(always(…))`. */
export function stable(of: Formula): Formula {
  return always(implies(of, always(of)))
}

/** Holds at the next observation of anything that the property reads. Undecided if there is none any more. */
export function next(of: Formula): Formula {
  return { op: 'next', of }
}

export function not(of: Formula): Formula {
  return { op: 'not', of }
}

export function and(...of: readonly Formula[]): Formula {
  return { op: 'and', of }
}

export function or(...of: readonly Formula[]): Formula {
  return { op: 'or', of }
}

/** The left side is what the property waits for: if it never holds in a campaign, the property has proved nothing. */
export function implies(when: Formula, then: Formula): Formula {
  return { op: 'implies', when, then }
}

/** Each side holds just when the other does. */
export function iff(left: Formula, right: Formula): Formula {
  return or(and(left, right), and(not(left), not(right)))
}

function bounded(bound: Bound | undefined): { readonly bound?: Bound } {
  if (bound === undefined) return {}
  if (typeof bound === 'number' && !(bound >= 0))
    throw new UserError({ what: `a time bound of ${bound} us`, mend: 'bounds are microseconds: 30 * SECOND' })
  return { bound }
}
