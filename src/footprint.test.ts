/** The footprint of a whole trial: it changes nothing, it is the same every time, and names and times are not in it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { completeTopology } from './cluster/index.ts'
import { SECOND } from './kernel/index.ts'
import { standardRegistry } from './standard-registry.ts'
import { runScenario, type Scenario, suiteArbitrary } from './trial/index.ts'

const registry = standardRegistry()

function drawn(suite: string, numRuns: number, seed: number) {
  return fc.sample(suiteArbitrary(registry, suite), { numRuns, seed })
}

test.each([...registry.suites.keys()])('%s: a trial with its footprint is the trial without', (suite) => {
  for (const scenario of drawn(suite, 2, 5)) {
    const { footprint, ...result } = runScenario(scenario, registry, { footprint: true })
    expect(result).toEqual(runScenario(scenario, registry))
    expect(footprint?.features.length).toBeGreaterThan(50)
  }
})

test('the same scenario leaves the same footprint, rising and without a feature twice', () => {
  for (const scenario of drawn('small', 5, 9)) {
    const features = runScenario(scenario, registry, { footprint: true }).footprint?.features ?? new Uint32Array()
    expect(runScenario(scenario, registry, { footprint: true }).footprint?.features).toEqual(features)
    for (let i = 1; i < features.length; i++) expect(features[i]).toBeGreaterThan(features[i - 1] as number)
    expect(features[0]).toBeGreaterThan(0)
  }
})

test('forty trials of one suite run out of news: no name and no time is a feature', () => {
  const known = new Set<number>()
  const news: number[] = []
  for (const scenario of drawn('small', 40, 3)) {
    const { features } = runScenario(scenario, registry, { footprint: true }).footprint ?? { features: [] }
    const before = known.size
    for (const feature of features) known.add(feature)
    news.push(known.size - before)
  }
  const sum = (numbers: readonly number[]) => numbers.reduce((left, right) => left + right, 0)
  // Were a name or a time among the features, each trial would bring about as many new ones as the first.
  expect(sum(news.slice(30))).toBeLessThan((news[0] as number) * 2)
})

const { faults: _, ...calm } = drawn('small', 1, 1)[0] as Scenario
const moment = (seconds: number) => Math.round(seconds * SECOND)

/** What the faults struck, in a small cluster with nothing else going on. */
function strikesOf(faults: readonly (readonly [string, number, number, Readonly<Record<string, unknown>>])[]) {
  const scenario: Scenario = {
    ...calm,
    objects: [],
    workload: [],
    traffic: [],
    topology: completeTopology(),
    durationMicros: moment(120),
    faults: faults.map(([kind, at, lasts, parameters], index) => ({
      id: `f${index + 1}`,
      kind,
      atMicros: moment(at),
      durationMicros: moment(lasts),
      parameters,
    })),
  }
  const { footprint, ledger } = runScenario(scenario, registry, { footprint: true })
  const strikes = footprint?.strikes ?? []
  for (const { fault, bit } of strikes) expect(bit).toBe(ledger.find((entry) => entry.fault === fault)?.bit)
  return strikes.map(({ fault, component, phase, bit }) => `${fault} ${component}, ${phase}${bit ? '' : ', not felt'}`)
}

const crash = (process: string) => ({ process, unsynced: 'lose-unsynced' })

test('of the members of etcd one leads when it is struck; one that is down already is said to be, and feels nothing', () => {
  const parts = ['etcd-0', 'etcd-1', 'etcd-2'].map((name) =>
    strikesOf([['crash-process', 40, 10, crash(name)]]).join('; '),
  )
  expect(parts.toSorted()).toEqual(['f1 etcd follower, steady', 'f1 etcd follower, steady', 'f1 etcd leader, steady'])
  expect(
    strikesOf([
      ['crash-process', 40, 10, crash('etcd-0')],
      ['crash-process', 45, 10, crash('etcd-0')],
    ])[1],
  ).toBe('f2 etcd down, steady, not felt')
})

test('the phases of a cluster: before it has booted, without a leader of etcd, with a node away', () => {
  expect(strikesOf([['pause-process', 0.01, 1, { process: 'kubelet-0' }]])).toEqual(['f1 kubelet, boot'])
  expect(
    strikesOf([
      ['crash-process', 30, 20, crash('etcd-0')],
      ['crash-process', 30, 20, crash('etcd-1')],
      ['pause-process', 45, 1, { process: 'kube-proxy-1' }],
    ])[2],
  ).toBe('f3 kube-proxy, no leader')
  const away = strikesOf([
    ['crash-node', 10, 100, { host: 'node-1' }],
    ['clock-skew', 90, 1, { host: 'node-2', skewMicros: SECOND, driftPpm: 0 }],
  ])
  expect(away).toEqual(['f1 node, steady', 'f2 node, node away'])
})

test('a fault that lies in wait counts where it bites, and one that names nobody struck whom it killed', () => {
  const scenario = drawn('small', 60, 4).find(({ faults }) => faults.some(({ kind }) => kind === 'crash-after-write'))
  const { footprint } = runScenario(scenario as Scenario, registry, { footprint: true })
  const struck = (footprint?.strikes ?? []).filter(({ kind, bit }) => kind === 'crash-after-write' && bit)
  expect(struck.length).toBeGreaterThan(0)
  for (const { component } of struck) expect(component).not.toBe('cluster')
})
