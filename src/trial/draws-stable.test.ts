/**
 * Unrelated draws stay put: when a fault or a workload step is taken out of a scenario, the messages that are still sent at
 * the same moment to the same process take as long as before. Shrinking depends on it.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Cluster } from '../cluster/index.ts'
import { SECOND, type Trace } from '../kernel/index.ts'
import type { Deployment } from '../objects/index.ts'
import { workloadArbitrary } from './arbitraries.ts'
import { executeScenario } from './execute.ts'
import { Registry } from './registry.ts'
import type { Scenario } from './scenario.ts'
import { fakeScenario } from './testing.ts'

const web = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:v1' }] } },
  },
} as unknown as Deployment

const VICTIMS = ['etcd-2', 'apiserver-1', 'scheduler-1', 'kubelet-2', 'kube-proxy-0']

const registry = new Registry().fault({
  id: 'crash',
  title: 'a process crashes and is started again',
  parameters: { target: 'a process' },
  arbitrary: () =>
    fc.record({
      durationMicros: fc.integer({ min: SECOND, max: 5 * SECOND }),
      parameters: fc.record({ target: fc.constantFrom(...VICTIMS) }),
    }),
  validate: () => undefined,
  inject(cluster, { parameters }) {
    const process = cluster.process(String(parameters.target))
    cluster.kernel.crash(process)
    return { heal: () => cluster.kernel.restart(process), evidence: () => [{ what: 'processes killed', count: 1 }] }
  },
  describe: ({ parameters }) => `${String(parameters.target)} crashes`,
})

const scenarios = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.integer({ min: 12 * SECOND, max: 30 * SECOND }),
        registry.faults
          .get('crash')!
          .arbitrary(fakeScenario().topology, [], { fromMicros: 0, workload: [], faults: [] }),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    workloadArbitrary(fakeScenario().topology, {
      objects: [web],
      fromMicros: 12 * SECOND,
      toMicros: 30 * SECOND,
      least: 1,
      most: 3,
    }),
    fc.noBias(fc.nat()),
  )
  .map(([faults, workload, seed]) =>
    fakeScenario({
      seed: String(seed),
      objects: [web],
      durationMicros: 40 * SECOND,
      settleMicros: 0,
      workload,
      faults: faults.map(([atMicros, rest], index) => ({ id: `f${index + 1}`, kind: 'crash', atMicros, ...rest })),
    }),
  )

/** Kinds of event, the lower three bits of a row's code: a datagram and a message of a connection arrive. */
const ARRIVALS = [1, 2]

/** Target, kind of message and moment of sending -> how long each took, in the order of sending. From a moment on. */
function latencies(trace: Trace, fromMicros: number): Map<string, number[]> {
  const sentAt = new Map([[0, 0]])
  const found = new Map<string, number[]>()
  for (const row of trace.rows()) {
    sentAt.set(row.step, row.time)
    const sent = sentAt.get(row.cause)
    if (!ARRIVALS.includes(row.code & 7) || sent === undefined || sent < fromMicros) continue
    const key = `${row.target}/${row.code}/${sent}`
    const list = found.get(key)
    if (list === undefined) found.set(key, [row.time - sent])
    else list.push(row.time - sent)
  }
  return found
}

function latenciesOf(scenario: Scenario, fromMicros: number): Map<string, number[]> {
  let found = new Map<string, number[]>()
  const result = executeScenario(scenario, registry, (options) => new Cluster(options), {
    keepTrace: true,
    inspect: (cluster) => {
      found = latencies(cluster.kernel.trace, fromMicros)
    },
  })
  if (result.error !== undefined) throw new Error(result.error.message)
  return found
}

/** A scenario without its last fault, or without its last step. */
function smaller(scenario: Scenario, what: 'faults' | 'workload'): Scenario {
  return { ...scenario, [what]: scenario[what].slice(0, -1) }
}

test.each([
  'faults',
  'workload',
] as const)('taking out one of the %s leaves the other draws as they were, 99 in 100 at least', (what) => {
  let all = 0
  let shared = 0
  let same = 0
  fc.assert(
    fc.property(scenarios, (scenario) => {
      // Before the moment of what is taken out nothing can differ; that would only flatter the share.
      const fromMicros = scenario[what].at(-1)!.atMicros
      const before = latenciesOf(scenario, fromMicros)
      const after = latenciesOf(smaller(scenario, what), fromMicros)
      for (const [key, times] of after) {
        all += times.length
        const others = before.get(key)
        if (others === undefined) continue
        for (let index = 0; index < Math.min(times.length, others.length); index++) {
          shared++
          if (times[index] === others[index]) same++
        }
      }
    }),
    { seed: 13, numRuns: 15 },
  )
  expect(shared).toBeGreaterThan(5_000)
  expect(same / shared).toBeGreaterThanOrEqual(0.99)
  // What nobody touched goes on at the very same moments; if one draw moved, soon every later message would.
  expect(shared / all).toBeGreaterThan(0.5)
})
