/**
 * While a trial runs, the real clock, the real timers and unnamed randomness throw, with a message that says what to use
 * instead. Lint forbids them in this project; this guard also meets what a user's property or machine calls.
 * It replaces functions of the global objects for the length of a synchronous call and puts them back, also on a throw.
 * Not caught: what was imported or kept before (`import { randomBytes } from 'node:crypto'`), promises, process.nextTick.
 * This is the only file below src/cli that may name these things.
 */

/** Thrown when something asks the real world inside a trial. */
export class DeterminismError extends Error {
  constructor(what: string, instead: string) {
    super(`${what} was used inside a trial, where nothing but the scenario may decide; use ${instead} instead`)
    this.name = 'DeterminismError'
  }
}

const CLOCK = 'out.now (in a property or fault: cluster.kernel.now), or out.wall for stamps,'
const TIMERS = 'out.after in a machine, or kernel.schedule outside of one'
const CHANCE = "streams.get('purpose/name').at(...) with an address such as the virtual time"

function forbidden(what: string, instead: string): () => never {
  return () => {
    throw new DeterminismError(what, instead)
  }
}

/** Date as usual, but for those uses that read the real clock. */
const GuardedDate: DateConstructor = new Proxy(Date, {
  apply: forbidden('Date()', CLOCK),
  construct(target, parts, newTarget): object {
    if (parts.length === 0) throw new DeterminismError('new Date()', CLOCK)
    return Reflect.construct(target, parts, newTarget) as object
  },
  get(target, name, receiver): unknown {
    return name === 'now' ? dateNow : Reflect.get(target, name, receiver)
  },
})
const dateNow = forbidden('Date.now()', CLOCK)
const hrtime = Object.assign(forbidden('process.hrtime()', CLOCK), {
  bigint: forbidden('process.hrtime.bigint()', CLOCK),
})

interface Replacement {
  readonly object: object
  readonly name: string
  readonly value: unknown
}

const REPLACEMENTS: readonly Replacement[] = [
  { object: globalThis, name: 'Date', value: GuardedDate },
  { object: globalThis, name: 'setTimeout', value: forbidden('setTimeout', TIMERS) },
  { object: globalThis, name: 'setInterval', value: forbidden('setInterval', TIMERS) },
  { object: globalThis, name: 'setImmediate', value: forbidden('setImmediate', TIMERS) },
  { object: globalThis, name: 'queueMicrotask', value: forbidden('queueMicrotask', TIMERS) },
  { object: Math, name: 'random', value: forbidden('Math.random', CHANCE) },
  { object: performance, name: 'now', value: forbidden('performance.now', CLOCK) },
  { object: process, name: 'hrtime', value: hrtime },
  { object: crypto, name: 'getRandomValues', value: forbidden('crypto.getRandomValues', CHANCE) },
  { object: crypto, name: 'randomUUID', value: forbidden('crypto.randomUUID', CHANCE) },
]

let depth = 0

/** Runs `body` with the real world out of reach. May be nested. `body` must be synchronous. */
export function guarded<T>(body: () => T): T {
  if (depth > 0) return body()
  const originals = REPLACEMENTS.map(({ object, name }) => Object.getOwnPropertyDescriptor(object, name))
  depth++
  try {
    for (const { object, name, value } of REPLACEMENTS)
      Object.defineProperty(object, name, { value, configurable: true, writable: true, enumerable: false })
    return body()
  } finally {
    depth--
    REPLACEMENTS.forEach(({ object, name }, index) => {
      const original = originals[index]
      if (original === undefined) Reflect.deleteProperty(object, name)
      else Object.defineProperty(object, name, original)
    })
  }
}
