/** What a property may claim: a formula about the cluster, or one about each object of a kind or each thing that facts name. */

import type { Fact } from '../../kernel/index.ts'
import { type KubeObject, RESOURCES, type Resource, type ResourceTypes } from '../../objects/index.ts'
import type { FactOf, FactType } from './facts.ts'
import { eventually, type Formula } from './formula.ts'
import { type FactSubject, factSubject, objectSubject, type Subject } from './subject.ts'
import { assertKind } from './well-formed.ts'

export type Claim = Formula | Quantified | Hope | Reach

/** A formula that is read once for each subject, along the observations that concern it, from its first one on. */
export type Quantified =
  | {
      readonly op: 'for-each-object'
      readonly kind: Resource
      readonly formula: Formula
      readonly where: ((object: KubeObject) => unknown) | undefined
      /** What its removal makes of what is still pending: it is owed no more, or judged as at the end of a trial. */
      readonly removal: 'releases' | 'judges'
    }
  | {
      readonly op: 'for-each-fact'
      readonly type: string
      readonly keyOf: (fact: Fact) => unknown
      readonly formula: Formula
    }

export interface Hope {
  readonly op: 'sometimes'
  readonly of: Formula | Quantified
}

export interface Reach {
  readonly op: 'reached'
  readonly of: Formula | Quantified
}

export interface ForEachOptions<R extends Resource> {
  /** Only these; asked once, of the object as it was created. */
  readonly where?: (object: ResourceTypes[R]) => boolean
  /** Default `releases`: what was to come of an object that is removed is owed no more. */
  readonly removal?: 'releases' | 'judges'
}

/** The formula holds of each object of the kind, whenever it is created. */
export function forEach<R extends Resource>(
  kind: R,
  formula: (object: Subject<R>) => Formula,
  { where, removal = 'releases' }: ForEachOptions<R> = {},
): Quantified {
  assertKind(kind, 'forEach')
  const asked = where as ((object: KubeObject) => unknown) | undefined
  return { op: 'for-each-object', kind, formula: formula(objectSubject<R>()), where: asked, removal }
}

/**
 * The formula holds of each thing that facts of the type name; `keyOf` gives its name, or undefined for a fact that is about
 * none: `forEachFact('raft-role', (fact) => `${fact.term}`, (term) => …)`.
 */
export function forEachFact<T extends FactType>(
  type: T,
  keyOf: (fact: FactOf<T>) => string | undefined,
  formula: (subject: FactSubject<T>) => Formula,
): Quantified {
  return {
    op: 'for-each-fact',
    type,
    keyOf: keyOf as unknown as (fact: Fact) => unknown,
    formula: formula(factSubject<T>()),
  }
}

/** A hope, not a claim: it must be seen to hold in at least one trial of a campaign. */
export function sometimes(of: Formula | Quantified): Hope {
  return { op: 'sometimes', of: isFormula(of) ? eventually(of) : { ...of, formula: eventually(of.formula) } }
}

/** Never fails; the property counts as reached only in trials in which this held at some time. */
export function reached(of: Formula | Quantified): Reach {
  return { op: 'reached', of: isFormula(of) ? eventually(of) : { ...of, formula: eventually(of.formula) } }
}

export function isFormula(claim: Claim): claim is Formula {
  return (
    claim.op !== 'for-each-object' && claim.op !== 'for-each-fact' && claim.op !== 'sometimes' && claim.op !== 'reached'
  )
}

/** What a quantifier ranges over, in words. */
export function rangeOf(claim: Quantified): string {
  return claim.op === 'for-each-object' ? RESOURCES[claim.kind].kind : claim.type
}
