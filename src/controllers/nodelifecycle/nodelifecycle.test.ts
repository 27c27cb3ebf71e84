// Tables for the cores of node lifecycle and taint eviction: silence, zones, rates, taints, patience.
import { expect, test } from 'vitest'
import { SECOND } from '../../kernel/index.ts'
import type { Condition, Lease, Node, Taint, Toleration } from '../../objects/index.ts'
import { lease, node, pod } from '../testingpods.ts'
import { computeUnknownConditions, isSilent, observeHealth } from './health.ts'
import { computeTaints, hasNoExecute, type NoExecuteDecision } from './taints.ts'
import { computePatience, computePlan } from './tolerations.ts'
import {
  computeDisruptionChange,
  computeEvictionRate,
  computeZoneState,
  EvictionLimiter,
  type ZoneState,
} from './zones.ts'

const ready = (status: Condition['status']): Condition => ({ type: 'Ready', status })
const RATES = {
  nodesPerThousandSeconds: 100,
  secondaryNodesPerThousandSeconds: 10,
  largeClusterThreshold: 50,
  unhealthyThresholdPercent: 55,
}

test.each<[string, number, number, ZoneState]>([
  ['all ready', 3, 0, 'Normal'],
  ['none ready', 0, 3, 'FullDisruption'],
  ['the only node', 0, 1, 'FullDisruption'],
  ['two of three: too few to speak of a zone', 1, 2, 'Normal'],
  ['three of five', 2, 3, 'PartialDisruption'],
  ['54 of 100', 46, 54, 'Normal'],
  ['55 of 100', 45, 55, 'PartialDisruption'],
])('zone with %s', (_name, readyNodes, notReadyNodes, state) => {
  const conditions = [...Array(readyNodes).fill(ready('True')), ...Array(notReadyNodes).fill(ready('Unknown'))]
  expect(computeZoneState(conditions, 55)).toBe(state)
})

test.each<[ZoneState, number, number]>([
  ['Normal', 3, 100],
  ['FullDisruption', 3, 100],
  ['PartialDisruption', 50, 0],
  ['PartialDisruption', 51, 10],
])('rate in a zone of state %s with %i nodes', (state, size, rate) => {
  expect(computeEvictionRate(state, size, RATES)).toBe(rate)
})

const states = (...entries: [string, ZoneState][]) => new Map<string, ZoneState>(entries)

test.each<[string, Map<string, ZoneState>, Map<string, ZoneState>, string]>([
  ['first sight, all down', states(), states(['a', 'FullDisruption']), 'everything-down'],
  [
    'the last zone goes down',
    states(['a', 'Normal'], ['b', 'FullDisruption']),
    states(['a', 'FullDisruption'], ['b', 'FullDisruption']),
    'everything-down',
  ],
  ['still down', states(['a', 'FullDisruption']), states(['a', 'FullDisruption']), 'none'],
  ['one answers again', states(['a', 'FullDisruption']), states(['a', 'PartialDisruption']), 'contact-returned'],
  [
    'one zone of two goes down',
    states(['a', 'Normal'], ['b', 'Normal']),
    states(['a', 'Normal'], ['b', 'FullDisruption']),
    'zones-changed',
  ],
  ['nothing new', states(['a', 'Normal']), states(['a', 'Normal']), 'none'],
  ['no nodes', states(), states(), 'none'],
])('cluster: %s', (_name, before, after, kind) => {
  expect(computeDisruptionChange(before, after).kind).toBe(kind)
})

test('permits come one at a time, and a change of rate gives none away', () => {
  const limiter = new EvictionLimiter(100)
  expect([limiter.tryTake(0), limiter.tryTake(9 * SECOND), limiter.tryTake(10 * SECOND)]).toEqual([true, false, true])
  limiter.setRate(0, 11 * SECOND)
  expect([limiter.tryTake(1_000 * SECOND), limiter.nextPermitMicros()]).toEqual([false, undefined])
  limiter.setRate(10, 1_000 * SECOND)
  expect([limiter.tryTake(1_000 * SECOND), limiter.nextPermitMicros()]).toEqual([false, 1_100 * SECOND])
})

test('silence is measured from when a heartbeat was noticed, by status or by lease', () => {
  const quiet = node('a')
  const renewal = (time: string) => lease('a', time) as Lease
  let health = observeHealth(undefined, quiet, undefined, 0)
  expect(isSilent(health, quiet, 50 * SECOND, 60 * SECOND, 50 * SECOND)).toBe(false)
  expect(isSilent(health, quiet, 50 * SECOND, 60 * SECOND, 50 * SECOND + 1)).toBe(true)
  health = observeHealth(health, quiet, renewal('2025-01-01T00:00:10.000000Z'), 20 * SECOND)
  expect(health.probeMicros).toBe(20 * SECOND)
  expect(observeHealth(health, quiet, renewal('2025-01-01T00:00:10.000000Z'), 30 * SECOND)).toBe(health)
  const beat = { ...quiet, status: { conditions: [{ ...ready('True'), lastHeartbeatTime: '2025-01-01T00:00:40Z' }] } }
  expect(observeHealth(health, beat, undefined, 40 * SECOND).probeMicros).toBe(40 * SECOND)
  const fresh: Node = { ...quiet, status: {} }
  expect(isSilent(observeHealth(undefined, fresh, undefined, 0), fresh, 50 * SECOND, 60 * SECOND, 55 * SECOND)).toBe(
    false,
  )
})

