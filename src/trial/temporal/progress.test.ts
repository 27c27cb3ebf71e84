/**
 * Progression against a second opinion: an evaluator that keeps the whole trace and follows the definition word by word. On
 * random formulas and random traces both must give the same verdict after every observation, every stretch of time and at
 * the end; and the laws of the logic must hold.
 */
import fc, { type Arbitrary } from 'fast-check'
import { expect, test } from 'vitest'
import type { Atom, Observation } from './atom.ts'
import {
  always,
  and,
  eventually,
  type Formula,
  iff,
  implies,
  leadsTo,
  never,
  next,
  not,
  or,
  stable,
  unless,
  until,
  within,
} from './formula.ts'
import { normalForm } from './normal-form.ts'
import { begin, end, pass, step } from './progress.ts'
import { entails, FALSE, type Residual, TRUE } from './residual.ts'

type Value = 'true' | 'false' | 'not yet'

const ATOMS: readonly Atom[] = ['p', 'q', 'r'].map((name) => ({ name, place: '', source: { on: 'quiet' } }))
const [P, Q, R] = ATOMS.map((atom): Formula => ({ op: 'atom', atom })) as [Formula, Formula, Formula]

interface Step {
  /** Virtual time since the observation before. */
  readonly gap: number
  readonly holding: readonly boolean[]
}

/** A trace as far as it is known: observations, up to when all of them are known, and whether it has ended. */
interface Prefix {
  readonly observations: readonly { readonly at: number; readonly holding: readonly boolean[] }[]
  readonly completeTo: number
  readonly ended: boolean
}

// --- The naive evaluator

const negated = (value: Value): Value => (value === 'true' ? 'false' : value === 'false' ? 'true' : 'not yet')
const conjunction = (values: readonly Value[]): Value =>
  values.includes('false') ? 'false' : values.includes('not yet') ? 'not yet' : 'true'
const disjunction = (values: readonly Value[]): Value => negated(conjunction(values.map(negated)))

function naive(formula: Formula, index: number, prefix: Prefix): Value {
  const { observations } = prefix
  switch (formula.op) {
    case 'constant':
      return formula.value ? 'true' : 'false'
    case 'atom': {
      const observation = observations[index]
      if (observation === undefined) return 'not yet'
      return observation.holding[ATOMS.indexOf(formula.atom)] === true ? 'true' : 'false'
    }
    case 'not':
      return negated(naive(formula.of, index, prefix))
    case 'next':
      return index + 1 < observations.length ? naive(formula.of, index + 1, prefix) : 'not yet'
    case 'and':
      return conjunction(formula.of.map((part) => naive(part, index, prefix)))
    case 'or':
      return disjunction(formula.of.map((part) => naive(part, index, prefix)))
    case 'implies':
      return disjunction([negated(naive(formula.when, index, prefix)), naive(formula.then, index, prefix)])
    case 'eventually':
      return waits({ op: 'constant', value: true }, formula.of, formula.bound, index, prefix)
    case 'always':
      return negated(waits({ op: 'constant', value: true }, not(formula.of), formula.bound, index, prefix))
    case 'until':
      return waits(formula.hold, formula.goal, formula.bound, index, prefix)
    case 'unless':
      return negated(waits(not(formula.goal), and(not(formula.goal), not(formula.hold)), undefined, index, prefix))
  }
}

/** hold until goal, from observation `index` on: some later one has the goal, and all before it hold. */
function waits(hold: Formula, goal: Formula, bound: unknown, index: number, prefix: Prefix): Value {
  const deadline =
    bound === undefined ? Number.POSITIVE_INFINITY : (prefix.observations[index]?.at ?? 0) + Number(bound)
  const from = (at: number): Value => {
    const observation = prefix.observations[at]
    if (observation !== undefined)
      return observation.at > deadline
        ? 'false'
        : disjunction([naive(goal, at, prefix), conjunction([naive(hold, at, prefix), from(at + 1)])])
    if (deadline <= prefix.completeTo) return 'false'
    return prefix.ended && deadline === Number.POSITIVE_INFINITY ? 'false' : 'not yet'
  }
  return from(index)
}

// --- Progression

class Seen implements Observation {
  readonly at: number
  readonly #holding: readonly boolean[]
  constructor(at: number, holding: readonly boolean[]) {
    this.at = at
    this.#holding = holding
  }
  holds(atom: Atom): boolean {
    return this.#holding[ATOMS.indexOf(atom)] === true
  }
  micros(): number {
    throw new Error('the formulas of this test have fixed bounds')
  }
}

