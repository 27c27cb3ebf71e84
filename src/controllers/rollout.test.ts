// Properties over random rollouts with random staleness: the bounds hold at every change of the store, and all of it converges.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HOUR, MILLISECOND, SECOND } from '../kernel/index.ts'
import { isPodActive, isPodReady, type Resource } from '../objects/index.ts'
import type { ControllerDecisions } from './decisions.ts'
import { resolveFenceposts } from './deployment/fenceposts.ts'
import { ApiDouble } from './testing.ts'
import { deployment, managerFor, PodRunner, replicaSet, template } from './testingpods.ts'

const HELD: readonly Resource[] = ['pods', 'replicasets', 'deployments']

interface Plan {
  readonly replicas: number
  readonly maxSurge: number
  readonly maxUnavailable: number
  readonly readyMillis: number
  readonly stopMillis: number
  /** Every so often: which of the watches are held back until the next step, and for how long. */
  readonly steps: readonly { readonly hold: number; readonly millis: number }[]
  readonly rollouts: readonly number[]
}

const PLAN: fc.Arbitrary<Plan> = fc.record({
  replicas: fc.integer({ min: 1, max: 6 }),
  maxSurge: fc.integer({ min: 0, max: 3 }),
  maxUnavailable: fc.integer({ min: 0, max: 3 }),
  readyMillis: fc.integer({ min: 1, max: 400 }),
  stopMillis: fc.integer({ min: 1, max: 400 }),
  steps: fc.array(fc.record({ hold: fc.integer({ min: 0, max: 7 }), millis: fc.integer({ min: 1, max: 300 }) }), {
    maxLength: 25,
  }),
  rollouts: fc.oneof(
    fc.tuple(fc.integer({ min: 0, max: 5 })),
    fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 3 }),
  ),
})

/** Holds back the watches that the bits of `hold` name; lets the others go on. */
function holdBack(api: ApiDouble, hold: number): void {
  HELD.forEach((resource, bit) => {
    if ((hold >> bit) & 1) api.hold(resource)
    else api.release(resource)
  })
}

/** Runs the plan and answers what was broken on the way; throws when it does not converge. */
function run(plan: Plan, decisions: Partial<ControllerDecisions> = {}): string[] {
  const api = new ApiDouble()
  api.connect(managerFor({ decisions, nodeLifecycle: { graceMicros: HOUR } }))
  const runner = new PodRunner(api, ['node-0', 'node-1'])
  runner.readyMicros = plan.readyMillis * MILLISECOND
  runner.stopMicros = plan.stopMillis * MILLISECOND
  const { replicas, maxSurge, maxUnavailable } = plan
  const wanted = deployment('web', replicas, {
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
  })
  const bounds = resolveFenceposts(wanted)
  api.add('deployments', wanted)
  api.advance(10 * SECOND)
  expect(api.list('pods').filter(isPodReady)).toHaveLength(replicas)
  const broken: string[] = []
  const sizes = new Map<string, number>()
  let image = 1
  // The surge bound holds for the sizes of the sets. Pods follow: an old one may still be there when its successor comes.
  api.listeners.push((_event, resource) => {
    if (resource === 'pods') {
      const pods = api.list('pods').filter(isPodActive)
      const available = pods.filter(isPodReady).length
      if (available < replicas - bounds.maxUnavailable) broken.push(`${available} available`)
    }
    if (resource !== 'replicasets') return
    const sum = api.list('replicasets').reduce((total, set) => total + (set.spec.replicas ?? 0), 0)
    if (sum > replicas + bounds.maxSurge) broken.push(`sets of ${sum} pods`)
    for (const set of api.list('replicasets')) {
      const before = sizes.get(set.metadata.name) ?? 0
      const now = set.spec.replicas ?? 0
      sizes.set(set.metadata.name, now)
      // Before a second rollout only: a write of the pass before it may still be under way.
      const old = image === 2 && set.spec.template.spec.containers[0]?.image === 'v1'
      if (old && now > before) broken.push('an old set grew')
    }
  })
  for (const set of api.list('replicasets')) sizes.set(set.metadata.name, set.spec.replicas ?? 0)
  plan.steps.forEach(({ hold, millis }, index) => {
    if (plan.rollouts.includes(index)) {
      image++
      api.change('deployments', 'default/web', (before) => ({
        ...before,
        spec: { ...before.spec, template: template({ app: 'web' }, `v${image}`) },
      }))
    }
    holdBack(api, hold)
    api.advance(millis * MILLISECOND)
  })
  for (const resource of HELD) api.release(resource)
  api.advance(120 * SECOND)
  const images = api.list('pods').map((pod) => pod.spec.containers[0]?.image)
  expect(images).toEqual(new Array(replicas).fill(`v${image}`))
  expect(api.get('deployments', 'default/web')?.status).toMatchObject({
    updatedReplicas: replicas,
    availableReplicas: replicas,
    replicas,
  })
  return broken
}

