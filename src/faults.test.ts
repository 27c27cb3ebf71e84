/**
 * Every kind of fault is seen to bite, by the evidence in its ledger, and to heal: the cluster converges after it. One small
 * scenario for each kind, with parameters at which it must strike.
 */
import { expect, test } from 'vitest'
import { FAULTS } from '../chaos/index.ts'
import { service, web } from '../properties/workloads.ts'
import { SMALL_TOPOLOGY } from './cluster/index.ts'
import { standardRegistry } from './standard-registry.ts'
import { type FaultStep, runScenario, SCENARIO_FORMAT, SCENARIO_VERSION, type Scenario } from './trial/index.ts'

const SECOND = 1_000_000
const registry = standardRegistry()

type Strike = Pick<FaultStep, 'parameters'> & { readonly seconds?: number; readonly atSeconds?: number }

/** What each kind is given here. Those without a duration strike once. */
const STRIKES: Readonly<Record<string, Strike>> = {
  partition: { seconds: 6, parameters: { side: ['node-1'], direction: 'both' } },
  'lost-contact': { seconds: 15, parameters: { nodes: ['node-1'] } },
  'slow-link': { seconds: 6, parameters: { side: ['master-0'], extraMicros: 300_000 } },
  'loss-burst': { seconds: 6, parameters: { side: ['master-0'], lossPpm: 300_000 } },
  'duplicate-messages': { seconds: 6, parameters: { side: ['etcd-0'], duplicatePpm: 500_000 } },
  'reorder-messages': { seconds: 6, parameters: { side: ['etcd-0'], reorderPpm: 500_000 } },
  'thin-link': { seconds: 6, parameters: { side: ['node-1'], bytesPerSecond: 5_000 } },
  'crash-process': { seconds: 4, parameters: { process: 'kubelet-1', unsynced: 'lose-unsynced' } },
  'crash-node': { seconds: 8, parameters: { host: 'node-1' } },
  'replaced-node': { seconds: 5, parameters: { node: 'node-1', milliCpu: 2_000 } },
  // The first election is at about one second.
  'crash-at-vote': { atSeconds: 0, seconds: 5, parameters: { process: 'etcd-0', downMicros: 200_000 } },
  'short-reigns': { seconds: 6, parameters: { reignMicros: 20_000, cutMicros: 3 * SECOND, direction: 'both' } },
  'crash-loop': { seconds: 5, parameters: { process: 'etcd-0', upMicros: SECOND, downMicros: 200_000 } },
  'cut-off-members': { seconds: 6, parameters: { side: ['etcd-1'] } },
  'crash-after-member-change': { seconds: 20, parameters: { nth: 1, downMicros: 2 * SECOND } },
  'crash-after-write': {
    seconds: 15,
    parameters: { component: 'kube-controller-manager', resource: 'pods', nth: 1, downMicros: SECOND },
  },
  'deaf-after-write': {
    seconds: 15,
    parameters: { component: 'kube-controller-manager', resource: 'pods', nth: 1, deafMicros: 5 * SECOND },
  },
  'blind-after-write': {
    seconds: 15,
    parameters: { component: 'kube-controller-manager', resource: 'pods', nth: 1, blindMicros: 5 * SECOND },
  },
  'struck-at-phase': {
    seconds: 15,
    parameters: {
      process: 'controller-manager-0',
      deed: 'kill',
      forMicros: SECOND,
      by: 'apiserver-0',
      fact: 'api-request',
      where: { resource: 'pods', verb: 'create' },
      nth: 1,
    },
  },
  'pause-process': { seconds: 5, parameters: { process: 'scheduler-0' } },
  'clock-skew': { seconds: 10, parameters: { host: 'node-1', skewMicros: 20 * SECOND, driftPpm: 0 } },
  'disk-trouble': { seconds: 8, parameters: { process: 'etcd-0', trouble: 'slow', factor: 50 } },
  'bit-rot': { seconds: 5, parameters: { process: 'etcd-0', damage: 'flipped-bit', placePpm: 500_000, bit: 3 } },
  'lagging-cache': { seconds: 8, parameters: { server: 'apiserver-0' } },
  'closed-watches': { parameters: { server: 'apiserver-0' } },
  'broken-cache': { parameters: { server: 'apiserver-0' } },
  'broken-cache-after-write': { seconds: 10, parameters: { server: 'apiserver-0', resource: 'leases', nth: 2 } },
  compaction: { parameters: { server: 'apiserver-0' } },
  'lost-replies': { seconds: 8, parameters: { process: 'kubelet-1' } },
  'slow-consumer': { seconds: 8, parameters: { process: 'kube-proxy-1', lagMicros: SECOND } },
  'stalled-watch': { seconds: 8, parameters: { process: 'scheduler-0', resource: 'pods' } },
  'starved-process': { seconds: 10, parameters: { process: 'kube-proxy-1', lagMicros: 4 * SECOND } },
  'container-crash': { parameters: { node: 'node-1', index: 0, exitCode: 1 } },
  'container-prune': { parameters: { node: 'node-1' } },
  'probe-flap': { seconds: 12, parameters: { node: 'node-1', index: 0, probe: 'readiness' } },
  'slow-prestop': { seconds: 20, parameters: { node: 'node-1', extraMicros: 3 * SECOND } },
  'image-pull-failure': { seconds: 10, parameters: { node: 'node-1' } },
  'failed-restore': { seconds: 10, parameters: { node: 'node-1', count: 1 } },
}

