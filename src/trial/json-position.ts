/**
 * Where things stand in a JSON text: the place of the first mistake, and the place of each value by its JSON pointer.
 * Only for messages; the values themselves come from JSON.parse.
 */

export interface Position {
  readonly line: number
  readonly column: number
}

export interface JsonMistake extends Position {
  readonly what: string
  /** The text ends before the value does: a file that was cut off. */
  readonly truncated: boolean
}

export interface JsonScan {
  readonly mistake: JsonMistake | undefined
  /** JSON pointer ("/faults/0/kind") -> offset of the value. */
  readonly offsets: ReadonlyMap<string, number>
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// A raw line break or tab ends the search: the text was never closed. Other control characters are left to JSON.parse.
const STRING = /"(?:[^"\\\n\r\t]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const LITERAL = /true|false|null/y
const SPACE = /[ \t\r\n]*/y
const DEPTH_MAXIMUM = 200

class Mistake extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** Reads `text` once and notes where each value begins, up to the first mistake. */
export function scanJson(text: string): JsonScan {
  const offsets = new Map<string, number>()
  try {
    const end = value(text, skip(text, 0), '', offsets, 0)
    const rest = skip(text, end)
    if (rest < text.length) throw new Mistake('there is text after the end of the document', rest)
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    const truncated = error.offset >= text.trimEnd().length
    return { mistake: { ...positionAt(text, error.offset), what: error.message, truncated }, offsets }
  }
  return { mistake: undefined, offsets }
}

/** Line and column, both from 1. */
export function positionAt(text: string, offset: number): Position {
  let line = 1
  let start = 0
  for (let next = text.indexOf('\n'); next !== -1 && next < offset; next = text.indexOf('\n', next + 1)) {
    line++
    start = next + 1
  }
  return { line, column: offset - start + 1 }
}

function skip(text: string, offset: number): number {
  SPACE.lastIndex = offset
  SPACE.exec(text)
  return SPACE.lastIndex
}

function value(text: string, at: number, pointer: string, offsets: Map<string, number>, depth: number): number {
  if (depth > DEPTH_MAXIMUM) throw new Mistake(`values are nested more than ${DEPTH_MAXIMUM} deep`, at)
  offsets.set(pointer, at)
  switch (text[at]) {
    case '{':
      return members(text, at + 1, pointer, offsets, depth)
    case '[':
      return elements(text, at + 1, pointer, offsets, depth)
    case '"':
      return string(text, at)
    default: {
      for (const pattern of [NUMBER, LITERAL]) {
        pattern.lastIndex = at
        if (pattern.test(text)) return pattern.lastIndex
      }
      throw new Mistake(
        at >= text.length ? 'a value is missing' : `a value cannot begin with ${JSON.stringify(text[at])}`,
        at,
      )
    }
  }
}

function string(text: string, at: number): number {
  STRING.lastIndex = at
  if (STRING.test(text)) return STRING.lastIndex
  const newline = text.indexOf('\n', at)
  throw new Mistake('a text in quotes does not end', newline === -1 ? text.length : newline)
}

function members(text: string, from: number, pointer: string, offsets: Map<string, number>, depth: number): number {
  let at = skip(text, from)
  if (text[at] === '}') return at + 1
  for (;;) {
    if (text[at] !== '"') throw new Mistake('a key in double quotes was expected', at)
    const end = string(text, at)
    const key = safeKey(text.slice(at, end))
    at = skip(text, end)
    if (text[at] !== ':') throw new Mistake('":" was expected after the key', at)
    at = skip(text, value(text, skip(text, at + 1), `${pointer}/${escapePointer(key)}`, offsets, depth + 1))
    if (text[at] === '}') return at + 1
    if (text[at] !== ',') throw new Mistake('"," or "}" was expected', at)
    at = skip(text, at + 1)
  }
}

function elements(text: string, from: number, pointer: string, offsets: Map<string, number>, depth: number): number {
  let at = skip(text, from)
  if (text[at] === ']') return at + 1
  for (let index = 0; ; index++) {
    at = skip(text, value(text, at, `${pointer}/${index}`, offsets, depth + 1))
    if (text[at] === ']') return at + 1
    if (text[at] !== ',') throw new Mistake('"," or "]" was expected', at)
    at = skip(text, at + 1)
  }
}

function safeKey(quoted: string): string {
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
}

/** One step of a JSON pointer, escaped as RFC 6901 says. */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
