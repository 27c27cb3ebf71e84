/**
 * Formula progression (Bacchus and Kabanza, "Using temporal logics to express search control knowledge", 2000) with time
 * bounds: an observation turns what was left of a formula into what is left after it. The three values are those of a finite
 * trace: a verdict of true or false holds for every continuation and never changes (the impartiality of LTL3: Bauer, Leucker,
 * Schallhart 2011); all else is not yet.
 *
 * - A state, action or fact is decided at its observation.
 * - A bound counts virtual time from the observation at which the operator was asked for, both ends included. When its
 *   deadline is over, what was to come within it is false, and what was to last for it is true.
 * - The end of a trial decides what has no bound: `eventually` and `until` are false, `always` and `unless` true. What has a
 *   bound that ends later, and `next`, stay undecided: no failure, and nothing shown either.
 */
import type { Micros } from '../../kernel/index.ts'
import type { Observation } from './atom.ts'
import type { Node, Waiting } from './normal-form.ts'
import { both, either, FALSE, type Pending, type Residual, TRUE } from './residual.ts'

/** What is left of a formula that is asked for at this observation. */
export function begin(node: Node, observation: Observation): Residual {
  switch (node.kind) {
    case 'constant':
      return node.value ? TRUE : FALSE
    case 'atom':
      return observation.holds(node.atom, node.slot) === node.negated ? FALSE : TRUE
    case 'and': {
      let left = TRUE
      for (const part of node.of) {
        left = both(left, begin(part, observation))
        if (left === FALSE) return FALSE
      }
      return left
    }
    case 'or': {
      let left = FALSE
      for (const part of node.of) {
        left = either(left, begin(part, observation))
        if (left === TRUE) return TRUE
      }
      return left
    }
    case 'next':
      return { kind: 'pending-next', node, since: observation.at }
    default:
      return unroll(node, deadlineOf(node, observation), undefined, observation)
  }
}

/** What is left after a further observation. */
export function step(residual: Residual, observation: Observation): Residual {
  switch (residual.kind) {
    case 'true':
    case 'false':
      return residual
    case 'pending-next':
      return begin(residual.node.of, observation)
    case 'pending':
      if (residual.deadline < observation.at) return residual.node.kind === 'until' ? FALSE : TRUE
      return unroll(residual.node, residual.deadline, residual, observation)
    default:
      return each(residual, (part) => step(part, observation))
  }
}

/** What is left once everything up to and with `upTo` has been observed. */
export function pass(residual: Residual, upTo: Micros): Residual {
  switch (residual.kind) {
    case 'pending':
      if (residual.deadline > upTo) return residual
      return residual.node.kind === 'until' ? FALSE : TRUE
    case 'and':
    case 'or':
      return each(residual, (part) => pass(part, upTo))
    default:
      return residual
  }
}

/** What the end of the trial, at `at`, makes of what is left; what it leaves undecided remains. */
export function end(residual: Residual, at: Micros): Residual {
  switch (residual.kind) {
    case 'pending':
      if (residual.deadline !== Number.POSITIVE_INFINITY && residual.deadline > at) return residual
      return residual.node.kind === 'until' ? FALSE : TRUE
    case 'and':
    case 'or':
      return each(residual, (part) => end(part, at))
    default:
      return residual
  }
}

function each(residual: Extract<Residual, { kind: 'and' | 'or' }>, change: (part: Residual) => Residual): Residual {
  const isAnd = residual.kind === 'and'
  let result = isAnd ? TRUE : FALSE
  let same = true
  const { of } = residual
  for (let index = 0; index < of.length; index++) {
    const part = of[index] as Residual
    const changed = change(part)
    if (same && changed === part) continue
    if (same) {
      for (let before = 0; before < index; before++)
        result = isAnd ? both(result, of[before] as Residual) : either(result, of[before] as Residual)
      same = false
    }
    result = isAnd ? both(result, changed) : either(result, changed)
    if (result === (isAnd ? FALSE : TRUE)) return result
  }
  return same ? residual : result
}

/** until: goal, or hold and the same again later. release: goal, and hold or the same again later. */
function unroll(node: Waiting, deadline: Micros, pending: Pending | undefined, observation: Observation): Residual {
  const goal = begin(node.goal, observation)
  const isUntil = node.kind === 'until'
  if (goal === (isUntil ? TRUE : FALSE)) return goal
  const hold = begin(node.hold, observation)
  if (hold === (isUntil ? FALSE : TRUE)) return goal
  const later = pending ?? { kind: 'pending', node, deadline, since: observation.at }
  return isUntil ? either(goal, both(hold, later)) : both(goal, either(hold, later))
}

function deadlineOf(node: Waiting, observation: Observation): Micros {
  const { bound } = node
  if (bound === undefined) return Number.POSITIVE_INFINITY
  return observation.at + (typeof bound === 'number' ? bound : observation.micros(bound))
}
