/** Fault kind x component x phase: how often each was struck, how often it was felt, and where nothing struck at all. */
import { PHASES, type Phase } from './cluster-phase.ts'
import type { Strike } from './footprint.ts'

export interface MatrixCell {
  readonly kind: string
  readonly component: string
  readonly phase: Phase
  readonly injected: number
  readonly bit: number
}

/** A kind of fault at a kind of component: the phases in which it was never felt. */
export interface MatrixHole {
  readonly kind: string
  readonly component: string
  readonly phases: readonly Phase[]
}

export class FaultMatrix {
  /** Kind -> component -> phase. */
  readonly #kinds = new Map<string, Map<string, Map<Phase, { injected: number; bit: number }>>>()

  add({ kind, component, phase, bit }: Strike): void {
    const components = entry(this.#kinds, kind, () => new Map<string, Map<Phase, { injected: number; bit: number }>>())
    const phases = entry(components, component, () => new Map<Phase, { injected: number; bit: number }>())
    const cell = entry(phases, phase, () => ({ injected: 0, bit: 0 }))
    cell.injected++
    if (bit) cell.bit++
  }

  /** In the order of kinds and components by name, and of phases as they are listed. */
  cells(): MatrixCell[] {
    return this.#rows().flatMap(({ kind, component, phases }) =>
      PHASES.flatMap((phase) => {
        const cell = phases.get(phase)
        return cell === undefined ? [] : [{ kind, component, phase, ...cell }]
      }),
    )
  }

  holes(): MatrixHole[] {
    return this.#rows().flatMap(({ kind, component, phases }) => {
      const open = PHASES.filter((phase) => (phases.get(phase)?.bit ?? 0) === 0)
      return open.length === 0 ? [] : [{ kind, component, phases: open }]
    })
  }

  #rows() {
    return byName(this.#kinds).flatMap(([kind, components]) =>
      byName(components).map(([component, phases]) => ({ kind, component, phases })),
    )
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function byName<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}
