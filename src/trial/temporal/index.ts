/** Temporal properties: what users and the floors above may import. */
export type { Duration } from './atom.ts'
export {
  type Claim,
  type ForEachOptions,
  forEach,
  forEachFact,
  type Quantified,
  reached,
  sometimes,
} from './claim.ts'
export { asked, disturbed, every, happens, quiet, some, state } from './cluster-atoms.ts'
export type { FactOf, FactType } from './facts.ts'
export type { FieldSeen, Finding } from './finding.ts'
export {
  always,
  and,
  type Bound,
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
export { PropertyError } from './predicate.ts'
export { printFormula } from './print.ts'
export { type PropertyOptions, property } from './property.ts'
export { eventuallyStable, isReconciled, type ReconciliationOptions } from './reconciliation.ts'
export type { FactSubject, Subject } from './subject.ts'
export type { View } from './view.ts'
