/**
 * Trials of the small cluster: 3 etcd members, 2 API servers, 2 controller managers, 2 schedulers, 3 nodes, up to ten pods, traffic,
 * people at work and 4 faults, as the suite `small` draws them. How many a second with every property on, at 60 and at
 * 300 virtual seconds before the quiet phase; what checking costs, and collecting footprints; how fast events with real handlers go; and what of a trial is
 * the cluster itself, with nothing in it: its first seconds, and the rest of its minute.
 * All are of processor time, garbage collector and compiler included: on a machine that others use too, the wall tells of them.
 */
import fc from 'fast-check'
import { registerDefects, registerFaults } from '../chaos/index.ts'
import { SECOND } from '../src/kernel/index.ts'
import { standardRegistry } from '../src/standard-registry.ts'
import { type Registry, runScenario, type Scenario, type TrialOptions } from '../src/trial/index.ts'
import { Registry as EmptyRegistry } from '../src/trial/registry.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'cluster'

const REPETITIONS = 5
const TRIALS = 15
/** V8 goes on making the cluster's code faster for some hundreds of trials; a campaign is far longer. */
const WARM_UP_ROUNDS = 20
const FAULTS = 4
/** All that a cluster does before anybody uses it is done by then. */
const BOOT = 5 * SECOND

/** The first scenarios of the suite, from a fixed seed, that have as many faults as wanted. */
function scenariosOf(registry: Registry, horizonMicros: number): readonly Scenario[] {
  const suite = registry.suites.get('small')
  if (suite === undefined) throw new Error('there is no suite "small"')
  const drawn = fc.sample(suite.arbitrary({ horizonMicros }), { numRuns: 400, seed: 20 })
  const chosen = drawn.filter(({ faults }) => faults.length === FAULTS).slice(0, TRIALS)
  if (chosen.length < TRIALS)
    throw new Error(`only ${chosen.length} of ${drawn.length} scenarios have ${FAULTS} faults`)
  return chosen.map((scenario) => ({ ...scenario, properties: [] }))
}

interface Measured {
  readonly seconds: number
  readonly steps: number
}

/** The same clusters with nothing to do. */
function idle(scenarios: readonly Scenario[], durationMicros: number): readonly Scenario[] {
  return scenarios.map((scenario) => ({
    ...scenario,
    objects: [],
    workload: [],
    traffic: [],
    faults: [],
    durationMicros,
  }))
}

/** Runs every scenario once. A trial that breaks off early would be counted as a fast one, so it is an error. */
function measure(scenarios: readonly Scenario[], registry: Registry, options: TrialOptions = {}): Measured {
  let steps = 0
  const before = process.cpuUsage()
  for (const scenario of scenarios) {
    const result = runScenario(scenario, registry, options)
    if (result.virtualMicros < scenario.durationMicros)
      throw new Error(
        `${result.scenarioId} ended early: ${result.verdict} ${result.signature ?? result.error?.message}`,
      )
    steps += result.steps
  }
  const { user, system } = process.cpuUsage(before)
  return { seconds: (user + system) / 1e6, steps }
}

/** Each scenario with its footprint and without, in turn, so that whatever else slows the machine slows both. */
function costOfFootprints(scenarios: readonly Scenario[], registry: Registry): number {
  let without = 0
  let collected = 0
  for (const [index, scenario] of scenarios.entries()) {
    const alone = () => {
      without += measure([scenario], registry).seconds
    }
    if (index % 2 === 0) alone()
    collected += measure([scenario], registry, { footprint: true }).seconds
    if (index % 2 === 1) alone()
  }
  return collected / without
}

export function run(): Row[] {
  const all = standardRegistry()
  const none = new EmptyRegistry()
  registerFaults(none)
  registerDefects(none)
  const short = scenariosOf(all, 60 * SECOND)
  const long = scenariosOf(all, 300 * SECOND)
  const booting = idle(short, BOOT)
  const idling = idle(short, 60 * SECOND)

  for (let i = 0; i < WARM_UP_ROUNDS; i++) {
    measure(short, all)
    measure(short, none)
    measure(short, all, { footprint: true })
  }
  const checked: Measured[] = []
  const unchecked: Measured[] = []
  const far: Measured[] = []
  const collecting: number[] = []
  const boots: Measured[] = []
  const idles: Measured[] = []
  for (let i = 0; i < REPETITIONS; i++) {
    checked.push(measure(short, all))
    unchecked.push(measure(short, none))
    boots.push(measure(booting, none))
    idles.push(measure(idling, none))
    far.push(measure(long, all))
    collecting.push(costOfFootprints(short, all))
  }
  const rate = (measured: readonly Measured[]) => median(measured.map(({ seconds }) => TRIALS / seconds))
  const millis = (measured: readonly Measured[]) => median(measured.map(({ seconds }) => (1e3 * seconds) / TRIALS))
  const overhead = checked.map(({ seconds }, i) => seconds / (unchecked[i] as Measured).seconds)
  const steps = (checked[0] as Measured).steps / TRIALS
  return [
    { figure: 'trials of 60 virtual seconds, every property on', value: rate(checked), unit: 'trials/s', target: 120 },
    { figure: 'trials of 300 virtual seconds, every property on', value: rate(far), unit: 'trials/s', target: 40 },
    { figure: 'trials of 60 virtual seconds, no property', value: rate(unchecked), unit: 'trials/s' },
    { figure: 'all properties against none', value: median(overhead), unit: 'times', target: 1.3, atMost: true },
    {
      figure: 'footprints collected against not',
      value: median(collecting),
      unit: 'times',
      target: 1.05,
      atMost: true,
    },
    {
      figure: 'events with real handlers, no property',
      value: median(unchecked.map((each) => each.steps / each.seconds)),
      unit: 'events/s',
      target: 1_000_000,
    },
    { figure: 'events in a trial of 60 virtual seconds', value: steps, unit: 'events' },
    { figure: 'the first 5 s of a cluster with nothing in it, no property', value: millis(boots), unit: 'ms' },
    { figure: 'its first 60 s', value: millis(idles), unit: 'ms' },
    { figure: 'a trial of 60 virtual seconds, no property', value: millis(unchecked), unit: 'ms' },
    { figure: 'a trial of 60 virtual seconds, every property on', value: millis(checked), unit: 'ms' },
  ]
}

await main(import.meta.url, name, run)
