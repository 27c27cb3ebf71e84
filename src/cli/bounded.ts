/**
 * Somebody's own code in this thread, within a limit of real time and with the real world out of reach: what loops for ever is
 * broken off. Node's vm does it, which can end a synchronous call; no `finally` runs in what is broken off, so the guard is put
 * up out here.
 */
import { createContext, Script } from 'node:vm'
import { Arbitrary, type Random, type Stream, type Value } from 'fast-check'
import { DeterminismError, guarded } from '../kernel/index.ts'
import type { FaultKind, Registry, Scenario, Suite } from '../trial/index.ts'
import { UserError } from '../trial/user-error.ts'

const CALL = new Script('body()')
/** The script's only global name. */
const room = { body: () => {} }
createContext(room)

/** What `body` gives, or undefined if it did not come to an end in time. */
export function within<T>(millis: number, body: () => T): { readonly value: T } | undefined {
  let value: { readonly value: T } | undefined
  room.body = () => {
    value = { value: body() }
  }
  try {
    guarded(() => CALL.runInContext(room, { timeout: millis }))
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    return undefined
  }
  return value
}

const LIMIT_MILLIS = 10_000

/** Runs the code of a suite. @throws UserError that names it if it throws, asks the real world or does not end */
function drawn<T>(suite: string, doing: string, body: () => T): T {
  let answer: { readonly value: T } | undefined
  try {
    answer = within(LIMIT_MILLIS, body)
  } catch (error) {
    if (error instanceof UserError) throw error
    const message = error instanceof Error ? error.message : String(error)
    const mend =
      error instanceof DeterminismError ? 'draw it with fast-check; nothing else may decide' : 'correct the suite'
    throw new UserError({ what: `the suite "${suite}" threw when ${doing}: ${message}`, mend })
  }
  if (answer !== undefined) return answer.value
  throw new UserError({
    what: `the suite "${suite}" had not come to an end after ${LIMIT_MILLIS / 1_000} s when ${doing}`,
    mend: 'correct the suite',
  })
}

/** Scenarios that are drawn within bounds. */
export class BoundedArbitrary extends Arbitrary<Scenario> {
  readonly #suite: string
  readonly #inner: Arbitrary<Scenario>

  constructor(suite: string, inner: Arbitrary<Scenario>) {
    super()
    this.#suite = suite
    this.#inner = inner
  }

  override generate(random: Random, biasFactor: number | undefined): Value<Scenario> {
    return drawn(this.#suite, 'a scenario was drawn', () => this.#inner.generate(random, biasFactor))
  }

  override canShrinkWithoutContext(value: unknown): value is Scenario {
    return this.#inner.canShrinkWithoutContext(value)
  }

  override shrink(value: Scenario, context: unknown): Stream<Value<Scenario>> {
    return this.#inner.shrink(value, context)
  }
}

/** What a registry had before somebody added to it. */
interface Known {
  readonly suites: ReadonlySet<string>
  readonly faults: ReadonlySet<string>
}

export function knownOf({ suites, faults }: Registry): Known {
  return { suites: new Set(suites.keys()), faults: new Set(faults.keys()) }
}

/** Faults that somebody has added check their parameters within bounds from now on: this thread asks them too. */
function boundFaults(registry: Registry, known: ReadonlySet<string>): void {
  for (const [id, kind] of registry.faults) {
    if (known.has(id)) continue
    const validate: FaultKind['validate'] = (step, topology) => {
      const answer = within(LIMIT_MILLIS, () => kind.validate(step, topology))
      if (answer !== undefined) return answer.value
      throw new UserError({
        what: `fault ${id} had not come to an end after ${LIMIT_MILLIS / 1_000} s when it was asked to check its parameters`,
        mend: 'correct the fault',
      })
    }
    // Whatever else it has, such as members of a class, stays its own.
    registry.faults.set(id, Object.create(kind, { validate: { value: validate } }) as FaultKind)
  }
}

/** Suites and faults that somebody has added to `known` ones keep within bounds of time from now on. */
export function boundAdded(registry: Registry, known: Known): void {
  boundFaults(registry, known.faults)
  boundSuites(registry, known.suites)
}

function boundSuites(registry: Registry, known: ReadonlySet<string>): void {
  for (const [id, suite] of registry.suites) {
    if (known.has(id)) continue
    const bounded: Suite = {
      ...suite,
      arbitrary: (options) =>
        new BoundedArbitrary(
          id,
          drawn(id, 'it was asked for scenarios', () => suite.arbitrary(options)),
        ),
    }
    registry.suites.set(id, bounded)
  }
}
