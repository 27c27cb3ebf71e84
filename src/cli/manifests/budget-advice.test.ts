/** Which budgets are said to block every drain. */
import { expect, test } from 'vitest'
import { budgetAdvice } from './budget-advice.ts'
import { judgeManifests } from './judge.ts'
import { loadManifests } from './load.ts'

function adviceFor(replicas: number, budget: string, app = 'web'): string[] {
  const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${app}}}
  template: {metadata: {labels: {app: ${app}}}, spec: {containers: [{name: web, image: web}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: keep}
spec: {${budget}, selector: {matchLabels: {app: web}}}
`
  return budgetAdvice(judgeManifests(loadManifests('web.yaml', text).manifests).objects)
}

test.each([
  [3, 'minAvailable: 3', 'minAvailable 3 of 3 pods'],
  [3, 'minAvailable: 5', 'minAvailable 5 of 3 pods'],
  [3, 'minAvailable: 75%', 'minAvailable 75% of 3 pods'],
  [4, 'minAvailable: 100%', 'minAvailable 100% of 4 pods'],
  [4, 'maxUnavailable: 0', 'maxUnavailable 0 of 4 pods'],
  [1, 'minAvailable: 1', 'minAvailable 1 of 1 pod'],
] as const)('%d replicas with %s: no pod may ever go', (replicas, budget, words) => {
  const [first, second] = adviceFor(replicas, budget)
  expect(first).toBe(
    `ADVICE: PodDisruptionBudget keep (${words}) never lets one go: no node with such a pod can be drained.`,
  )
  expect(second).toContain(replicas === 1 ? 'A second replica' : 'maxUnavailable: 1')
})

test.each([
  [4, 'minAvailable: 75%'],
  [3, 'minAvailable: 2'],
  [3, 'maxUnavailable: 1%'],
] as const)('%d replicas with %s: one may go, and nothing is said', (replicas, budget) => {
  expect(adviceFor(replicas, budget)).toEqual([])
})

test('a budget that selects no pod blocks nothing', () => {
  expect(adviceFor(3, 'minAvailable: 3', 'api')).toEqual([])
})