const valueIn = (residual: Residual): Value => (residual === TRUE ? 'true' : residual === FALSE ? 'false' : 'not yet')

/** The verdicts of both after each observation, after the time up to the next one, and at the end. */
function verdicts(formula: Formula, steps: readonly Step[], rest: number): { ours: Value[]; naive: Value[] } {
  const { root } = normalForm(formula)
  const ours: Value[] = []
  const theirs: Value[] = []
  const observations: { at: number; holding: readonly boolean[] }[] = []
  let residual: Residual | undefined
  let now = 0
  const compare = (completeTo: number, ended = false) => {
    if (residual === undefined) return
    ours.push(valueIn(ended ? end(residual, completeTo) : residual))
    theirs.push(naive(formula, 0, { observations, completeTo, ended }))
  }
  for (const { gap, holding } of steps) {
    if (gap > 0 && residual !== undefined) {
      residual = pass(residual, now + gap - 1)
      compare(now + gap - 1)
    }
    now += gap
    const seen = new Seen(now, holding)
    observations.push({ at: now, holding })
    residual = residual === undefined ? begin(root, seen) : step(residual, seen)
    compare(now - 1)
  }
  if (residual !== undefined) residual = pass(residual, now + rest)
  compare(now + rest)
  compare(now + rest, true)
  return { ours, naive: theirs }
}

// --- Random formulas and traces

const { formula: ANY_FORMULA } = fc.letrec<{ formula: Formula; bound: number | undefined }>((tie) => ({
  bound: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
  formula: fc.oneof(
    { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Formula>(P, Q, R, { op: 'constant', value: true }),
    tie('formula').map(not),
    tie('formula').map(next),
    fc.tuple(tie('formula'), tie('formula')).map(([a, b]) => and(a, b)),
    fc.tuple(tie('formula'), tie('formula')).map(([a, b]) => or(a, b)),
    fc.tuple(tie('formula'), tie('formula')).map(([a, b]) => implies(a, b)),
    fc.tuple(tie('formula'), tie('bound')).map(([a, bound]) => always(a, bound)),
    fc
      .tuple(tie('formula'), tie('bound'))
      .map(([a, bound]) => (bound === undefined ? eventually(a) : within(bound, a))),
    fc.tuple(tie('formula'), tie('formula'), tie('bound')).map(([a, b, bound]) => until(a, b, bound)),
    fc.tuple(tie('formula'), tie('formula')).map(([a, b]) => unless(a, b)),
  ),
}))

const ANY_TRACE: Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    gap: fc.constantFrom(0, 1, 2, 5, 9),
    holding: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  }),
  { minLength: 1, maxLength: 12 },
)
const ANY_REST = fc.constantFrom(0, 3, 20)

test('progression and the definition give the same verdict at every prefix', () => {
  const count = { true: 0, false: 0, 'not yet': 0 }
  fc.assert(
    fc.property(ANY_FORMULA, ANY_TRACE, ANY_REST, (formula, steps, rest) => {
      const both = verdicts(formula, steps, rest)
      expect(both.ours).toEqual(both.naive)
      for (const value of both.ours) count[value]++
    }),
    { seed: 20261121, numRuns: 20_000 },
  )
  // None of the three values is rare among what was compared.
  expect(Math.min(...Object.values(count))).toBeGreaterThan(20_000)
})

test('a verdict of true or false never changes, but for the end, which decides what was open', () => {
  fc.assert(
    fc.property(ANY_FORMULA, ANY_TRACE, ANY_REST, (formula, steps, rest) => {
      const { ours } = verdicts(formula, steps, rest)
      const first = ours.findIndex((value) => value !== 'not yet')
      if (first >= 0) expect(new Set(ours.slice(first)).size).toBe(1)
    }),
    { seed: 2, numRuns: 5_000 },
  )
})

