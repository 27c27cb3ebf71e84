/** When the faults of a scenario are injected and healed, and what each of them did. Ends come before beginnings at one moment. */
import type { Cluster } from '../cluster/index.ts'
import { invariant, type Micros } from '../kernel/index.ts'
import type { ActiveFault, Registry } from './registry.ts'
import type { LedgerEntry } from './result.ts'
import type { FaultStep, Scenario } from './scenario.ts'

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
  #next = 0

  constructor(scenario: Scenario, registry: Registry, cluster: Cluster, observer?: FaultObserver) {
    this.#cluster = cluster
    this.#observer = observer
    this.#registry = registry
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
      if (heals) heal(planned)
      else this.#inject(planned)
    })
    if (!heals && planned.active !== undefined) this.#observer?.afterInject(planned.step, planned.active)
  }

  #inject(planned: Planned): void {
    const kind = this.#registry.faults.get(planned.step.kind)
    invariant(kind !== undefined, 'trial: every fault of a checked scenario has a kind', planned.step)
    invariant(planned.active === undefined, 'trial: a fault is injected once', planned.step)
    planned.active = kind.inject(this.#cluster, planned.step)
  }
}

function heal(planned: Planned): void {
  if (planned.active === undefined || planned.healed) return
  planned.healed = true
  planned.active.heal()
}

/** Ends before beginnings, but the end of a fault that lasts no time after its own beginning. */
function order(moment: Moment): number {
  return moment.heals ? (moment.planned.step.durationMicros === 0 ? 2 : 0) : 1
}
