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

/** How often a kind of fault was injected in a phase, and felt, whatever it struck. */
export type PhaseCell = Omit<MatrixCell, 'component'>

/** A kind of fault at a kind of component: the phases in which it was never felt. */
export interface MatrixHole {
  readonly kind: string
  readonly component: string
  readonly phases: readonly Phase[]
}

export class FaultMatrix {
  /** Kind -> component -> phase. */
  readonly #kinds = new Map<string, Map<string, Counts>>()
  readonly #phases = new Map<string, Counts>()

  /** Adds what the faults of one trial struck. */
  add(strikes: readonly Strike[]): void {
    let last: string | undefined
    for (const { fault, kind, component, phase, bit } of strikes) {
      const components = entry(this.#kinds, kind, () => new Map<string, Counts>())
      count(entry(components, component, noCounts), phase, bit)
      // The strikes of one fault follow each other.
      if (fault !== last) count(entry(this.#phases, kind, noCounts), phase, bit)
      last = fault
    }
  }

  byPhase(): PhaseCell[] {
    return byName(this.#phases).flatMap(([kind, counts]) => cellsOf(counts).map((cell) => ({ kind, ...cell })))
  }

  /** In the order of kinds and components by name, and of phases as they are listed. */
  cells(): MatrixCell[] {
    return this.#rows().flatMap(({ kind, component, counts }) =>
      cellsOf(counts).map((cell) => ({ kind, component, ...cell })),
    )
  }

  holes(): MatrixHole[] {
    return this.#rows().flatMap(({ kind, component, counts }) => {
      const open = PHASES.filter((phase) => (counts.get(phase)?.bit ?? 0) === 0)
      return open.length === 0 ? [] : [{ kind, component, phases: open }]
    })
  }

  #rows() {
    return byName(this.#kinds).flatMap(([kind, components]) =>
      byName(components).map(([component, counts]) => ({ kind, component, counts })),
    )
  }
}

type Counts = Map<Phase, { injected: number; bit: number }>

function noCounts(): Counts {
  return new Map()
}

function count(counts: Counts, phase: Phase, bit: boolean): void {
  const cell = entry(counts, phase, () => ({ injected: 0, bit: 0 }))
  cell.injected++
  if (bit) cell.bit++
}

function cellsOf(counts: Counts): { readonly phase: Phase; readonly injected: number; readonly bit: number }[] {
  return PHASES.flatMap((phase) => {
    const cell = counts.get(phase)
    return cell === undefined ? [] : [{ phase, ...cell }]
  })
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