/** Pairs of formulas that mean the same. */
const LAWS: readonly (readonly [
  string,
  (a: Formula, b: Formula, c: Formula, bound: number) => readonly [Formula, Formula],
])[] = [
  ['not always a = eventually not a', (a) => [not(always(a)), eventually(not(a))]],
  ['not within a = always for not a', (a, _b, _c, bound) => [not(within(bound, a)), always(not(a), bound)]],
  ['never a = not eventually a', (a) => [never(a), not(eventually(a))]],
  ['not next a = next not a', (a) => [not(next(a)), next(not(a))]],
  [
    'not (a until b) = not b unless (not a and not b)',
    (a, b) => [not(until(a, b)), unless(not(b), and(not(a), not(b)))],
  ],
  ['a unless b = (a until b) or always a', (a, b) => [unless(a, b), or(until(a, b), always(a))]],
  ['eventually a = true until a', (a) => [eventually(a), until({ op: 'constant', value: true }, a)]],
  ['always a = a and next always a', (a) => [always(a), and(a, always(a), next(always(a)))]],
  [
    'a leads to b = always (a implies eventually b)',
    (a, b) => [leadsTo(a, next(b)), always(implies(a, eventually(next(b))))],
  ],
  ['eventually distributes over or', (a, b) => [eventually(or(a, b)), or(eventually(a), eventually(b))]],
  ['always distributes over and', (a, b) => [always(and(a, b)), and(always(a), always(b))]],
  ['stable a = always (a implies always a)', (a) => [stable(a), always(or(not(a), always(a)))]],
  ['a implies b = not a or b', (a, b) => [implies(a, b), or(not(a), b)]],
  ['a iff b = both imply each other', (a, b) => [iff(a, b), and(implies(a, b), implies(b, a))]],
  ['not not a = a', (a) => [not(not(a)), a]],
]

test.each(LAWS)('%s', (_law, pair) => {
  const simple = fc.constantFrom(P, Q, R, not(P), within(3, Q))
  fc.assert(
    fc.property(simple, simple, simple, fc.nat(10), ANY_TRACE, ANY_REST, (a, b, c, bound, steps, rest) => {
      const [left, right] = pair(a, b, c, bound)
      // Next stays open at the end and an unrolled always does not, so the end is compared only without it.
      const isOpen = _law.includes('next')
      const ofLeft = verdicts(left, steps, rest).ours
      const ofRight = verdicts(right, steps, rest).ours
      expect(isOpen ? ofLeft.slice(0, -1) : ofLeft).toEqual(isOpen ? ofRight.slice(0, -1) : ofRight)
    }),
    { seed: 3, numRuns: 1_000 },
  )
})

test('a longer bound is easier to keep, a longer always harder', () => {
  fc.assert(
    fc.property(fc.nat(9), fc.nat(9), ANY_TRACE, ANY_REST, (bound, more, steps, rest) => {
      const rank = { false: 0, 'not yet': 1, true: 2 }
      const short = verdicts(within(bound, P), steps, rest).ours
      const long = verdicts(within(bound + more, P), steps, rest).ours
      short.forEach((value, index) => {
        expect(rank[value]).toBeLessThanOrEqual(rank[long[index] as Value])
      })
    }),
    { seed: 4, numRuns: 2_000 },
  )
})

test('what is left does not grow with the trace', () => {
  const obligations = (residual: Residual): number =>
    residual.kind === 'and' || residual.kind === 'or'
      ? residual.of.reduce((sum, part) => sum + obligations(part), 0)
      : 1
  for (const formula of [
    leadsTo(P, within(1_000, Q)),
    leadsTo(P, within(1_000, always(Q))),
    always(implies(P, always(not(Q), 5))),
    stable(P),
    leadsTo(P, within(9_000, and(Q, within(50, R)))),
  ]) {
    let residual: Residual | undefined
    const { root } = normalForm(formula)
    for (let at = 0; at < 3_000; at++) {
      const seen = new Seen(at, [true, false, false])
      residual = residual === undefined ? begin(root, seen) : step(residual, seen)
      if (residual === FALSE) break
    }
    expect(obligations(residual as Residual)).toBeLessThan(8)
  }
})

test('entailment is sound: what follows by form is never less true', () => {
  const rank = { false: 0, 'not yet': 1, true: 2 }
  let found = 0
  fc.assert(
    fc.property(ANY_FORMULA, ANY_FORMULA, ANY_TRACE, (one, other, steps) => {
      const [first, ...later] = steps.map(({ holding }, index) => new Seen(index * 3, holding)) as [Seen, ...Seen[]]
      let left = begin(normalForm(one).root, first)
      let right = begin(normalForm(or(one, other)).root, first)
      if (left === TRUE || left === FALSE || !entails(left, right)) return
      found++
      for (const seen of later) {
        left = step(left, seen)
        right = step(right, seen)
        expect(rank[valueIn(left)]).toBeLessThanOrEqual(rank[valueIn(right)])
      }
    }),
    { seed: 5, numRuns: 3_000 },
  )
  expect(found).toBeGreaterThan(50)
})
