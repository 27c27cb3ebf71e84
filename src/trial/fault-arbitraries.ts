/**
 * The faults of a scenario, drawn so that they find something to strike. A kind says what it needs: objects that can feel it,
 * steps of people during which it bites, other faults beside which it bites. Most draws are put around those; some are put
 * anywhere all the same, because nobody knows everything that may happen.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Topology } from '../cluster/topology.ts'
import type { WorkloadStep } from '../cluster/workload.ts'
import type { Micros } from '../kernel/time.ts'
import type { KubeObject } from '../objects/index.ts'
import { even, inOrder, swarm, type Window } from './arbitraries.ts'
import type { DrawnFault, FaultKind, Registry, Surroundings } from './registry.ts'
import type { FaultStep } from './scenario.ts'

export interface FaultOptions extends Window {
  /** Kinds to choose from; all general ones when left out. */
  readonly kinds?: readonly string[]
  readonly least?: number
  readonly most?: number
  /** What the cluster runs and what people do to it: most faults that need something to be going on are drawn around it. */
  readonly objects?: readonly KubeObject[]
  readonly workload?: readonly WorkloadStep[]
}

/** Out of so many faults that bite at some moments only, one is drawn at any time all the same. */
const ANY_TIME_ONE_IN = 8
/** The others begin before such a moment, by at most this share of their duration. */
const LEAD_PERCENT = 40

/** Faults for a topology in order of time, ids f1, f2, …; which kinds may occur is itself drawn. */
export function faultsArbitrary(
  registry: Registry,
  topology: Topology,
  options: FaultOptions,
): Arbitrary<readonly FaultStep[]> {
  const { objects = [], workload = [], least = 1, most = 4 } = options
  const general = () => [...registry.faults.values()].filter((kind) => kind.onlyByName !== true).map(({ id }) => id)
  const kinds = (options.kinds ?? general())
    .map((id) => kindOf(registry, id))
    .filter((kind) => kind.canBite?.(objects) ?? true)
  if (kinds.length === 0) return fc.constant([])
  const one = (kind: FaultKind, around: Surroundings): Arbitrary<DrawnFault> =>
    kind
      .arbitrary(topology, objects, around)
      .chain((rest) =>
        momentArbitrary(kind, rest, around, options).map((atMicros) => ({ kind: kind.id, atMicros, ...rest })),
      )
  const alone: Surroundings = { fromMicros: options.fromMicros, workload, faults: [] }
  return swarm(kinds.length)
    .chain((allowed) => {
      const chosen = allowed.map((index) => kinds[index]!)
      return fc
        .array(mostlyFit(chosen, fitting(chosen, alone, true), fitting(kinds, alone, false)), {
          minLength: least,
          maxLength: most,
          size: 'max',
        })
        .chain((drawn) => {
          const first = drawn.filter((kind) => kind.occasions === undefined)
          const last = drawn.filter((kind) => kind.occasions !== undefined)
          return fc.tuple(...first.map((kind) => one(kind, alone))).chain((faults) => {
            /** One after the other, for each may be the occasion of those that follow, or leave them none. */
            const more = (
              left: readonly FaultKind[],
              drawn: readonly DrawnFault[],
            ): Arbitrary<readonly DrawnFault[]> => {
              const [kind, ...others] = left
              if (kind === undefined) return fc.constant(drawn)
              const around = { ...alone, faults: drawn }
              const instead = [
                ...fitting(chosen, around, false),
                ...(chosen.length > 1 ? [] : fitting(kinds, around, false)),
              ]
              return mostlyFit([kind], fitting([kind], around, false), instead)
                .chain((either) => one(either, around))
                .chain((fault) => more(others, [...drawn, fault]))
            }
            return more(last, faults)
          })
        })
    })
    .map((faults) => inOrder(faults).map((fault, index) => ({ id: `f${index + 1}`, ...fault })))
}

/** Those that will find something to strike. `hoped`: one that may find it beside a fault that is still to be drawn counts. */
function fitting(kinds: readonly FaultKind[], around: Surroundings, hoped: boolean): readonly FaultKind[] {
  return kinds.filter((kind) => {
    const { bitesDuring } = kind
    if (kind.occasions !== undefined && hoped) return true
    if (kind.occasions === undefined && bitesDuring === undefined) return true
    return momentsOf(kind, around).length > 0
  })
}

/** One of the best that there are; seldom any of the allowed. */
function mostlyFit(
  allowed: readonly FaultKind[],
  best: readonly FaultKind[],
  instead: readonly FaultKind[],
): Arbitrary<FaultKind> {
  const usual = best.length > 0 ? best : instead.length > 0 ? instead : allowed
  return fc
    .tuple(even(1, ANY_TIME_ONE_IN), fc.constantFrom(...usual), fc.constantFrom(...allowed))
    .map(([turn, likely, any]) => (turn === 1 ? any : likely))
}

/** When a fault begins: at any time, or usually just before a moment at which it finds something to strike. */
function momentArbitrary(
  kind: FaultKind,
  drawn: Pick<FaultStep, 'durationMicros' | 'parameters'>,
  around: Surroundings,
  { fromMicros, toMicros }: FaultOptions,
): Arbitrary<Micros> {
  const moments = momentsOf(kind, around, drawn)
  if (moments.length === 0) return even(fromMicros, toMicros)
  return fc
    .tuple(even(1, ANY_TIME_ONE_IN), even(fromMicros, toMicros), fc.constantFrom(...moments), even(0, LEAD_PERCENT))
    .map(([turn, anyTime, moment, percent]) =>
      turn === 1
        ? anyTime
        : Math.min(toMicros, Math.max(fromMicros, moment - Math.floor((drawn.durationMicros * percent) / 100))),
    )
}

function momentsOf(
  kind: FaultKind,
  around: Surroundings,
  drawn?: Pick<FaultStep, 'durationMicros' | 'parameters'>,
): readonly Micros[] {
  const steps = around.workload.filter((step) => kind.bitesDuring?.includes(step.kind) === true)
  return [...steps.map(({ atMicros }) => atMicros), ...(kind.occasions?.(around, drawn) ?? [])]
}

function kindOf(registry: Registry, id: string): FaultKind {
  const kind = registry.faults.get(id)
  if (kind === undefined) throw new Error(`there is no fault "${id}" to draw from`)
  return kind
}