test('a silent node: every condition of the kubelet becomes Unknown, once', () => {
  const conditions = computeUnknownConditions(node('a'), 0)
  expect(conditions.map((condition) => [condition.type, condition.status, condition.reason])).toEqual([
    ['Ready', 'Unknown', 'NodeStatusUnknown'],
    ['MemoryPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
  ])
  const marked = { ...node('a'), status: { conditions } }
  expect(computeUnknownConditions(marked, 9)).toBe(conditions)
})

const NS = (key: string): Taint => ({ key: `node.kubernetes.io/${key}`, effect: 'NoSchedule' })
const NX = (key: string): Taint => ({ key: `node.kubernetes.io/${key}`, effect: 'NoExecute' })
const OTHER: Taint = { key: 'dedicated', value: 'db', effect: 'NoExecute' }

test.each<[string, Condition['status'], Taint[], NoExecuteDecision, Taint[]]>([
  ['ready', 'True', [], 'leave', []],
  ['silent, no permit yet', 'Unknown', [], 'leave', [NS('unreachable')]],
  ['silent, with a permit', 'Unknown', [NS('unreachable')], 'taint', [NS('unreachable'), NX('unreachable')]],
  ['back', 'True', [NS('unreachable'), OTHER, NX('unreachable')], 'leave', [OTHER]],
  [
    'not ready instead of silent: switched without a permit',
    'False',
    [NS('unreachable'), NX('unreachable')],
    'leave',
    [NS('not-ready'), NX('not-ready')],
  ],
  ['everything is down', 'Unknown', [NS('unreachable'), NX('unreachable')], 'untaint', [NS('unreachable')]],
])('taints: %s', (_name, status, taints, decision, expected) => {
  const before: Node = { ...node('a', status), spec: { taints } }
  const after = computeTaints(before, decision, '2025-01-01T00:00:00Z')
  expect(after.map(({ timeAdded: _at, ...taint }) => taint)).toEqual(expected)
  const settled = { ...before, spec: { taints: after } }
  expect(computeTaints(settled, decision === 'taint' ? 'leave' : decision, 'later')).toBe(after)
  expect(hasNoExecute(settled)).toBe(
    expected.some((taint) => taint.effect === 'NoExecute' && taint.key !== 'dedicated'),
  )
})

test('pressure and cordon', () => {
  const conditions: Condition[] = [ready('True'), { type: 'MemoryPressure', status: 'True' }]
  const before: Node = { ...node('a'), spec: { unschedulable: true }, status: { conditions } }
  expect(computeTaints(before, 'leave', 't').map((taint) => taint.key)).toEqual([
    'node.kubernetes.io/memory-pressure',
    'node.kubernetes.io/unschedulable',
  ])
})

const UNREACHABLE = NX('unreachable')
const tolerated = (seconds?: number): Toleration => ({
  key: UNREACHABLE.key,
  operator: 'Exists',
  tolerationSeconds: seconds,
})

test.each<[string, Toleration[], Taint[], unknown]>([
  ['no toleration', [], [UNREACHABLE], 'now'],
  ['for 300 s', [tolerated(300)], [UNREACHABLE], 300 * SECOND],
  ['for ever', [tolerated()], [UNREACHABLE], 'forever'],
  [
    'the shorter of two',
    [tolerated(300), { operator: 'Exists', tolerationSeconds: 5 }],
    [UNREACHABLE, OTHER],
    5 * SECOND,
  ],
  ['one of two taints not tolerated', [tolerated()], [UNREACHABLE, OTHER], 'now'],
  ['a negative time is none', [tolerated(-1)], [UNREACHABLE], 0],
  ['equal value', [{ key: 'dedicated', value: 'db' }], [OTHER], 'forever'],
  ['another value', [{ key: 'dedicated', value: 'web' }], [OTHER], 'now'],
  ['another effect', [{ operator: 'Exists', effect: 'NoSchedule' }], [OTHER], 'now'],
])('patience: %s', (_name, tolerations, taints, expected) => {
  const plain = pod('a', {})
  expect(computePatience({ ...plain, spec: { ...plain.spec, tolerations } }, taints)).toBe(expected)
})

test('an eviction that is planned keeps its time', () => {
  const plan = computePlan(undefined, 300 * SECOND, 10)
  expect(plan).toEqual({ since: 10, at: 300 * SECOND + 10 })
  expect(computePlan(plan, 300 * SECOND, 99)).toBe(plan)
  expect(computePlan(plan, 'forever', 99)).toBeUndefined()
  expect(computePlan(plan, 'now', 99)).toEqual({ since: 99, at: 99 })
})
