// Each decision that a historical bug replaces: the same story ends well with the right one and badly with the bug.
import { expect, test } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../kernel/index.ts'
import { isPodReady, type KubeObject } from '../objects/index.ts'
import type { ControllerDecisions } from './decisions.ts'
import { ApiDouble, failure } from './testing.ts'
import { deployment, managerFor, node, PodRunner, pod, replicaSet, service } from './testingpods.ts'

const NO_SILENCE = { graceMicros: HOUR }

/** The outcome with the right decisions, and with the bug. */
function outcomes<T>(
  story: (decisions: Partial<ControllerDecisions>) => T,
  bug: Partial<ControllerDecisions>,
): { right: T; buggy: T } {
  return { right: story({}), buggy: story(bug) }
}

test('rs-no-expectations: a second look before the first pods are seen makes more of them', () => {
  const story = (decisions: Partial<ControllerDecisions>) => {
    const api = new ApiDouble()
    api.connect(managerFor({ decisions }))
    api.advance(SECOND)
    api.hold('pods')
    api.add('replicasets', replicaSet('web', 3))
    api.advance(SECOND)
    return api.list('pods').length
  }
  const { right, buggy } = outcomes(story, { replicaSetMayAct: () => true })
  expect(right).toBe(3)
  expect(buggy).toBeGreaterThan(3)
})

test('controller-ignores-tombstone: a delete learned by a relist never wakes the owner', () => {
  const story = (decisions: Partial<ControllerDecisions>) => {
    const api = new ApiDouble()
    const peer = api.connect(managerFor({ decisions }))
    api.advance(SECOND)
    api.add('replicasets', replicaSet('web', 3))
    api.advance(SECOND)
    api.hold('pods')
    api.drop('pods', `default/${api.list('pods')[0]?.metadata.name}`)
    api.lose('pods')
    api.disconnect(peer)
    api.advance(MINUTE)
    return api.list('pods').length
  }
  const bug: Partial<ControllerDecisions> = {
    deletedObject: (deleted) => ('tombstone' in deleted ? undefined : deleted),
  }
  expect(outcomes(story, bug)).toEqual({ right: 3, buggy: 2 })
})

test('endpointslice-duplicates-on-stale-cache: one pod in two slices', () => {
  const story = (decisions: Partial<ControllerDecisions>) => {
    const api = new ApiDouble()
    const peer = api.connect(managerFor({ decisions, nodeLifecycle: NO_SILENCE }))
    new PodRunner(api, ['node-0'])
    api.add('services', service('web', 'web'))
    api.advance(SECOND)
    // The placeholder is there; let it go, so that the next sync creates.
    for (const slice of api.list('endpointslices')) api.drop('endpointslices', `default/${slice.metadata.name}`)
    api.hold('endpointslices')
    api.add('pods', {
      ...pod('a', { app: 'web' }),
      metadata: { name: 'a', namespace: 'default', labels: { app: 'web' } },
    })
    api.advance(SECOND)
    api.add('pods', {
      ...pod('b', { app: 'web' }),
      metadata: { name: 'b', namespace: 'default', labels: { app: 'web' } },
    })
    api.advance(2 * SECOND)
    const stale = peer.notes.filter((note) => note.type === 'endpointslice-cache-stale').length
    const slices = api.list('endpointslices').length
    api.release('endpointslices')
    api.advance(MINUTE)
    const addresses = api
      .list('endpointslices')
      .flatMap((slice) => slice.endpoints.map((endpoint) => endpoint.addresses[0]))
    return { slices, stale: stale > 0, addresses: addresses.length }
  }
  const { right, buggy } = outcomes(story, { endpointSliceMustWait: () => false })
  expect(right).toEqual({ slices: 1, stale: true, addresses: 2 })
  expect(buggy.slices).toBeGreaterThan(1)
})

test('nodelifecycle-mass-eviction: every node silent, every pod evicted', () => {
  const story = (decisions: Partial<ControllerDecisions>) => {
    const api = new ApiDouble()
    const peer = api.connect(managerFor({ decisions }))
    new PodRunner(api, ['node-0', 'node-1', 'node-2'])
    api.add('replicasets', replicaSet('web', 3))
    api.advance(4 * MINUTE)
    return peer.notes.filter((note) => note.type === 'pod-evicted-by-taint').length
  }
  const { right, buggy } = outcomes(story, { zoneState: () => 'Normal' })
  expect(right).toBe(0)
  expect(buggy).toBeGreaterThanOrEqual(3)
})

test('nodelifecycle-notready-lost-on-restart: pods of a dead node stay ready', () => {
  const story = (decisions: Partial<ControllerDecisions>) => {
    const api = new ApiDouble()
    const first = api.connect(managerFor({ decisions }))
    new PodRunner(api, ['node-0'])
    api.add('nodes', node('node-1'))
    api.add('replicasets', replicaSet('web', 2))
    api.advance(10 * SECOND)
    // The leader dies between the write of the node and those of its pods.
    api.intercept = (request) =>
      request.resource === 'pods' && request.verb === 'update' ? failure(500, 'InternalError', '') : undefined
    while (api.get('nodes', 'node-0')?.status?.conditions?.[0]?.status !== 'Unknown') api.advance(SECOND)
    first.crash()
    api.intercept = () => undefined
    const second = api.connect(managerFor({ decisions, name: 'second', nodeLifecycle: { nodesPerThousandSeconds: 0 } }))
    api.peers.splice(0, 1)
    second.advance(0)
    api.advance(30 * SECOND)
    return api.list('pods').filter(isPodReady).length
  }
  expect(outcomes(story, { marksPodsNotReady: (transition) => transition })).toEqual({ right: 0, buggy: 2 })
})

