/**
 * What temporal properties cost: 40 of them against 40 monitors written by hand that claim the same, and a property whose
 * kinds never change. What they can see of trials of the small cluster is recorded and played to them again without the
 * cluster, which costs far more than they and would drown them. Processor time, medians.
 */
import fc from 'fast-check'
import { registerFaults } from '../chaos/index.ts'
import { registerSuites } from '../properties/index.ts'
import { Calm } from '../src/cluster/calm.ts'
import { type Cluster, Truth } from '../src/cluster/index.ts'
import { Kernel, SECOND } from '../src/kernel/index.ts'
import { isPodReady, isPodTerminal } from '../src/objects/index.ts'
import {
  type PropertyDefinition,
  Registry,
  runScenario,
  type Scenario,
  suiteArbitrary,
  type TimedFact,
} from '../src/trial/index.ts'
import type { Reporter } from '../src/trial/registry.ts'
import {
  always,
  type Claim,
  disturbed,
  type FactOf,
  forEach,
  forEachFact,
  implies,
  leadsTo,
  never,
  not,
  or,
  property,
  state,
  within,
} from '../src/trial/temporal/index.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'temporal'

const COPIES = 10
const TRIALS = 5
/** Times that a recording is played for one figure. */
const ROUNDS = 20
const WARM_UP_ROUNDS = 4
const REPETITIONS = 9
const PATIENCE_MICROS = 60 * SECOND

const podOf = ({ podUid }: FactOf<'container-started'>) => podUid

const FORMULAS: readonly Claim[] = [
  forEach('pods', (pod) => always(implies(pod.is('over', isPodTerminal), not(pod.is('ready', isPodReady))))),
  forEachFact('container-started', podOf, (pod) =>
    never(pod.has('container-started', podOf, ({ node }, first) => node !== first.node)),
  ),
  forEach('pods', (pod) =>
    never(
      pod.does(
        'moves',
        ({ spec: before }, { spec }) => before.nodeName !== undefined && before.nodeName !== spec.nodeName,
      ),
    ),
  ),
  forEach('pods', (pod) =>
    leadsTo(
      pod.is('leaving', ({ metadata }) => metadata.deletionTimestamp !== undefined),
      within(PATIENCE_MICROS, or(pod.gone, disturbed)),
    ),
  ),
]

type ByHand = (cluster: Cluster, report: Reporter) => void

/** The same four claims as somebody would write them without formulas. */
const MONITORS: readonly ByHand[] = [
  (cluster, report) =>
    cluster.truth.onChange('pods', ({ key, current }) => {
      if (current === undefined || !isPodTerminal(current)) return
      report.reached()
      if (isPodReady(current)) report.fail({ subject: key, shape: 'ready', message: 'over and ready' })
    }),
  (cluster, report) => {
    const nodes = new Map<string, string>()
    cluster.kernel.subscribe('container-started', (fact) => {
      const { podUid, node } = fact as FactOf<'container-started'>
      report.reached()
      const first = nodes.get(podUid)
      if (first === undefined) nodes.set(podUid, node)
      else if (first !== node) report.fail({ subject: podUid, shape: 'two', message: 'two nodes' })
    })
  },
  (cluster, report) =>
    cluster.truth.onChange('pods', ({ key, previous, current }) => {
      const node = previous?.spec.nodeName
      if (node === undefined || current === undefined) return
      report.reached()
      if (current.spec.nodeName !== node) report.fail({ subject: key, shape: 'moved', message: 'moved' })
    }),
  (cluster, report) => {
    const leaving = new Map<string, number>()
    cluster.calm.onDisturbed(() => leaving.clear())
    cluster.truth.onChange('pods', ({ key, previous, current }) => {
      const uid = (current ?? previous)?.metadata.uid ?? ''
      if (current === undefined) leaving.delete(uid)
      else if (current.metadata.deletionTimestamp !== undefined && !leaving.has(uid)) {
        report.reached()
        if (cluster.calm.disturbedSince(cluster.kernel.now)) return
        const at = cluster.kernel.now
        leaving.set(uid, at)
        const onAlarm = () => {
          if (leaving.get(uid) === at) report.fail({ subject: key, shape: 'late', message: 'still there' })
        }
        cluster.kernel.alarm(at + PATIENCE_MICROS, { onAlarm })
      }
    })
  },
]

