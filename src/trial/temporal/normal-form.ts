/**
 * Formulas made ready for checking: negation only in front of atoms, and every temporal operator one of three: next, until
 * and its dual, release. `always p` is "false releases p", `eventually p` is "true until p". A node remembers the formula
 * that it came from and what it follows from, for messages.
 */
import type { Atom } from './atom.ts'
import { type Bound, type Formula, not } from './formula.ts'

export type Node =
  | { readonly kind: 'constant'; readonly value: boolean; readonly source: Formula }
  | {
      readonly kind: 'atom'
      readonly atom: Atom
      /** The atom's number in the formula, in the order of `atomsOf`. */
      readonly slot: number
      readonly negated: boolean
      readonly source: Formula
    }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Node[]; readonly source: Formula }
  | { readonly kind: 'next'; readonly of: Node; readonly source: Formula; readonly because: Formula | undefined }
  | Waiting

/** until: `goal` now or later, `hold` before it. release: `goal` now and later, up to and with the moment of `hold`. */
export interface Waiting {
  readonly kind: 'until' | 'release'
  readonly hold: Node
  readonly goal: Node
  readonly bound: Bound | undefined
  readonly source: Formula
  /** The left side of the nearest implication around it: what asked for it. */
  readonly because: Formula | undefined
}

export interface NormalForm {
  readonly root: Node
  /** What must hold at some time for the formula to have said anything: the left sides of its implications. */
  readonly triggers: readonly Trigger[]
}

export interface Trigger {
  readonly source: Formula
  readonly node: Node
}

export function normalForm(formula: Formula): NormalForm {
  const triggers: Trigger[] = []
  const slots = new Map(atomsOf(formula).map((atom, slot) => [atom, slot]))
  return { root: positive(formula, undefined, { triggers, slots }), triggers }
}

interface Making {
  readonly triggers: Trigger[]
  readonly slots: ReadonlyMap<Atom, number>
}

function positive(formula: Formula, because: Formula | undefined, making: Making): Node {
  const go = (part: Formula) => positive(part, because, making)
  const source = formula
  switch (formula.op) {
    case 'constant':
      return { kind: 'constant', value: formula.value, source }
    case 'atom':
      return atomNode(formula.atom, false, source, making)
    case 'not':
      return negative(formula.of, because, making)
    case 'next':
      return { kind: 'next', of: go(formula.of), source, because }
    case 'and':
    case 'or':
      return { kind: formula.op, of: formula.of.map(go), source }
    case 'implies': {
      const silent = { ...making, triggers: [] }
      making.triggers.push({ source: formula.when, node: positive(formula.when, undefined, silent) })
      const when = negative(formula.when, because, silent)
      return { kind: 'or', of: [when, positive(formula.then, formula.when, making)], source }
    }
    case 'always':
      return waiting('release', constant(false, source), go(formula.of), formula, because)
    case 'eventually':
      return waiting('until', constant(true, source), go(formula.of), formula, because)
    case 'until':
      return waiting('until', go(formula.hold), go(formula.goal), formula, because)
    case 'unless': {
      // p unless q: q releases (p or q).
      const goal = go(formula.goal)
      return waiting('release', goal, { kind: 'or', of: [goal, go(formula.hold)], source }, formula, because)
    }
  }
}

/** The normal form of its negation. */
function negative(formula: Formula, because: Formula | undefined, making: Making): Node {
  const go = (part: Formula) => negative(part, because, making)
  const source = not(formula)
  switch (formula.op) {
    case 'constant':
      return { kind: 'constant', value: !formula.value, source }
    case 'atom':
      return atomNode(formula.atom, true, source, making)
    case 'not':
      return positive(formula.of, because, making)
    case 'next':
      return { kind: 'next', of: go(formula.of), source, because }
    case 'and':
    case 'or':
      return { kind: formula.op === 'and' ? 'or' : 'and', of: formula.of.map(go), source }
    case 'implies':
      return { kind: 'and', of: [positive(formula.when, because, making), go(formula.then)], source }
    case 'always':
      return waiting('until', constant(true, source), go(formula.of), { ...formula, source }, because)
    case 'eventually':
      return waiting('release', constant(false, source), go(formula.of), { ...formula, source }, because)
    case 'until':
      return waiting('release', go(formula.hold), go(formula.goal), { ...formula, source }, because)
    case 'unless': {
      const goal = go(formula.goal)
      return waiting(
        'until',
        goal,
        { kind: 'and', of: [goal, go(formula.hold)], source },
        { ...formula, source },
        because,
      )
    }
  }
}

function waiting(
  kind: Waiting['kind'],
  hold: Node,
  goal: Node,
  from: (Formula | { readonly source: Formula }) & { readonly bound?: Bound },
  because: Formula | undefined,
): Waiting {
  const source = 'source' in from ? from.source : (from as Formula)
  return { kind, hold, goal, bound: from.bound, source, because }
}

function atomNode(atom: Atom, negated: boolean, source: Formula, { slots }: Making): Node {
  return { kind: 'atom', atom, slot: slots.get(atom) as number, negated, source }
}

function constant(value: boolean, source: Formula): Node {
  return { kind: 'constant', value, source }
}

/** Every atom of a formula, once each. */
export function atomsOf(formula: Formula): readonly Atom[] {
  const atoms = new Set<Atom>()
  const visit = (part: Formula): void => {
    switch (part.op) {
      case 'constant':
        return
      case 'atom':
        atoms.add(part.atom)
        return
      case 'implies':
        visit(part.when)
        visit(part.then)
        return
      case 'until':
      case 'unless':
        visit(part.hold)
        visit(part.goal)
        return
      case 'and':
      case 'or':
        for (const each of part.of) visit(each)
        return
      default:
        visit(part.of)
    }
  }
  visit(formula)
  return [...atoms]
}
