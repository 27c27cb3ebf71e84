/** Asking a user's predicate: it answers true or false, throws nothing and changes nothing; otherwise it is named, with its place. */
import type { Fact } from '../../kernel/index.ts'

/** A mistake in a property, not in the cluster: the verdict is `error` and names the property. */
export class PropertyError extends Error {
  readonly property: string

  constructor(property: string, message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'PropertyError'
    this.property = property
  }
}

export interface Asked {
  readonly name: string
  readonly place: string
}

/** Names what a predicate did wrong: `"leaving" (pods.js:12) of default/web-1 in never "leaving" threw: …`. */
export type Blame = (asked: Asked, what: string, cause: unknown) => PropertyError

/** The answer of a predicate, if it is one. @throws PropertyError */
export function truthOf(asked: Asked, blame: Blame, answer: unknown): boolean {
  if (answer === true || answer === false) return answer
  throw blame(asked, `returned ${shown(answer)}, not true or false`, undefined)
}

/** The length of time that a user's function gave. @throws PropertyError */
export function timeOf(asked: Asked, blame: Blame, answer: unknown): number {
  if (typeof answer === 'number' && answer >= 0) return answer
  throw blame(asked, `returned ${shown(answer)}, not a number of microseconds`, undefined)
}

/** What a predicate threw, with its name. */
export function thrown(asked: Asked, blame: Blame, error: unknown): PropertyError {
  if (error instanceof PropertyError) return error
  const message = error instanceof Error ? error.message : String(error)
  const wrote =
    error instanceof TypeError && /read only|not extensible|Cannot (delete|redefine|define) property/.test(message)
  return blame(asked, wrote ? `tried to change what it may only read: ${message}` : `threw: ${message}`, error)
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** A fact before it is handed to a user. Facts are never touched again once noted, so freezing one changes nothing. */
export function untouchable(fact: Fact): Fact {
  return Object.freeze(fact)
}
