/** What becomes of a member of etcd whose disk changed under it, and of the others: told as scenarios, with every property on. */
import { expect, test } from 'vitest'
import { SMALL_TOPOLOGY, type WorkloadStep } from './cluster/index.ts'
import type { EtcdRefused, EtcdStarted } from './etcd/index.ts'
import { standardRegistry } from './standard-registry.ts'
import { type FaultStep, runScenario, SCENARIO_FORMAT, SCENARIO_VERSION, type Scenario } from './trial/index.ts'

const SECOND = 1_000_000
const registry = standardRegistry()

type Told = EtcdRefused | EtcdStarted

function run(parameters: FaultStep['parameters'], more: Partial<Scenario> = {}) {
  const scenario: Scenario = {
    format: SCENARIO_FORMAT,
    version: SCENARIO_VERSION,
    name: 'bit-rot',
    seed: '7',
    topology: {
      ...SMALL_TOPOLOGY,
      apiServers: 1,
      controllerManagers: 1,
      schedulers: 1,
      nodes: 1,
      spareEtcdMembers: 1,
      ...more.topology,
    },
    apps: {},
    objects: [],
    workload: more.workload ?? [],
    traffic: [],
    etcdClients: [
      {
        id: 'c1',
        startMicros: 4 * SECOND,
        keys: 4,
        everyMicros: 60_000,
        timeoutMicros: 3 * SECOND,
        valueBytes: 100,
        watches: 1,
        operations: { get: 1, put: 3 },
      },
    ],
    faults: [
      { id: 'f1', kind: 'bit-rot', atMicros: 10 * SECOND, durationMicros: SECOND, parameters },
      ...(more.faults ?? []),
    ],
    durationMicros: 30 * SECOND,
    settleMicros: 120 * SECOND,
    properties: [],
    defects: [],
  }
  const result = runScenario(scenario, registry, { factTypes: ['etcd-member-refused', 'etcd-member-started'] })
  const told = (result.facts ?? [])
    .filter(({ atMicros }) => atMicros > 10 * SECOND)
    .map(({ fact }) => fact as Told)
    .filter(({ member }) => member === 'etcd-1')
    .map((fact) => (fact.type === 'etcd-member-refused' ? fact.reason : 'started'))
  return { result, told }
}

const flipped = { process: 'etcd-1', damage: 'flipped-bit', placePpm: 450_000, bit: 3 }

test('a member with a flipped bit in its log stays down, the others carry on', () => {
  const { result, told } = run(flipped)
  expect(told).toEqual(['corrupt-log'])
  expect(result.violation ?? result.error).toBeUndefined()
  expect(result.verdict).toBe('passed')
  expect(result.ledger[0]?.evidence).toEqual([
    { what: 'places changed on the disk', count: 1 },
    { what: 'processes killed', count: 1 },
  ])
})

test('removed, and another added in its place, the cluster bears the loss of one more', () => {
  const steps: WorkloadStep[] = [
    { id: 'w1', atMicros: 14 * SECOND, kind: 'etcd-member-remove', member: 'etcd-1' },
    { id: 'w2', atMicros: 16 * SECOND, kind: 'etcd-member-add', member: 'etcd-3', learner: true },
    { id: 'w3', atMicros: 18 * SECOND, kind: 'etcd-member-promote', member: 'etcd-3' },
  ]
  const lost: FaultStep = {
    id: 'f2',
    kind: 'crash-process',
    atMicros: 22 * SECOND,
    durationMicros: 8 * SECOND,
    parameters: { process: 'etcd-2', unsynced: 'lose-unsynced' },
  }
  const { result, told } = run(flipped, { workload: steps, faults: [lost] })
  expect(told).toEqual(['corrupt-log'])
  expect(result.verdict).toBe('passed')
  expect(result.reached).toContain('etcd-promoted-learner-has-caught-up')
  expect(result.reached).toContain('etcd-writes-commit')
})

test('of several snapshots a broken one is passed over, or the log before them is not needed any more: the member starts', () => {
  const starts: string[][] = []
  for (const placePpm of [50_000, 700_000, 999_000]) {
    const topology = { ...SMALL_TOPOLOGY, apiServers: 1, nodes: 1, spareEtcdMembers: 1, etcdSnapshotEntries: 60 }
    const { result, told } = run({ ...flipped, placePpm }, { topology })
    expect(result.violation ?? result.error).toBeUndefined()
    starts.push(told)
  }
  expect(starts).toContainEqual(['started'])
  expect(starts).toContainEqual(['corrupt-log'])
})

test('a lost end passes for a torn one: the member starts with less than it promised, or finds that its store is ahead', () => {
  const { told } = run({ ...flipped, damage: 'lost-end' })
  expect(told).toHaveLength(1)
  expect(['started', 'missing-entries', 'lost-entries']).toContain(told[0])
})

test('so many are spoiled that a majority is left, and no more', () => {
  const second: FaultStep = {
    id: 'f2',
    kind: 'bit-rot',
    atMicros: 15 * SECOND,
    durationMicros: SECOND,
    parameters: { ...flipped, process: 'etcd-2' },
  }
  const { result } = run(flipped, { faults: [second] })
  expect(result.verdict).toBe('passed')
  expect(result.ledger[1]?.evidence[0]).toEqual({ what: 'places changed on the disk', count: 0 })
})
