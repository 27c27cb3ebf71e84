/** Verdicts, phases and the ledger, on a cluster that is only a kernel. */
import { expect, test } from 'vitest'
import { invariant, SECOND } from '../kernel/index.ts'
import { executeScenario } from './execute.ts'
import type { PropertyDefinition } from './registry.ts'
import { fakeClusters, fakeProperty, fakeRegistry, fakeScenario, jolt, type Tick } from './testing.ts'

const reaching = fakeProperty('reaching', (cluster, report) => {
  cluster.kernel.subscribe('tick', () => report.reached())
  return {}
})
const failingAt = (number: number) =>
  fakeProperty('failing', (cluster, report) => {
    cluster.kernel.subscribe('tick', (fact) => {
      if ((fact as Tick).number === number)
        report.fail({ subject: 'node-2', message: `tick ${number}`, shape: 'ticked' })
    })
    return {}
  })
const throwing = (when: 'monitor' | 'fact' | 'quiet' | 'end', error = () => new Error('oh')) =>
  fakeProperty('throwing', (cluster) => {
    const raise = () => {
      throw error()
    }
    if (when === 'monitor') raise()
    if (when === 'fact') cluster.kernel.subscribe('tick', raise)
    return { ...(when === 'quiet' ? { onQuiet: raise } : {}), ...(when === 'end' ? { onEnd: raise } : {}) }
  })

function run(
  properties: readonly PropertyDefinition[],
  parts: Parameters<typeof fakeScenario>[0] = {},
  bites = true,
  maximumSteps?: number,
) {
  const log: string[] = []
  const { create, made } = fakeClusters()
  const registry = fakeRegistry(properties, log, bites)
  const result = executeScenario(
    fakeScenario(parts),
    registry,
    create,
    maximumSteps === undefined ? {} : { maximumSteps },
  )
  return { result, log, made }
}

test('passed: reached, nothing wrong', () => {
  const { result } = run([reaching], { faults: [jolt('f1', 3 * SECOND)] })
  expect(result).toMatchObject({ verdict: 'passed', reached: ['reaching'], virtualMicros: 21 * SECOND })
  expect(result.ledger).toEqual([
    {
      fault: 'f1',
      kind: 'jolt',
      atMicros: 3 * SECOND,
      injected: true,
      evidence: [{ what: 'jolts', count: 1 }],
      bit: true,
    },
  ])
})

test('vacuous: no property was reached, or no fault bit', () => {
  expect(run([fakeProperty('idle', () => ({}))]).result.verdict).toBe('vacuous')
  expect(run([reaching], { faults: [jolt('f1', SECOND)] }, false).result.verdict).toBe('vacuous')
})

test('failed: the first violation ends the trial at its moment', () => {
  const { result } = run(
    [failingAt(4), failingAt(4)].map((property, index) => ({ ...property, id: `failing-${index}` })),
  )
  expect(result).toMatchObject({ verdict: 'failed', virtualMicros: 4 * SECOND, signature: 'failing-0/ticked/node' })
  expect(result.violation).toMatchObject({ property: 'failing-0', subject: 'node-2', atMicros: 4 * SECOND })
})

test('failed in the quiet phase and at the end', () => {
  const late = (moment: 'onQuiet' | 'onEnd') =>
    fakeProperty('late', (_cluster, report) => ({
      [moment]: () => report.fail({ subject: 'x', message: 'm', shape: 's' }),
    }))
  expect(run([late('onQuiet')]).result).toMatchObject({ verdict: 'failed', virtualMicros: 20 * SECOND })
  expect(run([late('onEnd')]).result).toMatchObject({ verdict: 'failed', virtualMicros: 21 * SECOND })
})

test.each(['monitor', 'fact', 'quiet', 'end'] as const)('error: a property that throws in %s is named', (when) => {
  const { result } = run([reaching, throwing(when)])
  expect(result.verdict).toBe('error')
  expect(result.error).toMatchObject({ property: 'throwing', message: 'property throwing threw: oh' })
  expect(result.signature).toBe('throwing/threw/error')
})

test('error: a property that asks the real clock, or changes what it was given, is named too', () => {
  const clock = fakeProperty('clock', (cluster) => {
    cluster.kernel.subscribe('tick', () => void Date.now())
    return {}
  })
  expect(run([clock]).result.error).toMatchObject({
    property: 'clock',
    message: expect.stringContaining('inside a trial'),
  })
  const frozen = Object.freeze({ a: 1 })
  const meddling = fakeProperty('meddling', () => {
    ;(frozen as { a: number }).a = 2
    return {}
  })
  expect(run([meddling]).result.error).toMatchObject({
    property: 'meddling',
    message: expect.stringContaining('read only'),
  })
})

test('a broken invariant of a machine is a failure with a signature; of a property, an error', () => {
  const machine = fakeProperty('innocent', (cluster) => {
    cluster.kernel.schedule(5 * SECOND, { onTimer: () => invariant(false, 'machine: it holds') }, 1)
    return {}
  })
  expect(run([machine]).result).toMatchObject({ verdict: 'failed', signature: 'invariant/machine: it holds/machine' })
  expect(run([throwing('fact', () => new Error('x'))]).result.verdict).toBe('error')
})

test('exhausted: a loop is named', () => {
  const loop = fakeProperty('loop', (cluster) => {
    const target = { onTimer: () => void cluster.kernel.schedule(1, target, 9) }
    cluster.kernel.schedule(1, target, 9)
    return {}
  })
  const { result } = run([loop], {}, true, 5_000)
  expect(result.verdict).toBe('exhausted')
  expect(result.error?.message).toMatch(/after 5000 events .*"timer 9" of kernel/)
})

test('faults are injected and healed at their moments, and all are healed when the quiet phase begins', () => {
  const { log, made } = run([reaching], {
    faults: [jolt('f1', 3 * SECOND, 2 * SECOND), jolt('f2', 5 * SECOND, 60 * SECOND), jolt('f3', 19 * SECOND, 0)],
  })
  expect(log).toEqual([
    '3000000 inject f1',
    '5000000 heal f1',
    '5000000 inject f2',
    '19000000 inject f3',
    '19000000 heal f3',
    '20000000 heal f2',
  ])
  expect(made[0]!.log).toEqual(['boot', 'stop load'])
})

test('a cluster that does not come to rest is watched to the end of the quiet phase', () => {
  const restless = fakeProperty('restless', (cluster, report) => {
    ;(cluster as unknown as { quiet: boolean }).quiet = false
    report.reached()
    return {}
  })
  expect(run([restless]).result.virtualMicros).toBe(30 * SECOND)
})

test('stopping at a moment changes nothing up to there', () => {
  const { create } = fakeClusters()
  const registry = fakeRegistry([reaching])
  const seen: number[] = []
  const result = executeScenario(fakeScenario(), registry, create, {
    stopAtMicros: 4_500_000,
    inspect: (cluster) => seen.push(cluster.kernel.now),
  })
  expect(seen).toEqual([4_500_000])
  expect(result.steps).toBe(4)
})

test('two runs are equal, hashes included; naming the properties does not change them', () => {
  const scenario = fakeScenario({ faults: [jolt('f1', SECOND)] })
  const once = () => executeScenario(scenario, fakeRegistry([reaching]), fakeClusters().create)
  const labelled = executeScenario(scenario, fakeRegistry([reaching]), fakeClusters().create, { onActivity: () => {} })
  expect(once()).toEqual(once())
  expect(labelled).toEqual(once())
})
