/** When the faults of a scenario are injected and healed, and what each of them did. Ends come before beginnings at one moment. */
import type { Cluster } from '../cluster/index.ts'
import { InvariantError, invariant, type Micros } from '../kernel/index.ts'
import { deepFreeze } from '../objects/index.ts'
import type { ActiveFault, Registry } from './registry.ts'
import type { LedgerEntry } from './result.ts'
import type { FaultStep, Scenario } from './scenario.ts'

/** A fault of somebody's own that threw: the verdict is `error` and names it. */
export class FaultError extends Error {
  readonly fault: string

  constructor(kind: string, doing: string, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause)
    const wrote = cause instanceof TypeError && /read only|not extensible|Cannot delete property/.test(message)
    const hint = wrote
      ? ' (a fault acts on the cluster through its methods; what it is given is not to be written to)'
      : ''
    super(`fault ${kind} threw when ${doing}: ${message}${hint}`, { cause })
    this.name = 'FaultError'
    this.fault = kind
  }
}

interface Planned {
  readonly step: FaultStep
  active: ActiveFault | undefined
  healed: boolean
}

interface Moment {
  readonly atMicros: Micros
  readonly heals: boolean
  readonly planned: Planned
}

/** Somebody who watches what is injected, and changes nothing. */
export interface FaultObserver {
  beforeInject(step: FaultStep): void
  afterInject(step: FaultStep, active: ActiveFault): void
  beforeHeal(step: FaultStep): void
}

export class FaultSchedule {
  readonly #cluster: Cluster
  readonly #observer: FaultObserver | undefined
  readonly #registry: Registry
  readonly #planned: readonly Planned[]
  readonly #moments: readonly Moment[]
  readonly #onActivity: ((speaking: string) => void) | undefined
  #next = 0

  /** `onActivity`: told who speaks, `fault partition`, and with an empty text that nobody does any more. */
  constructor(
    scenario: Scenario,
    registry: Registry,
    cluster: Cluster,
    observer?: FaultObserver,
    onActivity?: (speaking: string) => void,
  ) {
    this.#cluster = cluster
    this.#observer = observer
    this.#registry = registry
    this.#onActivity = onActivity
    // Many runs share one; a fault that changed it would change the runs to come.
    deepFreeze(scenario.faults)
    this.#planned = scenario.faults.map((step) => ({ step, active: undefined, healed: false }))
    this.#moments = this.#planned
      .flatMap((planned): Moment[] => [
        { atMicros: planned.step.atMicros, heals: false, planned },
        { atMicros: planned.step.atMicros + planned.step.durationMicros, heals: true, planned },
      ])
      .sort((a, b) => a.atMicros - b.atMicros || order(a) - order(b))
  }

  nextMoment(): Micros | undefined {
    return this.#moments[this.#next]?.atMicros
  }

  /** Does what is due at `moment`, to which the cluster has been run. */
  act(moment: Micros): void {
    for (
      let due = this.#moments[this.#next];
      due !== undefined && due.atMicros <= moment;
      due = this.#moments[this.#next]
    ) {
      this.#next++
      this.#deed(due.heals, due.planned)
    }
  }

  /** The active phase is over. */
  healAll(): void {
    this.#next = this.#moments.length
    for (const planned of this.#planned) this.#deed(true, planned)
  }

  ledger(): LedgerEntry[] {
    return this.#planned.map(({ step, active }) => {
      const evidence = active?.evidence() ?? []
      return {
        fault: step.id,
        kind: step.kind,
        atMicros: step.atMicros,
        injected: active !== undefined,
        evidence,
        bit: evidence.some((item) => item.count > 0),
      }
    })
  }

  /** Injects or heals, under the fault's name in the trace. */
  #deed(heals: boolean, planned: Planned): void {
    if (heals && (planned.active === undefined || planned.healed)) return
    if (heals) this.#observer?.beforeHeal(planned.step)
    else this.#observer?.beforeInject(planned.step)
    this.#cluster.kernel.deed(`${heals ? 'heal' : 'inject'} ${planned.step.id}`, () => {
      if (heals) this.#heal(planned)
      else this.#inject(planned)
    })
    if (!heals && planned.active !== undefined) this.#observer?.afterInject(planned.step, planned.active)
  }

  #inject(planned: Planned): void {
    const kind = this.#registry.faults.get(planned.step.kind)
    invariant(kind !== undefined, 'trial: every fault of a checked scenario has a kind', planned.step)
    invariant(planned.active === undefined, 'trial: a fault is injected once', planned.step)
    const { step } = planned
    const active = this.#of(step, 'it was injected', () => kind.inject(this.#cluster, step))
    planned.active = {
      heal: () => this.#of(step, 'it was healed', () => active.heal()),
      evidence: () => this.#of(step, 'it was asked what it did', () => active.evidence()),
    }
  }

  #heal(planned: Planned): void {
    if (planned.active === undefined || planned.healed) return
    planned.healed = true
    planned.active.heal()
  }

  /** Runs a fault's own code. */
  #of<T>({ kind }: FaultStep, doing: string, body: () => T): T {
    this.#onActivity?.(`fault ${kind}`)
    let value: T
    try {
      value = body()
    } catch (error) {
      if (error instanceof InvariantError) throw error
      throw new FaultError(kind, doing, error)
    }
    this.#onActivity?.('')
    return value
  }
}

/** Ends before beginnings, but the end of a fault that lasts no time after its own beginning. */
function order(moment: Moment): number {
  return moment.heals ? (moment.planned.step.durationMicros === 0 ? 2 : 0) : 1
}
