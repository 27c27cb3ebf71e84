// Each controller in a small story against the API double.
import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../kernel/index.ts'
import { type KubeObject, type Pod, RESOURCES, type Resource } from '../objects/index.ts'
import { ApiDouble, failure, type Peer } from './testing.ts'
import { deployment, managerFor, PodRunner, pod, replicaSet, service, template } from './testingpods.ts'

function stage(
  options: Parameters<typeof managerFor>[0] = {},
  nodes = ['node-0', 'node-1', 'node-2'],
): { api: ApiDouble; peer: Peer; runner: PodRunner } {
  const api = new ApiDouble()
  const peer = api.connect(managerFor(options))
  const runner = new PodRunner(api, nodes)
  api.advance(SECOND)
  return { api, peer, runner }
}

const facts = (peer: Peer, type: string) => peer.notes.filter((note) => note.type === type)

test('a ReplicaSet adopts what it selects, lets go of what it no longer selects, and replaces it', () => {
  const { api, peer } = stage()
  api.add('pods', {
    ...pod('stray', { app: 'web' }),
    metadata: { name: 'stray', namespace: 'default', labels: { app: 'web' } },
  })
  api.add('replicasets', replicaSet('web', 3))
  api.advance(5 * SECOND)
  expect(api.list('pods')).toHaveLength(3)
  expect(api.get('pods', 'default/stray')?.metadata.ownerReferences?.[0]?.name).toBe('web')
  expect(facts(peer, 'controller-created-pod')).toHaveLength(2)
  api.change('pods', 'default/stray', (before) => ({
    ...before,
    metadata: { ...before.metadata, labels: { app: 'mine' } },
  }))
  api.advance(5 * SECOND)
  expect(api.get('pods', 'default/stray')?.metadata.ownerReferences).toEqual([])
  expect(api.list('pods')).toHaveLength(4)
  expect(api.get('replicasets', 'default/web')?.status).toMatchObject({
    replicas: 3,
    readyReplicas: 3,
    observedGeneration: 1,
  })
})

test('creation goes 1, 2, 4 ... and stops at the first failure', () => {
  const { api } = stage()
  let refused = 0
  api.intercept = (request) => {
    if (request.verb !== 'create' || request.resource !== 'pods' || api.list('pods').length < 3) return undefined
    refused++
    return failure(403, 'Forbidden', 'exceeded quota')
  }
  api.add('replicasets', replicaSet('web', 100))
  api.advance(20_000)
  expect(api.list('pods')).toHaveLength(3)
  expect(refused).toBeLessThan(10)
  expect(api.get('replicasets', 'default/web')?.status?.conditions).toMatchObject([
    { type: 'ReplicaFailure', reason: 'FailedCreate' },
  ])
  api.intercept = () => undefined
  api.advance(10 * MINUTE)
  expect(api.list('pods')).toHaveLength(100)
  expect(api.get('replicasets', 'default/web')?.status?.conditions ?? []).toEqual([])
})

test('minReadySeconds: available only later, without any event from outside', () => {
  const { api } = stage()
  api.add('replicasets', replicaSet('web', 2, { minReadySeconds: 20 }))
  api.advance(10 * SECOND)
  expect(api.get('replicasets', 'default/web')?.status).toMatchObject({ readyReplicas: 2, availableReplicas: 0 })
  api.advance(15 * SECOND)
  expect(api.get('replicasets', 'default/web')?.status).toMatchObject({ readyReplicas: 2, availableReplicas: 2 })
})

const retemplate = (api: ApiDouble, image: string) =>
  api.change('deployments', 'default/web', (before) => ({
    ...before,
    spec: { ...before.spec, template: template({ app: 'web' }, image) },
  }))

test('a rollback is an apply of the earlier template: its set comes back with a new revision', () => {
  const { api } = stage()
  api.add('deployments', deployment('web', 2))
  api.advance(10 * SECOND)
  retemplate(api, 'v2')
  api.advance(30 * SECOND)
  retemplate(api, 'v1')
  api.advance(30 * SECOND)
  const sets = api.list('replicasets')
  expect(sets.map((set) => [set.spec.template.spec.containers[0]?.image, set.spec.replicas])).toEqual([
    ['v1', 2],
    ['v2', 0],
  ])
  expect(sets[0]?.metadata.annotations).toMatchObject({
    'deployment.kubernetes.io/revision': '3',
    'deployment.kubernetes.io/revision-history': '1',
  })
})

test('history: only so many empty sets stay, the oldest go', () => {
  const { api } = stage()
  api.add('deployments', deployment('web', 1, { revisionHistoryLimit: 1 }))
  for (const image of ['v2', 'v3', 'v4']) {
    api.advance(20 * SECOND)
    retemplate(api, image)
  }
  api.advance(30 * SECOND)
  expect(api.list('replicasets').map((set) => set.spec.template.spec.containers[0]?.image)).toEqual(['v3', 'v4'])
})

