/**
 * How long a command runs and how it ends: `sleep N`, `true`, `false`, `exit N`, a shell around them, and chains of them with
 * `;`, `&&` and `||`. Source: sleep(1) and POSIX sh lists. Anything else takes 10 ms and succeeds. It is no shell: no variables, no
 * pipes, no quoting inside the script.
 */
import { MILLISECOND, type Micros, SECOND } from '../kernel/index.ts'

export interface CommandRun {
  /** Undefined: it never ends (`sleep infinity`). */
  readonly micros: Micros | undefined
  readonly exitCode: number
  /** False when some part of it was not understood. */
  readonly known: boolean
}

const UNKNOWN_MICROS = 10 * MILLISECOND
const INSTANT_MICROS = 2 * MILLISECOND
const SHELLS = new Set(['sh', 'bash', 'ash', 'dash'])
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const remembered = new WeakMap<readonly string[], CommandRun>()

/** Duration and exit code of a command given as its words. */
export function commandOf(words: readonly string[]): CommandRun {
  let run = remembered.get(words)
  if (run === undefined) {
    run = parse(words)
    remembered.set(words, run)
  }
  return run
}

function parse(words: readonly string[]): CommandRun {
  const program = baseName(words[0] ?? '')
  if (SHELLS.has(program)) {
    const flag = words.findIndex((word) => /^-[a-z]*c$/.test(word))
    const script = flag < 0 ? undefined : words[flag + 1]
    if (script !== undefined) return parseScript(script)
  }
  return parseSimple(words)
}

/** A list of simple commands; `&&` and `||` look at how the one before ended. */
function parseScript(script: string): CommandRun {
  const parts = script.split(/(;|&&|\|\||\n)/)
  let micros: Micros = 0
  let exitCode = 0
  let known = true
  let link = ';'
  for (let index = 0; index < parts.length; index++) {
    const part = (parts[index] as string).trim()
    if (index % 2 === 1) {
      link = part === '' ? ';' : part
      continue
    }
    if (part === '' || (link === '&&' && exitCode !== 0) || (link === '||' && exitCode === 0)) continue
    const run = parseSimple(part.split(/\s+/))
    known = known && run.known
    if (run.micros === undefined) return { micros: undefined, exitCode: 0, known }
    micros += run.micros
    exitCode = run.exitCode
    if (part.startsWith('exit')) break
  }
  return { micros, exitCode, known }
}

function parseSimple(words: readonly string[]): CommandRun {
  const [program = '', ...rest] = words[0] === 'exec' ? words.slice(1) : words
  switch (baseName(program)) {
    case 'sleep': {
      if (rest[0] === 'infinity') return { micros: undefined, exitCode: 0, known: true }
      const total = rest.reduce((sum, word) => sum + (sleepMicros(word) ?? Number.NaN), 0)
      if (rest.length === 0 || Number.isNaN(total)) return { micros: INSTANT_MICROS, exitCode: 1, known: true }
      return { micros: total, exitCode: 0, known: true }
    }
    case 'true':
    case ':':
    case 'echo':
      return { micros: INSTANT_MICROS, exitCode: 0, known: true }
    case 'false':
      return { micros: INSTANT_MICROS, exitCode: 1, known: true }
    case 'exit': {
      const code = Number(rest[0] ?? '0')
      return { micros: INSTANT_MICROS, exitCode: Number.isInteger(code) ? code & 255 : 2, known: true }
    }
    default:
      return { micros: UNKNOWN_MICROS, exitCode: 0, known: false }
  }
}

function sleepMicros(word: string): Micros | undefined {
  const parts = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(word)
  if (parts === null) return undefined
  return Math.round(Number(parts[1]) * (UNITS[parts[2] || 's'] as number) * SECOND)
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