test('a rolling update keeps its bounds at every change, however stale the caches, and converges', () => {
  fc.assert(
    fc.property(PLAN, (plan) => {
      // A template that changes again before the set of the last change is in the cache is not bounded upstream either.
      const broken = run(plan)
      if (new Set(plan.rollouts).size === 1) expect(broken).toEqual([])
    }),
    { seed: 3, numRuns: 300 },
  )
})

test('deployment-surge-recounts-on-stale-rs: the same plans break the bounds', () => {
  const buggy: Partial<ControllerDecisions> = {
    deploymentIsScalingEvent: (wanted, sets, bounds) => {
      const sum = sets.reduce((total, set) => total + (set.spec.replicas ?? 0), 0)
      return sets.length > 1 && sum !== (wanted.spec.replicas ?? 1) + bounds.maxSurge
    },
    deploymentResizeRequest: (resized) => ({
      verb: 'patch',
      resource: 'replicasets',
      namespace: resized.metadata.namespace,
      name: resized.metadata.name,
      patch: { metadata: { annotations: resized.metadata.annotations }, spec: { replicas: resized.spec.replicas } },
    }),
  }
  const breaks = (plan: Plan) => {
    try {
      return run(plan, buggy).length > 0
    } catch {
      return true
    }
  }
  expect(fc.sample(PLAN, { seed: 3, numRuns: 20 }).some(breaks)).toBe(true)
})

/** A ReplicaSet resized again and again while its caches lag: the most pods that were ever active, less the largest size wanted so far. */
function overshoot(plan: Plan, decisions: Partial<ControllerDecisions> = {}): number {
  const api = new ApiDouble()
  api.connect(managerFor({ decisions, nodeLifecycle: { graceMicros: HOUR } }))
  const runner = new PodRunner(api, ['node-0', 'node-1'])
  runner.readyMicros = plan.readyMillis * MILLISECOND
  runner.stopMicros = plan.stopMillis * MILLISECOND
  api.advance(SECOND)
  let most = 0
  let largest = plan.replicas
  api.listeners.push(() => {
    most = Math.max(most, api.list('pods').filter(isPodActive).length - largest)
  })
  api.add('replicasets', replicaSet('web', plan.replicas))
  plan.steps.forEach(({ hold, millis }, index) => {
    if (plan.rollouts.includes(index)) {
      const size = (plan.replicas + index) % 7
      largest = Math.max(largest, size)
      api.change('replicasets', 'default/web', (before) => ({ ...before, spec: { ...before.spec, replicas: size } }))
    } else {
      // An edit that changes nothing for the pods, but wakes the controller.
      api.change('replicasets', 'default/web', (before) => ({
        ...before,
        metadata: { ...before.metadata, annotations: { step: String(index) } },
      }))
    }
    holdBack(api, hold)
    api.advance(millis * MILLISECOND)
  })
  for (const resource of HELD) api.release(resource)
  api.advance(400 * SECOND)
  expect(api.list('pods').filter(isPodReady)).toHaveLength(api.get('replicasets', 'default/web')?.spec.replicas ?? -1)
  return most
}

test('a ReplicaSet never creates more pods than wanted, whatever its caches show; without expectations it does', () => {
  fc.assert(
    fc.property(PLAN, (plan) => {
      expect(overshoot(plan)).toBeLessThanOrEqual(0)
    }),
    { seed: 4, numRuns: 300 },
  )
  const plans = fc.sample(PLAN, { seed: 4, numRuns: 40 })
  expect(plans.filter((plan) => overshoot(plan, { replicaSetMayAct: () => true }) > 0).length).toBeGreaterThan(10)
})