test('Recreate: no new pod while an old one lives', () => {
  const { api } = stage()
  api.add('deployments', deployment('web', 3, { strategy: { type: 'Recreate' } }))
  api.advance(10 * SECOND)
  let mixed = false
  api.listeners.push(() => {
    const images = new Set(api.list('pods').map((entry) => entry.spec.containers[0]?.image))
    if (images.size > 1) mixed = true
  })
  retemplate(api, 'v2')
  api.advance(20 * SECOND)
  expect(mixed).toBe(false)
  expect(api.list('pods').map((entry) => entry.spec.containers[0]?.image)).toEqual(['v2', 'v2', 'v2'])
})

test('pause and resume; scaling while paused is proportional', () => {
  const { api, runner } = stage()
  runner.becomesReady = (entry) => entry.spec.containers[0]?.image !== 'v2'
  api.add('deployments', deployment('web', 4))
  api.advance(10 * SECOND)
  retemplate(api, 'v2')
  api.advance(10 * SECOND)
  const sizes = () => api.list('replicasets').map((set) => set.spec.replicas)
  expect(sizes()).toEqual([3, 2])
  const set = (spec: object) =>
    api.change('deployments', 'default/web', (before) => ({ ...before, spec: { ...before.spec, ...spec } }))
  set({ paused: true })
  api.advance(5 * SECOND)
  set({ replicas: 8 })
  api.advance(10 * SECOND)
  expect(sizes()).toEqual([6, 4])
  const reason = () =>
    api.get('deployments', 'default/web')?.status?.conditions?.find((entry) => entry.type === 'Progressing')?.reason
  expect(reason()).toBe('DeploymentPaused')
  runner.becomesReady = () => true
  retemplate(api, 'v3')
  api.advance(10 * SECOND)
  expect(sizes()).toEqual([6, 4])
  set({ paused: false })
  api.advance(60 * SECOND)
  expect(sizes()).toEqual([0, 0, 8])
  expect(reason()).toBe('NewReplicaSetAvailable')
})

test('a rollout that cannot finish says so at its deadline', () => {
  const { api, runner } = stage()
  runner.becomesReady = () => false
  api.add('deployments', deployment('web', 2, { progressDeadlineSeconds: 30 }))
  api.advance(20 * SECOND)
  const progressing = () =>
    api.get('deployments', 'default/web')?.status?.conditions?.find((entry) => entry.type === 'Progressing')
  expect(progressing()?.status).toBe('True')
  api.advance(20 * SECOND)
  expect(progressing()).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' })
})

test('endpoints: foreign edits are repaired, a lost slice comes back, not-ready pods are marked', () => {
  const { api } = stage()
  api.add('services', service('web', 'web'))
  api.add('replicasets', replicaSet('web', 2))
  api.advance(5 * SECOND)
  const only = () => api.list('endpointslices')[0]
  const key = `default/${only()?.metadata.name}`
  api.change('endpointslices', key, (before) => ({ ...before, endpoints: before.endpoints.slice(0, 1) }))
  api.advance(5 * SECOND)
  expect(only()?.endpoints).toHaveLength(2)
  api.drop('endpointslices', key)
  api.advance(5 * SECOND)
  expect(only()?.endpoints).toHaveLength(2)
  const victim = api.list('pods')[0] as Pod
  api.change('pods', `default/${victim.metadata.name}`, (before) => ({
    ...before,
    status: { ...before.status, conditions: [{ type: 'Ready', status: 'False' }] },
  }))
  api.advance(5 * SECOND)
  expect(only()?.endpoints.map((endpoint) => endpoint.conditions?.ready)).toEqual([false, true])
})

test('the garbage collector: background, foreground and orphan', () => {
  const { api, peer } = stage()
  const three = (policy: string) => {
    api.add('deployments', deployment('web', 2))
    api.advance(5 * SECOND)
    expect([api.list('replicasets').length, api.list('pods').length]).toEqual([1, 2])
    const order: string[] = []
    const listener = (event: { type: string; object: unknown }) => {
      if (event.type === 'DELETED') order.push((event.object as KubeObject).kind)
    }
    api.listeners.push(listener)
    api.remove('deployments', 'default/web', { propagationPolicy: policy })
    api.advance(20 * SECOND)
    api.listeners.splice(api.listeners.indexOf(listener), 1)
    return order
  }
  expect(three('Background')).toEqual(['Deployment', 'ReplicaSet', 'Pod', 'Pod'])
  expect(facts(peer, 'gc-deleted')).toHaveLength(3)
  expect(three('Foreground')).toEqual(['Pod', 'Pod', 'ReplicaSet', 'Deployment'])
  expect(three('Orphan')).toEqual(['Deployment'])
  expect(api.list('pods')).toHaveLength(2)
  expect(api.list('replicasets')[0]?.metadata.ownerReferences).toEqual([])
})

test('an owner that is gone already, found at the start', () => {
  const api = new ApiDouble()
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: 'u-gone' }
  api.add('secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'child', namespace: 'default', ownerReferences: [owner] },
  })
  api.connect(managerFor())
  api.advance(5 * SECOND)
  expect(api.list('secrets')).toEqual([])
})