test('gc-virtual-owner-wrong-namespace: a child of a live cluster-scoped owner is deleted', () => {
  const story = (decisions: Partial<ControllerDecisions>) => {
    const api = new ApiDouble()
    api.connect(managerFor({ decisions, nodeLifecycle: NO_SILENCE }))
    api.advance(SECOND)
    api.hold('nodes')
    const owner = api.add('nodes', node('node-9'))
    const reference = { apiVersion: 'v1', kind: 'Node', name: 'node-9', uid: owner.metadata.uid as string }
    const child = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'child', namespace: 'default', ownerReferences: [reference] },
    }
    api.add('configmaps', child)
    api.advance(5 * SECOND)
    api.release('nodes')
    api.advance(5 * SECOND)
    return api.list('configmaps').length
  }
  const bug: Partial<ControllerDecisions> = {
    gcOwnerCoordinates: ({ apiVersion, kind, name }, namespace) => ({ apiVersion, kind, namespace, name }),
    gcAbsenceKey: (uid) => uid,
    gcAbsenceConcerns: () => true,
  }
  expect(outcomes(story, bug)).toEqual({ right: 1, buggy: 0 })
})

test('pdb-recompute-overwrites-eviction: the allowance that an eviction took is given out again', () => {
  const story = (decisions: Partial<ControllerDecisions>) => {
    const api = new ApiDouble()
    api.connect(managerFor({ decisions, nodeLifecycle: NO_SILENCE }))
    const runner = new PodRunner(api, ['node-0'])
    runner.becomesReady = (entry) => entry.metadata.name !== 'late'
    const selector = { matchLabels: { app: 'web' } }
    const metadata = { name: 'b', namespace: 'default' }
    api.add('poddisruptionbudgets', {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata,
      spec: { selector, minAvailable: 2 },
    } as KubeObject)
    for (const name of ['one', 'two', 'three', 'late'])
      api.add('pods', { ...pod(name, {}), metadata: { name, namespace: 'default', labels: { app: 'web' } } })
    api.advance(5 * SECOND)
    const status = () => api.get('poddisruptionbudgets', 'default/b')?.status
    expect(status()).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 1 })
    // An eviction takes the allowance just before the controller's next write arrives; its effect is not visible yet.
    api.hold('poddisruptionbudgets')
    let evicted = false
    api.intercept = (request) => {
      if (evicted || request.resource !== 'poddisruptionbudgets' || request.verb !== 'update') return undefined
      evicted = true
      const disruptedPods = { one: '2025-01-01T00:00:05Z' }
      api.change('poddisruptionbudgets', 'default/b', (before) => ({
        ...before,
        status: { ...before.status, disruptionsAllowed: 0, disruptedPods },
      }))
      return undefined
    }
    api.change('pods', 'default/late', (before) => ({
      ...before,
      status: { ...before.status, conditions: [{ type: 'Ready', status: 'True' }] },
    }))
    api.advance(SECOND)
    const granted = status()?.disruptionsAllowed
    const remembered = Object.keys(status()?.disruptedPods ?? {})
    api.release('poddisruptionbudgets')
    api.advance(10 * SECOND)
    return { granted, remembered, atLast: status()?.disruptionsAllowed }
  }
  const { right, buggy } = outcomes(story, { budgetAfterConflict: (computed) => computed })
  expect(right).toEqual({ granted: 0, remembered: ['one'], atLast: 1 })
  expect(buggy).toMatchObject({ granted: 2, remembered: [] })
})

test('namespace-stuck-on-discovery-failure: one resource that cannot be listed keeps all the others', () => {
  const story = (decisions: Partial<ControllerDecisions>) => {
    const api = new ApiDouble()
    api.connect(managerFor({ decisions }))
    api.advance(SECOND)
    api.add('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'team' },
      spec: { finalizers: ['kubernetes'] },
    })
    api.add('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'team' } })
    api.intercept = (request) =>
      request.resource === 'deployments' && request.verb === 'list'
        ? failure(503, 'ServiceUnavailable', 'away')
        : undefined
    api.remove('namespaces', 'team')
    api.advance(MINUTE)
    return { namespaces: api.list('namespaces').length, secrets: api.list('secrets').length }
  }
  expect(outcomes(story, { namespaceStopsAtFailure: () => true })).toEqual({
    right: { namespaces: 1, secrets: 0 },
    buggy: { namespaces: 1, secrets: 1 },
  })
})

test('a rollout whose bounds are computed wrongly is seen in the sizes (the arithmetic is a seam too)', () => {
  const story = (decisions: Partial<ControllerDecisions>) => {
    const api = new ApiDouble()
    api.connect(managerFor({ decisions, nodeLifecycle: NO_SILENCE }))
    new PodRunner(api, ['node-0'])
    api.add('deployments', deployment('web', 4))
    api.advance(10 * SECOND)
    let most = 0
    api.listeners.push(() => {
      most = Math.max(
        most,
        api.list('replicasets').reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0),
      )
    })
    const spec = deployment('web', 4, {}, 'v2').spec
    api.change('deployments', 'default/web', (before) => ({
      ...before,
      spec: { ...before.spec, template: spec.template },
    }))
    api.advance(20 * SECOND)
    return most
  }
  expect(outcomes(story, { deploymentFenceposts: () => ({ maxSurge: 4, maxUnavailable: 0 }) })).toEqual({
    right: 5,
    buggy: 8,
  })
})