function copies<T>(of: readonly T[], make: (one: T, id: string) => PropertyDefinition): PropertyDefinition[] {
  return of.flatMap((one, number) => Array.from({ length: COPIES }, (_, copy) => make(one, `claim-${number}-${copy}`)))
}

function registryOf(properties: readonly PropertyDefinition[]): Registry {
  const registry = new Registry()
  registerFaults(registry)
  registerSuites(registry)
  for (const each of properties) registry.property(each)
  return registry
}

/** Everything that the properties can see of the trials, to be played again without a cluster. */
const SEEN = ['etcd-applied', 'container-started']
const REPORTER: Reporter = {
  fail: ({ message }) => {
    throw new Error(message)
  },
  reached: () => {},
  seen: () => {},
}

/** Processor time of one round through all recordings with these properties at work, in microseconds. */
function replay(recordings: readonly (readonly TimedFact[])[], properties: readonly PropertyDefinition[]): number {
  const before = process.cpuUsage()
  for (let round = 0; round < ROUNDS; round++) {
    for (const recording of recordings) {
      const kernel = new Kernel({ seed: 1 })
      const cluster = { kernel, truth: new Truth(kernel), calm: new Calm(kernel) } as unknown as Cluster
      for (const each of properties) each.monitor(cluster, REPORTER)
      for (const { atMicros, fact } of recording) {
        if (atMicros > kernel.now) kernel.run({ until: atMicros })
        kernel.note(fact)
      }
    }
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / ROUNDS / recordings.length
}

export function run(): Row[] {
  const formulas = copies(FORMULAS, (formula, id) => property({ id, claim: id, formula }))
  const byHand = copies(MONITORS, (monitor, id) => ({
    id,
    mode: 'always',
    claim: id,
    source: 'a benchmark',
    trigger: 'any',
    catches: [],
    monitor: (cluster, report) => {
      monitor(cluster, report)
      return {}
    },
  }))
  const none = registryOf([])
  const scenarios = fc
    .sample(suiteArbitrary(none, 'small'), { numRuns: TRIALS, seed: 20 })
    .map((scenario) => ({ ...scenario, faults: [], properties: [] }))
  const recordings = scenarios.map((scenario) => runScenario(scenario, none, { factTypes: SEEN }).facts)

  let asked = 0
  const whatNobodyHas = state('idle', ['secrets'], () => ++asked > 0)
  const idle = registryOf([property({ id: 'idle', claim: 'idle', formula: always(whatNobodyHas) })])
  const { steps } = runScenario(scenarios[0] as Scenario, idle)
  // Once, when the trial begins.
  const idleCalls = asked - 1

  const trial: number[] = []
  const cost = { formulas: [] as number[], byHand: [] as number[] }
  for (let i = 0; i < WARM_UP_ROUNDS + REPETITIONS; i++) {
    const before = process.cpuUsage()
    for (const scenario of scenarios) runScenario(scenario, none)
    const { user, system } = process.cpuUsage(before)
    const bare = replay(recordings, [])
    const ofFormulas = replay(recordings, formulas) - bare
    const ofMonitors = replay(recordings, byHand) - bare
    if (i < WARM_UP_ROUNDS) continue
    trial.push((user + system) / TRIALS)
    cost.formulas.push(ofFormulas)
    cost.byHand.push(ofMonitors)
  }
  return [
    { figure: 'calls of an idle property in a trial', value: idleCalls, unit: 'calls', target: 0, atMost: true },
    { figure: 'events in that trial', value: steps, unit: 'events' },
    {
      figure: `${formulas.length} temporal properties, share of a trial of the small cluster`,
      value: (100 * median(cost.formulas)) / median(trial),
      unit: '%',
      target: 10,
      atMost: true,
    },
    {
      figure: 'a temporal property in a trial',
      value: median(cost.formulas) / formulas.length,
      unit: 'us',
      ratio: { to: 'the same written by hand', value: median(cost.formulas) / median(cost.byHand) },
    },
  ]
}

await main(import.meta.url, name, run)
