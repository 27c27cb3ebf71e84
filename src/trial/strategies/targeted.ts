/**
 * Targeted injection: one run of a scenario shows which phases its processes go through, by the facts that they publish; then
 * runs of the same scenario strike a process in one of them. Phases are drawn by pattern, so that a rare one has the same
 * chance as the renewal of a lease. Who is struck is the process itself, or one of those whose messages led to the event: the
 * client that waits for the answer. What happens before that moment stays as it was, so the moment comes.
 */
import { componentNames } from '../../cluster/topology.ts'
import { type Kernel, type Micros, SECOND } from '../../kernel/index.ts'
import { inOrder } from '../arbitraries.ts'
import { mistakesOf } from '../check-scenario.ts'
import type { FaultStep, Scenario } from '../scenario.ts'
import { Dice } from './dice.ts'
import type { Course, Lane, LearningStrategy } from './strategy.ts'

/** The fault that strikes; a registry without it gets plain random search. */
const FAULT = 'struck-at-phase'
/** Trials that strike, for each that shows the phases. */
const STRIKES = 3
/** Members of a fact that tell phases apart: texts of few values. */
const TELLING = ['verb', 'resource', 'subresource', 'role', 'reason', 'phase', 'kind', 'outcome', 'result'] as const
/** How far back the processes are looked for whose messages led to an event. */
const CAUSES = 6
/** The fault waits for its moment from the whole second before it on. */
const WAIT_MICROS: Micros = 30 * SECOND

/** Something that a process did, by what it published. */
export interface Phase {
  readonly fact: string
  readonly where: Readonly<Record<string, string>>
  readonly by: string
  /** Each time it came: when, and which processes led to it, the nearest first. */
  readonly times: readonly { readonly atMicros: Micros; readonly askers: readonly string[] }[]
}

/** The phases of a run whose whole trace was kept, in the order in which they first came. */
export function phasesOf(kernel: Kernel): Phase[] {
  const phases = new Map<string, { phase: Phase; times: { atMicros: Micros; askers: readonly string[] }[] }>()
  for (const { fact, process, step, time } of kernel.trace.facts) {
    if (process === 0) continue
    const where: Record<string, string> = {}
    for (const name of TELLING) {
      const value = (fact as unknown as Readonly<Record<string, unknown>>)[name]
      if (typeof value === 'string') where[name] = value
    }
    const by = kernel.nameOf(process)
    const key = `${by} ${fact.type} ${Object.values(where).join(' ')}`
    let known = phases.get(key)
    if (known === undefined) {
      const times: { atMicros: Micros; askers: readonly string[] }[] = []
      known = { phase: { fact: fact.type, where, by, times }, times }
      phases.set(key, known)
    }
    known.times.push({ atMicros: time, askers: askersOf(kernel, step, process) })
  }
  return [...phases.values()].map(({ phase }) => phase)
}

function askersOf(kernel: Kernel, step: number, self: number): string[] {
  const names = kernel.trace
    .causesOf(step, CAUSES)
    .filter(({ target }) => target !== 0 && target !== self)
    .map(({ target }) => kernel.nameOf(target))
  return [...new Set(names)]
}

/** What a phase is called, whichever of several equal processes it is of. */
function roleOf({ by, fact, where }: Phase): string {
  return `${by.replace(/-\d+$/, '')} ${fact} ${Object.values(where).join(' ')}`
}

/** The scenario with a process struck in one of the phases; undefined when none of them can be struck. */
export function aimed(scenario: Scenario, phases: readonly Phase[], dice: Dice): Scenario | undefined {
  const targets = componentNames(scenario.topology)
  const items = [...scenario.faults, ...scenario.workload].map(({ atMicros }) => atMicros)
  const from = Math.max(0, Math.min(...items, scenario.durationMicros) - SECOND)
  const isWithin = (atMicros: Micros) => atMicros >= from && atMicros < scenario.durationMicros
  const inReach = phases.flatMap((phase) => {
    const places = phase.times.flatMap(({ atMicros, askers }, index) =>
      isWithin(atMicros)
        ? [{ index, atMicros, victims: [phase.by, ...askers].filter((one) => targets.includes(one)) }]
        : [],
    )
    const open = places.filter(({ victims }) => victims.length > 0)
    return open.length === 0 ? [] : [{ phase, role: roleOf(phase), places: open }]
  })
  if (inReach.length === 0) return undefined
  const role = dice.pick([...new Set(inReach.map((one) => one.role))])
  const { phase, places } = dice.pick(inReach.filter((one) => one.role === role))
  const { index, atMicros, victims } = dice.pick(places)
  // The process itself, or any of those that wait for it: as likely.
  const waiting = victims.filter((name) => name !== phase.by)
  const process =
    waiting.length === 0 || (victims.length > waiting.length && dice.chance(1, 2)) ? phase.by : dice.pick(waiting)
  const start = Math.max(0, Math.floor(atMicros / SECOND) * SECOND - SECOND)
  const before = phase.times.slice(0, index).filter((time) => time.atMicros >= start).length
  const forMicros = dice.pick([0, SECOND / 2, 2 * SECOND, 5 * SECOND, 15 * SECOND])
  const strike: Omit<FaultStep, 'id'> = {
    kind: FAULT,
    atMicros: start,
    durationMicros: forMicros + WAIT_MICROS,
    parameters: {
      process,
      deed: dice.pick(['kill', 'kill', 'kill', 'pause', 'cut-off']),
      forMicros,
      by: phase.by,
      fact: phase.fact,
      ...(Object.keys(phase.where).length === 0 ? {} : { where: phase.where }),
      nth: before + 1,
    },
  }
  const kept = scenario.faults.filter((fault) => fault.atMicros <= atMicros || dice.chance(1, 2))
  const faults = inOrder<Omit<FaultStep, 'id'>>([...kept, strike]).map((fault, place) => ({
    ...fault,
    id: `f${place + 1}`,
  }))
  return { ...scenario, faults }
}

function* course(lane: Lane): Course {
  const dice = new Dice(lane.seed, `targeted/${lane.suite}/${lane.number}`)
  for (;;) {
    const scenario = lane.fresh()
    let phases: readonly Phase[] = []
    yield {
      scenario,
      options: {
        keepTrace: true,
        inspect: ({ kernel }) => {
          phases = phasesOf(kernel)
        },
      },
    }
    if (!lane.registry.faults.has(FAULT)) continue
    for (let strike = 0; strike < STRIKES; strike++) {
      const next = aimed(scenario, phases, dice)
      if (next === undefined || mistakesOf(next, lane.registry).length > 0) break
      yield { scenario: next }
    }
  }
}

export const targeted: LearningStrategy = {
  kind: 'learning',
  id: 'targeted',
  // Four runs that show phases, with what strikes into each of them: nothing is learned beyond that.
  laneTrials: 4 * (1 + STRIKES),
  title: 'learns the phases of a run, then strikes a process in one of them',
  source: 'Sun et al., "Automatic Reliability Testing for Cluster Management Controllers", 2022',
  course,
}
