/**
 * The cause of a failure as a short text without names and times, for grouping failures: the kinds of the faults that bit
 * and of the steps that were done before it, and the shape of the chain that led to it (the types of the last facts about
 * its subject). Two failures of one property with one cause have the same text as a rule, above all when they are shrunk.
 */
import type { Fact } from '../kernel/index.ts'
import type { TrialResult } from '../trial/index.ts'
import { phraseOf } from './phrases.ts'

/** So many types of facts make the shape. */
const SHAPE_LENGTH = 4

/**
 * `partition+scale|term-sent>pod-readiness>request-finished`; `nothing` before the bar: it needed no fault and no step.
 * `result` must come from a trial run with `factTypes: STORY_FACT_TYPES`, best of a shrunk scenario.
 */
export function causalSignature(result: TrialResult): string {
  const end = result.violation?.atMicros ?? result.virtualMicros
  const faults = result.ledger.filter(({ bit }) => bit).map(({ kind }) => kind)
  const steps = result.facts.flatMap(({ fact, atMicros }) => (atMicros <= end ? (stepKind(fact) ?? []) : []))
  const causes = [...new Set([...faults, ...steps])].sort()
  return `${causes.length === 0 ? 'nothing' : causes.join('+')}|${shapeOf(result).join('>')}`
}

function stepKind(fact: Fact): string | undefined {
  if (fact.type !== 'step-finished') return undefined
  return (fact as { readonly step?: { readonly kind?: string } }).step?.kind
}

/** The types of the last facts about the subject, each once, in the order of their last coming. */
function shapeOf({ facts, violation, error }: TrialResult): string[] {
  if (violation === undefined) return [error === undefined ? 'none' : 'threw']
  const subject = `${violation.subject} ${violation.message}`
  const shape: string[] = []
  for (const { fact } of facts.toReversed()) {
    const phrase = phraseOf(fact)
    if (phrase === undefined || phrase.weight < 2 || shape.includes(fact.type)) continue
    if (!phrase.about.some((name) => name.length > 2 && subject.includes(withoutDefault(name)))) continue
    shape.unshift(fact.type)
    if (shape.length === SHAPE_LENGTH) break
  }
  return shape.length === 0 ? ['unseen'] : shape
}

function withoutDefault(name: string): string {
  return name.startsWith('default/') ? name.slice('default/'.length) : name
}
