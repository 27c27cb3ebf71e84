/**
 * Formulas as they come from JavaScript, where no compiler has looked at them: what is no formula, no kind or no predicate is
 * named as soon as it is written down.
 */
import { RESOURCES, type Resource } from '../../objects/index.ts'
import { suggest, UserError } from '../user-error.ts'

/** The parts of a formula that are formulas themselves, by the name that they have in it. */
const PARTS = ['of', 'when', 'then', 'hold', 'goal', 'formula'] as const
/** What the user wrote, where it is not the formula's own word. */
const WORDS = new Map([
  ['implies', 'implies or leadsTo'],
  ['for-each-object', 'forEach'],
  ['for-each-fact', 'forEachFact'],
])

/** @throws UserError if some part of it is not what a combinator made */
export function assertWellFormed(property: string, claim: unknown, within = 'formula'): void {
  if (typeof claim !== 'object' || claim === null || typeof (claim as { readonly op?: unknown }).op !== 'string')
    throw new UserError({
      what: `the property "${property}": in ${within} stands ${shown(claim)} where a formula belongs`,
      mend: 'a predicate goes into pod.is("a name", test) or state("a name", kinds, test); look for a misspelt member too',
    })
  const { op, ...parts } = claim as { readonly op: string } & Readonly<Record<string, unknown>>
  for (const name of PARTS) {
    if (!(name in parts)) continue
    const part = parts[name]
    for (const each of Array.isArray(part) ? part : [part]) assertWellFormed(property, each, WORDS.get(op) ?? op)
  }
}

/** @throws UserError unless there is such a kind of object */
export function assertKind(kind: string, where: string): void {
  if (Object.hasOwn(RESOURCES, kind)) return
  throw new UserError({
    what: `${where}: there is no kind of object ${JSON.stringify(kind) ?? 'undefined'}`,
    mend: suggest(String(kind), Object.keys(RESOURCES) as Resource[]),
  })
}

/** @throws UserError unless it has a name for reports, and something that can be asked */
export function assertPredicate(word: string, name: unknown, test: unknown): void {
  if (typeof name === 'string' && typeof test === 'function') return
  throw new UserError({
    what: typeof name === 'string' ? `${word}: "${name}" has no test` : `${word}: there is no name for reports`,
    mend: `write ${word}("in a word or two", (object) => true or false)`,
  })
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
