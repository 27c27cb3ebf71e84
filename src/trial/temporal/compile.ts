/** A claim made ready once for all trials: its normal form, and what it depends on, so that it pays for nothing else. */
import { RESOURCE_NAMES, type Resource } from '../../objects/index.ts'
import type { Atom } from './atom.ts'
import { type Claim, isFormula, type Quantified, rangeOf } from './claim.ts'
import type { Formula } from './formula.ts'
import { atomsOf, type Node, normalForm, type Trigger } from './normal-form.ts'
import { printFormula } from './print.ts'

export type FactAtom = Atom & { readonly source: Extract<Atom['source'], { on: 'fact' }> }

export interface Compiled {
  readonly role: 'claim' | 'hope' | 'reach'
  readonly formula: Formula
  readonly over: Quantified | undefined
  readonly text: string
  readonly root: Node
  readonly triggers: readonly Trigger[]
  /** What must come up for it to have looked at something, in words: its range first, then its triggers in order. */
  readonly waitsFor: readonly string[]
  /** Kinds that it follows or reads; for those that atoms read (beside the subject itself), the slots of those atoms. */
  readonly kinds: readonly { readonly kind: Resource; readonly slots: readonly number[] | undefined }[]
  /** Types of facts that it follows or waits for. */
  readonly factTypes: readonly string[]
  /** By type of fact, the atoms that wait for it. */
  readonly factAtoms: ReadonlyMap<string, readonly FactAtom[]>
  readonly asksForQuiet: boolean
  readonly asksForDisturbance: boolean
}

export function compile(claim: Claim): Compiled {
  const role = claim.op === 'sometimes' ? 'hope' : claim.op === 'reached' ? 'reach' : 'claim'
  const body = claim.op === 'sometimes' || claim.op === 'reached' ? claim.of : claim
  const over = isFormula(body) ? undefined : body
  const formula = isFormula(body) ? body : body.formula
  const { root, triggers } = normalForm(formula)
  const atoms = atomsOf(formula)
  const range = over === undefined ? '' : rangeOf(over)
  const read = slotsByKind(atoms)
  const factAtoms = byFactType(atoms.filter(isFactAtom))
  const kinds = new Set<Resource>(read.keys())
  if (over?.op === 'for-each-object') kinds.add(over.kind)
  const factTypes = new Set<string>(factAtoms.keys())
  if (over?.op === 'for-each-fact') factTypes.add(over.type)
  return {
    role,
    formula,
    over,
    text: over === undefined ? printFormula(formula) : `for each ${range}: ${printFormula(formula)}`,
    root,
    triggers,
    waitsFor: [
      over === undefined ? 'a change of what it reads' : `a ${range}`,
      ...triggers.map(({ source }) => `${range === '' ? '' : `a ${range} with `}${printFormula(source)}`),
    ],
    kinds: [...kinds].map((kind) => ({ kind, slots: read.get(kind) })),
    factTypes: [...factTypes],
    factAtoms,
    asksForQuiet: atoms.some(({ source }) => source.on === 'quiet'),
    asksForDisturbance: atoms.some(({ source }) => source.on === 'disturbed'),
  }
}

function slotsByKind(atoms: readonly Atom[]): ReadonlyMap<Resource, readonly number[]> {
  const reading = (kind: Resource) =>
    atoms.flatMap(({ source }, slot) => ('reads' in source && source.reads.includes(kind) ? [slot] : []))
  return new Map(RESOURCE_NAMES.map((kind) => [kind, reading(kind)] as const).filter(([, slots]) => slots.length > 0))
}

function byFactType(atoms: readonly FactAtom[]): ReadonlyMap<string, readonly FactAtom[]> {
  const groups = new Map<string, FactAtom[]>()
  for (const atom of atoms) groups.set(atom.source.type, [...(groups.get(atom.source.type) ?? []), atom])
  return groups
}

function isFactAtom(atom: Atom): atom is FactAtom {
  return atom.source.on === 'fact'
}
