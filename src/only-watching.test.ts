/** Properties only watch: with all of them, with none and with temporal ones that have deadlines, a run is the same run. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { registerDefects, registerFaults } from '../chaos/index.ts'
import { registerSuites } from '../properties/index.ts'
import { SECOND } from './kernel/index.ts'
import { standardRegistry } from './standard-registry.ts'
import { Registry, runScenario, suiteArbitrary } from './trial/index.ts'
import { disturbed, forEach, happens, leadsTo, next, or, property, within } from './trial/temporal/index.ts'

const all = standardRegistry()
const none = new Registry()
registerFaults(none)
registerDefects(none)
registerSuites(none)
const temporal = new Registry()
registerFaults(temporal)
registerDefects(temporal)
registerSuites(temporal)
for (const seconds of [1, 2, 5, 30])
  temporal.property(
    property({
      id: `within-${seconds}`,
      claim: 'a deadline at every change of a pod',
      formula: [
        forEach('pods', (pod) =>
          leadsTo(
            pod.is('any', () => true),
            within(
              seconds * SECOND,
              or(
                next(pod.is('any', () => true)),
                pod.is('any', () => true),
              ),
            ),
          ),
        ),
        leadsTo(
          happens('container-started'),
          within(seconds * SECOND, or(happens('container-exited'), disturbed, happens('container-started'))),
        ),
      ],
    }),
  )

test.each([...all.suites.keys()])('%s', (suite) => {
  for (const drawn of fc.sample(suiteArbitrary(all, suite), { seed: 8, numRuns: 2 })) {
    const scenario = { ...drawn, properties: [] }
    const watched = runScenario(scenario, all)
    expect(watched.violation?.message ?? watched.error?.message).toBeUndefined()
    const bare = runScenario(scenario, none)
    expect([watched.traceHash, watched.steps]).toEqual([bare.traceHash, bare.steps])
    // A trial goes on for whoever waits for something in its quiet phase; up to there it is the same one.
    const active = { stopAtMicros: scenario.durationMicros }
    const timed = runScenario(scenario, temporal, active)
    expect(timed.violation?.message ?? timed.error?.message).toBeUndefined()
    expect(timed.traceHash).toBe(runScenario(scenario, none, active).traceHash)
  }
})
