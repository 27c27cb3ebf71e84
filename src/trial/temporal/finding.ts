/** What a property saw when it failed: the sentence, the fields before and after, and everything in full for `--json`. */
import type { Fact, Micros } from '../../kernel/index.ts'
import type { KubeObject } from '../../objects/index.ts'
import type { Atom } from './atom.ts'
import { rangeOf } from './claim.ts'
import type { Compiled } from './compile.ts'
import { type Explanation, explain, type Moment } from './explain.ts'
import type { Claimant, Instance } from './instance.ts'
import { printFormula, printTime } from './print.ts'
import { fieldsRead, valueAt } from './reads.ts'
import type { Residual } from './residual.ts'
import { declaredView } from './view.ts'

export interface FieldSeen {
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/** Given to a property's own sentence, and printed whole with `--json`. */
export interface Finding {
  /** The whole claim, and the part of it that failed. */
  readonly formula: string
  readonly failed: string
  readonly how: Explanation['how']
  /** File and line of the predicates that decided. */
  readonly places: readonly string[]
  readonly atMicros: Micros
  /** When it was asked for, by what, and until when it had to come. */
  readonly sinceMicros: Micros
  readonly because: string | undefined
  readonly untilMicros: Micros | undefined
  /** The object's key, or the name in facts. */
  readonly key: string
  readonly fields: readonly FieldSeen[]
  /** The object's version before the present one, and the present one or the last. */
  readonly before: KubeObject | undefined
  readonly after: KubeObject | undefined
  readonly opening: Fact | undefined
  readonly fact: Fact | undefined
}

const FIELDS_SHOWN = 3
const VALUE_LENGTH = 40

export function findingOf(
  claimant: Claimant & { readonly fact: Fact | undefined },
  instance: Instance,
  left: Residual | undefined,
  moment: Moment,
): { readonly finding: Finding; readonly sentence: string } {
  const { compiled } = claimant
  const explanation = explain(left ?? compiled.root, moment)
  const finding: Finding = {
    formula: compiled.text,
    failed: printFormula(explanation.failed),
    how: explanation.how,
    places: [...new Set(explanation.atoms.map(({ place }) => place))].filter((place) => place !== ''),
    atMicros: claimant.now,
    sinceMicros: explanation.sinceMicros,
    because: explanation.because === undefined ? undefined : printFormula(explanation.because),
    untilMicros: explanation.untilMicros,
    key: instance.key,
    fields: explanation.atoms.flatMap((atom) => fieldsOf(atom, claimant, instance)).filter(isFirst),
    before: instance.before,
    after: instance.object,
    opening: instance.opening,
    fact: claimant.fact,
  }
  return { finding, sentence: sentenceOf(finding, explanation) }
}

function isFirst(field: FieldSeen, index: number, fields: readonly FieldSeen[]): boolean {
  return fields.findIndex(({ path }) => path === field.path) === index
}

/** The fields of the object that the atom looks at. */
function fieldsOf({ source }: Atom, claimant: Claimant, { before, object }: Instance): FieldSeen[] {
  if (object === undefined) return []
  const seen = (path: string) => ({ path, before: valueAt(before, path), after: valueAt(object, path) })
  if (source.on === 'object')
    return fieldsRead((stood: never) => source.test(stood, declaredView(claimant.cluster, source.reads)), [object]).map(
      seen,
    )
  if (source.on === 'action' && before !== undefined) return fieldsRead(source.test, [before, object]).map(seen)
  return []
}

/** The claim's subject, kind first: `Pod default/web-1`. */
export function subjectOf({ over }: Compiled, key: string): string {
  return over === undefined ? 'cluster' : `${rangeOf(over)} ${key}`
}

/** One sentence: what was expected, because of what, and what came. */
function sentenceOf(finding: Finding, explained: Explanation): string {
  const { how, failed, because, sinceMicros, untilMicros, atMicros } = finding
  const since = because === undefined ? `from ${at(sinceMicros)} on` : `after ${because} at ${at(sinceMicros)}`
  if (how === 'late' && untilMicros !== undefined)
    return `${failed} was to come within ${printTime(untilMicros - sinceMicros)} ${since}, by ${at(untilMicros)}, and did not`
  if (how === 'missing') return `${failed} was to come ${since}, and had not when the trial ended at ${at(atMicros)}`
  const and = because === undefined ? '' : `${because} and `
  const { failed: part } = explained
  return part.op === 'not'
    ? `${and}${printFormula(part.of)} at ${at(atMicros)}, against: ${printFormula(explained.operator)}`
    : `${and}not ${failed} at ${at(atMicros)}, against: ${printFormula(explained.operator)}`
}

/** What was seen of the object or in the fact, short, for the last lines of a story. */
export function sawOf({ fields, before, after, fact, opening }: Finding): string | undefined {
  if (fields.length > 0 && after !== undefined) {
    const texts = fields
      .slice(0, FIELDS_SHOWN)
      .map(({ path, before: was, after: is }) =>
        before === undefined || text(was) === text(is)
          ? `${path} = ${text(is)}`
          : `${path}: ${text(was)} -> ${text(is)}`,
      )
    const more = fields.length > FIELDS_SHOWN ? `, and ${fields.length - FIELDS_SHOWN} more fields` : ''
    return texts.join(', ') + more
  }
  if (fact === undefined) return undefined
  const changed = Object.entries(fact).flatMap(([name, value]) => {
    const was = opening === undefined || opening.type !== fact.type ? undefined : Reflect.get(opening, name)
    if (name === 'type' || typeof value === 'object') return []
    return [was === undefined || was === value ? `${name} = ${text(value)}` : `${name}: ${text(was)} -> ${text(value)}`]
  })
  return changed.length === 0 ? undefined : `${fact.type}: ${changed.join(', ')}`
}

function text(value: unknown): string {
  if (value === undefined) return 'nothing'
  const whole = typeof value === 'string' ? value : JSON.stringify(value)
  return whole.length > VALUE_LENGTH ? `${whole.slice(0, VALUE_LENGTH)}…` : whole
}

/** A moment of a trial, as stories print it: 0:44.262. */
function at(micros: Micros): string {
  const seconds = Math.floor(micros / 1_000_000)
  const millis = Math.floor((micros % 1_000_000) / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}.${String(millis).padStart(3, '0')}`
}