/** Faults that need another one to have left something behind. */
const BEFORE: Readonly<Record<string, FaultStep>> = {
  'container-prune': {
    id: 'before',
    kind: 'container-crash',
    atMicros: 15 * SECOND,
    durationMicros: 0,
    parameters: { node: 'node-1', index: 0, exitCode: 1 },
  },
}

/** Steps that a fault needs to strike at all. */
const STEPS: Readonly<Record<string, Scenario['workload']>> = {
  'crash-after-member-change': [{ id: 'w2', atMicros: 18 * SECOND, kind: 'etcd-member-remove', member: 'etcd-2' }],
}

function scenario(kind: string, strike: Strike): Scenario {
  const before = BEFORE[kind]
  const fault: FaultStep = {
    id: 'struck',
    kind,
    atMicros: (strike.atSeconds ?? 16) * SECOND,
    durationMicros: (strike.seconds ?? 0) * SECOND,
    parameters: strike.parameters,
  }
  return {
    format: SCENARIO_FORMAT,
    version: SCENARIO_VERSION,
    name: kind,
    seed: '11',
    topology: SMALL_TOPOLOGY,
    apps: {},
    objects: [web({ replicas: 5, preStopSeconds: 2 }), service('web')],
    // New pods on every node, of an image that no node has yet.
    workload: [
      {
        id: 'w1',
        atMicros: 17 * SECOND,
        kind: 'set-image',
        namespace: 'default',
        deployment: 'web',
        image: 'registry.example/web:v2',
      },
      ...(STEPS[kind] ?? []),
    ],
    traffic: [],
    faults: before === undefined ? [fault] : [before, fault],
    durationMicros: 45 * SECOND,
    settleMicros: 150 * SECOND,
    properties: [],
    defects: [],
  }
}

test('every kind of fault is tried here', () => {
  expect(Object.keys(STRIKES).sort()).toEqual(FAULTS.map(({ id }) => id).sort())
})

test.each(Object.entries(STRIKES))('%s bites and heals', (kind, strike) => {
  const result = runScenario(scenario(kind, strike), registry)
  const entry = result.ledger.find(({ fault }) => fault === 'struck')
  expect(entry?.bit, JSON.stringify(entry)).toBe(true)
  expect(entry?.evidence.some(({ count }) => count > 0)).toBe(true)
  expect(result.verdict, JSON.stringify(result.violation ?? result.error)).toBe('passed')
  expect(result.reached).toContain('eventually-stable-reconciliation')
})

test.each(FAULTS)('$id says what it does and refuses what it cannot do', (kind) => {
  const strike = STRIKES[kind.id] as Strike
  const step: FaultStep = { id: 'f', kind: kind.id, atMicros: 0, durationMicros: SECOND, parameters: strike.parameters }
  expect(kind.validate(step, SMALL_TOPOLOGY)).toBeUndefined()
  expect(kind.describe(step)).not.toMatch(/undefined|NaN/)
  expect(Object.keys(kind.parameters).sort()).toEqual(Object.keys(strike.parameters).sort())
  const wrong = Object.fromEntries(Object.keys(strike.parameters).map((name) => [name, 'no such thing']))
  expect(kind.validate({ ...step, parameters: wrong }, SMALL_TOPOLOGY)).toMatch(/parameter/)
})
