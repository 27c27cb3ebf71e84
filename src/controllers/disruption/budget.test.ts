// Tables for the arithmetic of disruption budgets.
import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../../kernel/index.ts'
import { type Pod, type PodDisruptionBudget, parseTime } from '../../objects/index.ts'
import { pod } from '../testingpods.ts'
import { computeBudgetStatus, sameBudgetStatus } from './budget.ts'

const WALL = parseTime('2025-01-01T00:10:00Z')

function budget(spec: PodDisruptionBudget['spec'], disruptedPods?: Record<string, string>): PodDisruptionBudget {
  const status = disruptedPods && {
    disruptionsAllowed: 0,
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    disruptedPods,
  }
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'default', generation: 3 },
    spec,
    status,
  }
}

function pods(ready: number, notReady = 0, going = 0): Pod[] {
  return Array.from({ length: ready + notReady + going }, (_entry, index): Pod => {
    const plain = pod(`p${index}`, {})
    const deletionTimestamp = index >= ready + notReady ? '2025-01-01T00:09:59Z' : undefined
    const status = index < ready || index >= ready + notReady ? 'True' : 'False'
    return {
      ...plain,
      metadata: { ...plain.metadata, deletionTimestamp },
      status: { conditions: [{ type: 'Ready', status }] },
    }
  })
}

test.each<[string, PodDisruptionBudget['spec'], Pod[], number | undefined, [number, number, number, number]]>([
  ['minAvailable as a number', { minAvailable: 2 }, pods(3), 9, [3, 2, 3, 1]],
  ['minAvailable as a share of the desired size', { minAvailable: '50%' }, pods(3), 5, [3, 3, 5, 0]],
  ['maxUnavailable', { maxUnavailable: 1 }, pods(3), 3, [3, 2, 3, 1]],
  ['maxUnavailable as a share rounds up', { maxUnavailable: '30%' }, pods(4), 4, [4, 2, 4, 2]],
  ['pods not ready count against it', { maxUnavailable: 1 }, pods(2, 1), 3, [2, 2, 3, 0]],
  ['pods on their way out are not healthy', { maxUnavailable: 1 }, pods(2, 0, 1), 3, [2, 2, 3, 0]],
  ['more than all may be unavailable', { maxUnavailable: 5 }, pods(3), 3, [3, 0, 3, 3]],
  ['no pods: nothing is allowed', { maxUnavailable: 1 }, [], 0, [0, 0, 0, 0]],
  ['an unknown controller: nothing is allowed', { maxUnavailable: 1 }, pods(3), undefined, [0, 0, 0, 0]],
])('%s', (_name, spec, list, scale, expected) => {
  const { status } = computeBudgetStatus(budget(spec), list, () => scale, WALL)
  expect([status.currentHealthy, status.desiredHealthy, status.expectedPods, status.disruptionsAllowed]).toEqual(
    expected,
  )
})

test('an evicted pod is not healthy until it goes or its time is up', () => {
  const evictedAt = { p0: '2025-01-01T00:09:50Z' }
  const first = computeBudgetStatus(budget({ minAvailable: 1 }, evictedAt), pods(3), () => 3, WALL)
  expect(first.status).toMatchObject({
    currentHealthy: 2,
    disruptionsAllowed: 1,
    disruptedPods: evictedAt,
    observedGeneration: 3,
  })
  expect(first.recheckMicros).toBe(110 * SECOND)
  const late = computeBudgetStatus(budget({ minAvailable: 1 }, evictedAt), pods(3), () => 3, WALL + 2 * MINUTE)
  expect(late.status).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 2, disruptedPods: {} })
  const gone = computeBudgetStatus(
    budget({ minAvailable: 1 }, { p2: '2025-01-01T00:09:50Z' }),
    pods(2, 0, 1),
    () => 3,
    WALL,
  )
  expect(gone.status).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1, disruptedPods: {} })
  expect(sameBudgetStatus(first.status, first.status)).toBe(true)
  expect(sameBudgetStatus(first.status, { ...first.status, disruptedPods: {} })).toBe(false)
})
