/** Why a formula failed: which part of it, what was expected until when and since when, and because of what. */
import type { Micros } from '../../kernel/index.ts'
import type { Atom, Observation } from './atom.ts'
import type { Formula } from './formula.ts'
import { atomsOf, type Node, type Waiting } from './normal-form.ts'
import { begin, end, pass, step } from './progress.ts'
import { FALSE, type Residual } from './residual.ts'

export interface Explanation {
  /**
   * `broken`: something held, or did not hold, that should not (or should) have. `late`: something did not come within its
   * bound. `missing`: something had not come when the trial ended.
   */
  readonly how: 'broken' | 'late' | 'missing'
  /** The temporal operator that failed. */
  readonly operator: Formula
  /** What did not hold, or did not come. */
  readonly failed: Formula
  /** What asked for it, if an implication did. */
  readonly because: Formula | undefined
  /** When it was asked for, and until when it had to come. */
  readonly sinceMicros: Micros
  readonly untilMicros: Micros | undefined
  /** The predicates that decided, what asked for it last. */
  readonly atoms: readonly Atom[]
}

/** What happened to a residual that made it false. */
export type Moment =
  | { readonly on: 'observation'; readonly observation: Observation }
  | { readonly on: 'deadline' | 'end'; readonly at: Micros }

/** Explains why `residual`, not false until then, became so. `root`: the formula, if this was its first observation. */
export function explain(residual: Residual | Node, moment: Moment): Explanation {
  if (!isResidual(residual)) return ofNode(residual, observationOf(moment), residual.source, undefined)
  switch (residual.kind) {
    case 'pending': {
      const { node } = residual
      const late = moment.on !== 'observation' || residual.deadline < moment.observation.at
      if (late) return notCome(node, residual.since, residual.deadline, moment.on === 'end')
      return ofWaiting(node, moment.observation)
    }
    case 'pending-next':
      return ofNode(residual.node.of, observationOf(moment), residual.node.source, residual.node.because)
    case 'and':
    case 'or': {
      const failing = residual.of.filter((part) => after(part, moment) === FALSE).map((part) => explain(part, moment))
      // Of several that failed together, the one that waited for something tells most.
      return failing.find(({ how }) => how !== 'broken') ?? (failing[0] as Explanation)
    }
    default:
      throw new Error(`nothing is left to explain of ${residual.kind}`)
  }
}

function isResidual(residual: Residual | Node): residual is Residual {
  return !('source' in residual)
}

function observationOf(moment: Moment): Observation {
  if (moment.on !== 'observation') throw new Error('only an observation decides what is not temporal')
  return moment.observation
}

function after(residual: Residual, moment: Moment): Residual {
  switch (moment.on) {
    case 'observation':
      return step(residual, moment.observation)
    case 'deadline':
      return pass(residual, moment.at)
    case 'end':
      return end(residual, moment.at)
  }
}

function notCome(node: Waiting, since: Micros, deadline: Micros, isEnd: boolean): Explanation {
  const isBounded = deadline !== Number.POSITIVE_INFINITY
  return {
    how: isEnd && !isBounded ? 'missing' : 'late',
    operator: node.source,
    failed: node.goal.source,
    because: node.because,
    sinceMicros: since,
    untilMicros: isBounded ? deadline : undefined,
    atoms: [...atomsOf(node.goal.source), ...(node.because === undefined ? [] : atomsOf(node.because))],
  }
}

/** An until or release that this observation made false: what had to hold does not. */
function ofWaiting(node: Waiting, observation: Observation): Explanation {
  const culprit = node.kind === 'release' ? node.goal : node.hold
  return ofNode(culprit, observation, node.source, node.because)
}

function ofNode(node: Node, observation: Observation, operator: Formula, because: Formula | undefined): Explanation {
  switch (node.kind) {
    case 'until':
    case 'release':
      return ofWaiting(node, observation)
    case 'and': {
      const failing = node.of.find((part) => begin(part, observation) === FALSE)
      return failing === undefined
        ? plain(node, observation, operator, because)
        : ofNode(failing, observation, operator, because)
    }
    case 'or':
      // The right side of an implication; its left side held.
      if (node.source.op === 'implies') return ofNode(node.of[1] as Node, observation, operator, node.source.when)
      return plain(node, observation, operator, because)
    default:
      return plain(node, observation, operator, because)
  }
}

function plain(node: Node, observation: Observation, operator: Formula, because: Formula | undefined): Explanation {
  return {
    how: 'broken',
    operator,
    failed: node.source,
    because,
    sinceMicros: observation.at,
    untilMicros: undefined,
    atoms: [...new Set([...atomsOf(node.source), ...(because === undefined ? [] : atomsOf(because))])],
  }
}
