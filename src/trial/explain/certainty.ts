/**
 * From which moment on a failure was certain. At points along the run the trial is branched: up to the point it is the same
 * run, from there on another seed decides and the latencies have their chance, while faults and workload go on as planned.
 * The share of branches that still fail is the chance of failure as seen from that point; where it reaches all of them is
 * found by halving. Branches are runs from the beginning: a draw is a function of seed, stream and time, so the first part
 * is the same every time.
 */
import { MILLISECOND, type Micros } from '../../kernel/index.ts'
import type { Scenario } from '../scenario.ts'
import { failsAs } from '../signature.ts'
import type { RunTrial } from './recording.ts'

export interface CertaintyPoint {
  readonly atMicros: Micros
  readonly failing: number
  readonly branches: number
}

export interface Certainty {
  /** In order of time, from the beginning to the violation. */
  readonly points: readonly CertaintyPoint[]
  /** All branches from here on fail, and a little earlier some do not. Undefined: even branches from the last point pass. */
  readonly certainFromMicros: Micros | undefined
  /** How far the true moment may lie before that. */
  readonly withinMicros: Micros
  readonly executions: number
}

export interface CertaintyOptions {
  /** Branches from each point. Default: 10. */
  readonly branches?: number
  /** Points of the chart. Default: 8. */
  readonly points?: number
}

/** Narrower than this is not looked for. */
const PRECISION_MICROS: Micros = MILLISECOND / 10

/**
 * @param violatedAtMicros - when the run as it is fails
 * @param moments - when its faults and steps happen: just before them is worth a point
 */
export function findCertainty(
  scenario: Scenario,
  signature: string,
  violatedAtMicros: Micros,
  moments: readonly Micros[],
  run: RunTrial,
  options: CertaintyOptions = {},
): Certainty {
  const branches = options.branches ?? 10
  let executions = 0
  const failsFrom = (atMicros: Micros, branch: number): boolean => {
    executions++
    const seed = `${scenario.seed}/branch/${branch}`
    return failsAs(run(scenario, { branch: { atMicros, seed } }), signature)
  }
  const measure = (atMicros: Micros): CertaintyPoint => {
    let failing = 0
    for (let branch = 0; branch < branches; branch++) if (failsFrom(atMicros, branch)) failing++
    return { atMicros, failing, branches }
  }
  const points = momentsOf(violatedAtMicros, moments, options.points ?? 8).map(measure)
  const lastUnsure = points.findLastIndex(({ failing }) => failing < branches)
  const firstSure = points[lastUnsure + 1]
  if (firstSure === undefined) return { points, certainFromMicros: undefined, withinMicros: 0, executions }
  if (lastUnsure < 0) return { points, certainFromMicros: 0, withinMicros: 0, executions }
  let unsure = points[lastUnsure]!.atMicros
  let sure = firstSure.atMicros
  while (sure - unsure > PRECISION_MICROS) {
    const middle = Math.floor((unsure + sure) / 2)
    let all = true
    for (let branch = 0; branch < branches && all; branch++) all = failsFrom(middle, branch)
    if (all) sure = middle
    else unsure = middle
  }
  return { points, certainFromMicros: sure, withinMicros: sure - unsure, executions }
}

/** Zero, just before each moment of the scenario, and evenly from the first of them to just before the end. */
function momentsOf(end: Micros, moments: readonly Micros[], count: number): Micros[] {
  const last = Math.max(0, end - 1)
  const first = Math.min(last, ...moments)
  const chosen = new Set<Micros>([0, last])
  for (const moment of moments) if (moment > 0 && moment < last) chosen.add(moment - 1)
  for (let index = 1; index < count; index++) chosen.add(first + Math.floor(((last - first) * index) / count))
  return [...chosen].sort((a, b) => a - b)
}