test('pods of a node object that is gone go after the quarantine, never before', () => {
  const { api, peer } = stage()
  api.add('replicasets', replicaSet('web', 3))
  api.advance(20 * SECOND)
  api.drop('nodes', 'node-0')
  api.advance(35 * SECOND)
  expect(facts(peer, 'podgc-deleted')).toEqual([])
  api.advance(60 * SECOND)
  expect(facts(peer, 'podgc-deleted')[0]).toMatchObject({ pod: 'default/web-00001', reason: 'orphaned' })
})

test('ended pods beyond the threshold go, oldest first; a deleted pod without a node goes', () => {
  const { api, peer, runner } = stage({ podGarbageCollector: { terminatedPodThreshold: 2 } })
  runner.readyMicros = 10 * MINUTE
  runner.stopMicros = 10 * MINUTE
  for (let i = 0; i < 5; i++) {
    api.add('pods', { ...pod(`done-${i}`, {}), status: { phase: 'Succeeded' } })
    api.advance(2 * SECOND)
  }
  api.add('pods', { ...pod('held', {}), metadata: { name: 'held', namespace: 'default', finalizers: ['x'] } })
  api.remove('pods', 'default/held')
  api.advance(40 * SECOND)
  expect(api.list('pods').map((entry) => entry.metadata.name)).toEqual(['done-4', 'held'])
  expect(facts(peer, 'podgc-deleted')[0]).toMatchObject({ pod: 'default/done-0', reason: 'terminated' })
  expect(api.get('pods', 'default/held')?.status?.phase).toBe('Failed')
})

test('a namespace is emptied, pods first, then let go', () => {
  const { api, peer } = stage()
  api.add('namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'team' },
    spec: { finalizers: ['kubernetes'] },
  })
  const inside = (object: KubeObject) => ({ ...object, metadata: { ...object.metadata, namespace: 'team' } })
  api.add('deployments', inside(deployment('web', 2)))
  api.add('services', inside(service('web', 'web')))
  api.advance(10 * SECOND)
  expect(api.list('pods')).toHaveLength(2)
  api.remove('namespaces', 'team')
  api.intercept = (request) => {
    const going = api.get('namespaces', 'team')?.metadata.deletionTimestamp !== undefined
    if (request.verb !== 'create' || request.namespace !== 'team' || !going) return undefined
    return failure(403, 'Forbidden', 'because it is being terminated')
  }
  api.advance(2 * MINUTE)
  expect(facts(peer, 'namespace-finalized')).toHaveLength(1)
  expect(api.get('namespaces', 'team')).toBeUndefined()
  for (const resource of Object.keys(RESOURCES) as Resource[]) {
    expect(api.list(resource).filter((object) => object.metadata.namespace === 'team')).toEqual([])
  }
})

test('a budget follows its pods and the size of their deployment', () => {
  const { api } = stage()
  api.add('deployments', deployment('web', 4))
  const selector = { matchLabels: { app: 'web' } }
  api.add('poddisruptionbudgets', {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'default' },
    spec: { selector, maxUnavailable: '25%' },
  })
  const status = () => api.get('poddisruptionbudgets', 'default/b')?.status
  api.advance(10 * SECOND)
  expect(status()).toMatchObject({
    expectedPods: 4,
    currentHealthy: 4,
    desiredHealthy: 3,
    disruptionsAllowed: 1,
    observedGeneration: 1,
  })
  api.remove('pods', `default/${api.list('pods')[0]?.metadata.name}`)
  api.advance(50_000)
  expect(status()).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 0 })
  api.change('deployments', 'default/web', (before) => ({ ...before, spec: { ...before.spec, replicas: 8 } }))
  api.advance(20 * SECOND)
  expect(status()).toMatchObject({ expectedPods: 8, currentHealthy: 8, disruptionsAllowed: 2 })
})

test('after losing the lease nothing more is sent, and the next term starts from fresh caches', () => {
  const api = new ApiDouble()
  const manager = managerFor({ leaderElection: {} })
  api.connect(manager)
  new PodRunner(api, ['node-0'])
  api.add('deployments', deployment('web', 2))
  api.advance(10 * SECOND)
  expect([manager.running, api.list('pods').length]).toEqual([true, 2])
  let lost = 0
  api.intercept = (request) => {
    if (request.resource !== 'leases' || (request.verb !== 'update' && request.verb !== 'get')) return undefined
    lost++
    return failure(500, 'InternalError', 'etcd is away')
  }
  api.advance(15 * SECOND)
  expect([manager.leading, lost > 0]).toEqual([false, true])
  const sent = api.requests.length
  api.add('deployments', deployment('late', 1))
  api.drop('pods', `default/${api.list('pods')[0]?.metadata.name}`)
  api.advance(SECOND)
  expect(api.requests.slice(sent).filter((request) => request.resource !== 'leases')).toEqual([])
  api.intercept = () => undefined
  api.advance(30 * SECOND)
  expect(manager.running).toBe(true)
  expect(api.list('pods')).toHaveLength(3)
})
