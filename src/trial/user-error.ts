/**
 * A mistake in what a person gave us: a file, a flag, a name. It says what is wrong, where, and how to mend it. It is not
 * for bugs of the harness; those are ordinary errors and keep their stack.
 */

export interface UserErrorParts {
  /** What is wrong, one sentence without a full stop. */
  readonly what: string
  /** File with line and column, JSON path, or flag. */
  readonly where?: string
  /** What to do about it. */
  readonly mend?: string
}

/** Thrown at the boundary, printed without a stack; the command ends with status 2. */
export class UserError extends Error {
  readonly what: string
  readonly where: string | undefined
  readonly mend: string | undefined

  constructor(parts: UserErrorParts) {
    super(
      `${parts.where === undefined ? '' : `${parts.where}: `}${parts.what}${parts.mend === undefined ? '' : ` (${parts.mend})`}`,
    )
    this.name = 'UserError'
    this.what = parts.what
    this.where = parts.where
    this.mend = parts.mend
  }
}

/** The names that look most like `wrong`, best first, at most three; empty when nothing is near. */
export function nearest(wrong: string, known: Iterable<string>): string[] {
  const limit = Math.max(2, Math.floor(wrong.length / 3))
  const scored: { name: string; distance: number }[] = []
  for (const name of known) {
    const distance = name.includes(wrong) && wrong.length > 2 ? 1 : editDistance(wrong, name)
    if (distance <= limit) scored.push({ name, distance })
  }
  scored.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return scored.slice(0, 3).map((entry) => entry.name)
}

/** "Did you mean …?" for a name that is not known, or the whole list when nothing is near. */
export function suggest(wrong: string, known: Iterable<string>): string {
  const names = [...known]
  const near = nearest(wrong, names)
  if (near.length > 0) return `did you mean ${near.map((name) => `"${name}"`).join(' or ')}?`
  if (names.length === 0) return 'none are registered'
  const shown = names.slice(0, 12).join(', ')
  return `known: ${shown}${names.length > 12 ? `, … (${names.length} in all; see "seatrial list")` : ''}`
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}
