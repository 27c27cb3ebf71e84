/** Requests and answers of the writing verbs, on one server over a fake etcd. */
import { expect, test } from 'vitest'
import { EPOCH_UNIX_MICROS, SECOND } from '../kernel/time.ts'
import {
  type Deployment,
  deepFreeze,
  type Namespace,
  type Pod,
  type ReplicaSet,
  type Service,
  timestamp,
} from '../objects/index.ts'
import { podOf, Stage } from './scene.ts'

const at = (
  resource: 'pods' | 'deployments' | 'services' | 'replicasets' | 'poddisruptionbudgets' | 'leases' | 'configmaps',
) => ({ resource, namespace: 'default' }) as const

const deployment = (name: string, spec: Partial<Deployment['spec']> = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
    ...spec,
  },
})

const service = (name: string, spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
})

test('a created pod has identity, defaults, tolerations and a fresh status', () => {
  const stage = new Stage()
  const pod = stage.createPod('web', {}, { generation: 7, deletionTimestamp: 'x' })
  expect(pod.metadata).toMatchObject({
    name: 'web',
    namespace: 'default',
    generation: 1,
    creationTimestamp: timestamp(EPOCH_UNIX_MICROS),
  })
  expect(pod.metadata.deletionTimestamp).toBeUndefined()
  expect(pod.metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(Number(pod.metadata.resourceVersion)).toBe(stage.etcd.revision)
  expect(pod.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' })
  expect(pod.spec.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds])).toEqual([
    ['node.kubernetes.io/not-ready', 300],
    ['node.kubernetes.io/unreachable', 300],
  ])
  expect(Object.isFrozen(pod.spec.containers[0])).toBe(true)
  expect(stage.getPod('web')).toBe(pod)
})

test('pods of one template share their spec', () => {
  const stage = new Stage()
  const spec = deepFreeze(podOf('x').spec)
  const create = (name: string) =>
    stage.object<Pod>({ verb: 'create', ...at('pods'), object: { ...podOf(name), spec } })
  expect(create('a').spec).toBe(create('b').spec)
})

test.each<[string, unknown, string]>([
  ['no object', 'text', '400 BadRequest: Pod in version "v1" cannot be handled as a Pod: the body is no object'],
  [
    'another kind',
    { apiVersion: 'v1', kind: 'Service' },
    '400 BadRequest: the object provided is unrecognized (must be of type Pod in v1): v1, Kind=Service',
  ],
  [
    'wrong types',
    { metadata: { name: 5 }, spec: { containers: [] } },
    '400 BadRequest: Pod in version "v1" cannot be handled as a Pod: metadata.name: must be a string, not 5',
  ],
  [
    'nulls',
    { metadata: { name: 'a' }, spec: { containers: null } },
    '400 BadRequest: Pod in version "v1" cannot be handled as a Pod: spec.containers: is required',
  ],
  [
    'another namespace',
    podOf('a', {}, { namespace: 'other' }),
    '400 BadRequest: the namespace of the provided object does not match the namespace sent on the request: other, default',
  ],
  ['no containers', podOf('a', { containers: [] }), '422 Invalid: Pod "a" is invalid: spec.containers: Required value'],
  [
    'no name',
    podOf(''),
    '422 Invalid: Pod "" is invalid: metadata.name: Required value: name or generateName is required',
  ],
])('create: %s is refused', (_name, object, refusal) => {
  const stage = new Stage()
  expect(stage.refusal({ verb: 'create', ...at('pods'), object })).toBe(refusal)
  expect(stage.out.takeNotes('api-request')).toHaveLength(1)
})

test('names are taken once; generated ones differ', () => {
  const stage = new Stage()
  stage.createPod('web')
  expect(stage.refusal({ verb: 'create', ...at('pods'), object: podOf('web') })).toBe(
    '409 AlreadyExists: pods "web" already exists',
  )
  expect(stage.refusal({ verb: 'create', ...at('deployments'), object: deployment('UP') })).toMatch(
    /^422 Invalid: Deployment\.apps "UP" is invalid/,
  )
  const names = [1, 2, 3].map(() => stage.createPod('', {}, { generateName: 'web-' }).metadata.name)
  expect(new Set(names).size).toBe(3)
  for (const name of names) expect(name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
})

test('namespaces: missing, ending, and their end', () => {
  const stage = new Stage()
  const create: Parameters<Stage['ask']>[0] = {
    verb: 'create',
    resource: 'pods',
    namespace: 'team',
    object: podOf('web'),
  }
  expect(stage.refusal(create)).toBe('404 NotFound: namespaces "team" not found')
  const made = stage.object<Namespace>({
    verb: 'create',
    resource: 'namespaces',
    object: { metadata: { name: 'team' } },
  })
  expect(made).toMatchObject({
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
    metadata: { labels: { 'kubernetes.io/metadata.name': 'team' } },
  })
  stage.object(create)
  const ending = stage.object<Namespace>({ verb: 'delete', resource: 'namespaces', name: 'team' })
  expect(ending.status?.phase).toBe('Terminating')
  expect(stage.refusal({ ...create, object: podOf('b') } as never)).toBe(
    '403 Forbidden: pods "b" is forbidden: unable to create new content in namespace team because it is being terminated',
  )
  stage.object({
    verb: 'update',
    resource: 'namespaces',
    name: 'team',
    subresource: 'finalize',
    object: { ...ending, spec: { finalizers: [] } },
  })
  expect(stage.refusal({ verb: 'get', resource: 'namespaces', name: 'team' })).toBe(
    '404 NotFound: namespaces "team" not found',
  )
  expect(stage.refusal({ verb: 'delete', resource: 'namespaces', name: 'default' })).toMatch(
    /^403 Forbidden: .*this namespace may not be deleted/,
  )
})

test('an update must name the present version; status and spec do not mix', () => {
  const stage = new Stage()
  const made = stage.object<Deployment>({ verb: 'create', ...at('deployments'), object: deployment('web') })
  expect(made.metadata.generation).toBe(1)
  const changed = { ...made, spec: { ...made.spec, replicas: 3 }, status: { replicas: 9 } }
  const second = stage.object<Deployment>({ verb: 'update', ...at('deployments'), name: 'web', object: changed })
  expect([second.metadata.generation, second.spec.replicas, second.status]).toEqual([2, 3, undefined])
  expect(stage.refusal({ verb: 'update', ...at('deployments'), name: 'web', object: changed })).toBe(
    '409 Conflict: Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again',
  )
  const third = stage.object<Deployment>({
    verb: 'update',
    ...at('deployments'),
    name: 'web',
    subresource: 'status',
    object: { ...second, spec: { ...second.spec, replicas: 7 }, status: { replicas: 3 } },
  })
  expect([third.metadata.generation, third.spec.replicas, third.status]).toEqual([2, 3, { replicas: 3 }])
  const again = stage.object({
    verb: 'update',
    ...at('deployments'),
    name: 'web',
    subresource: 'status',
    object: third,
  })
  expect(again.metadata.resourceVersion).toBe(third.metadata.resourceVersion)
  expect(stage.refusal({ verb: 'update', ...at('deployments'), name: 'no', object: deployment('no') })).toBe(
    '404 NotFound: deployments.apps "no" not found',
  )
})

test('patches merge, take away with null, and are validated', () => {
  const stage = new Stage()
  stage.object({ verb: 'create', ...at('deployments'), object: deployment('web') })
  const patch = (body: unknown) => ({ verb: 'patch', ...at('deployments'), name: 'web', patch: body }) as const
  const patched = stage.object<Deployment>(patch({ metadata: { labels: { a: '1', b: '2' } }, spec: { replicas: 4 } }))
  expect([patched.spec.replicas, patched.metadata.labels]).toEqual([4, { a: '1', b: '2' }])
  expect(stage.object(patch({ metadata: { labels: { a: null } } })).metadata.labels).toEqual({ b: '2' })
  expect(stage.refusal(patch({ spec: { replicas: -1 } }))).toBe(
    '422 Invalid: Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  )
  expect(stage.refusal(patch({ spec: { replicas: 'x' } }))).toMatch(/^400 BadRequest/)
  expect(stage.refusal(patch({ metadata: { resourceVersion: '1' } }))).toMatch(/^409 Conflict/)
})

test('scale', () => {
  const stage = new Stage()
  stage.object({ verb: 'create', ...at('deployments'), object: deployment('web') })
  const scale = { ...at('deployments'), name: 'web', subresource: 'scale' } as const
  const answer = stage.object({ verb: 'patch', ...scale, patch: { spec: { replicas: 5 } } })
  expect(answer).toMatchObject({
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    spec: { replicas: 5 },
    status: { replicas: 0 },
  })
  expect(stage.object<ReplicaSet>({ verb: 'get', ...at('deployments'), name: 'web' }).metadata.generation).toBe(2)
  expect(stage.refusal({ verb: 'update', ...scale, object: { spec: { replicas: -1 } } })).toMatch(/^422 Invalid/)
  expect(
    stage.refusal({
      verb: 'update',
      resource: 'pods',
      namespace: 'default',
      name: 'web',
      subresource: 'scale',
      object: {},
    }),
  ).toMatch(/^404/)
})

test('a pod is bound once', () => {
  const stage = new Stage()
  stage.createPod('web')
  const bind = (nodeName: string) =>
    ({
      verb: 'create',
      ...at('pods'),
      name: 'web',
      subresource: 'binding',
      object: { target: { kind: 'Node', name: nodeName } },
    }) as const
  expect(stage.ask(bind('node-0')).code).toBe(201)
  const pod = stage.getPod('web') as Pod
  expect(pod.spec.nodeName).toBe('node-0')
  expect(pod.status?.conditions?.[0]).toMatchObject({ type: 'PodScheduled', status: 'True' })
  expect(stage.refusal(bind('node-1'))).toBe(
    '409 Conflict: Operation cannot be fulfilled on pods "web": pod web is already assigned to node "node-0"',
  )
})

test('services get addresses and ports, keep them, and free them', () => {
  const stage = new Stage()
  const make = (name: string, spec: Partial<Service['spec']> = {}) =>
    ({ verb: 'create', ...at('services'), object: service(name, spec) }) as const
  const first = stage.object<Service>(make('a', { type: 'NodePort' }))
  expect(first.spec.clusterIP).toMatch(/^10\.96\.\d+\.\d+$/)
  expect(first.spec.ports?.[0]?.nodePort).toBeGreaterThanOrEqual(30_086)
  expect(stage.refusal(make('b', { clusterIP: first.spec.clusterIP }))).toMatch(
    /^422 Invalid: Service "b" is invalid: spec\.clusterIPs: Invalid value: .*provided IP is already allocated/,
  )
  expect(
    stage.refusal(make('b', { type: 'NodePort', ports: [{ port: 80, nodePort: first.spec.ports?.[0]?.nodePort }] })),
  ).toMatch(/provided port is already allocated/)
  expect(stage.object<Service>(make('none', { clusterIP: 'None' })).spec.clusterIP).toBe('None')
  const update = stage.object<Service>({
    verb: 'patch',
    ...at('services'),
    name: 'a',
    patch: { spec: { selector: { app: 'x' } } },
  })
  expect(update.spec.clusterIP).toBe(first.spec.clusterIP)
  const plain = stage.object<Service>({
    verb: 'patch',
    ...at('services'),
    name: 'a',
    patch: { spec: { type: 'ClusterIP', externalTrafficPolicy: null } },
  })
  expect(plain.spec.ports?.[0]?.nodePort).toBeUndefined()
  expect(stage.etcd.range({ key: '/registry/ranges/', rangeEnd: '/registry/ranges0' }).count).toBe(1)
  stage.object({ verb: 'delete', ...at('services'), name: 'a' })
  expect(stage.etcd.range({ key: '/registry/ranges/', rangeEnd: '/registry/ranges0' }).count).toBe(0)
  stage.object(make('b', { clusterIP: first.spec.clusterIP }))
})

test('a dry run changes nothing', () => {
  const stage = new Stage()
  const before = stage.etcd.revision
  stage.object({ verb: 'create', ...at('pods'), object: podOf('web'), dryRun: true })
  expect(stage.etcd.revision).toBe(before)
  stage.createPod('web')
  const after = stage.etcd.revision
  stage.object({ verb: 'delete', ...at('pods'), name: 'web', dryRun: true })
  expect(stage.etcd.revision).toBe(after)
  expect(stage.refusal({ verb: 'create', ...at('pods'), object: podOf('web'), dryRun: true })).toMatch(
    /^409 AlreadyExists/,
  )
})

test('leases need a version; unknown routes are refused', () => {
  const stage = new Stage()
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'l' },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 15 },
  }
  stage.object({ verb: 'create', ...at('leases'), object: lease })
  expect(stage.refusal({ verb: 'update', ...at('leases'), name: 'l', object: lease })).toMatch(
    /metadata\.resourceVersion: Invalid value: 0: must be specified for an update/,
  )
  expect(stage.refusal({ verb: 'get', resource: 'pods', name: 'a' })).toMatch(/^400/)
  expect(stage.refusal({ verb: 'get', resource: 'nodes', namespace: 'default', name: 'a' })).toMatch(/^404/)
  expect(stage.refusal({ verb: 'get', resource: 'nonsense' as never, name: 'a' })).toMatch(/^404/)
})

test('too many calls at once are sent away; a call that lasts too long is 504', () => {
  const stage = new Stage(1, { writesInFlightMax: 1 })
  const [connection] = stage.connections
  if (connection === undefined) throw new Error('no connection')
  connection.isParked = true
  const first = stage.send({ verb: 'create', ...at('pods'), object: podOf('a') })
  expect(stage.refusal({ verb: 'create', ...at('pods'), object: podOf('b') })).toBe(
    '429 TooManyRequests: too many requests, please try again later',
  )
  stage.out.advance(61 * SECOND)
  expect(stage.answer(first)?.code).toBe(504)
  connection.isParked = false
  connection.answerParked()
  expect(stage.getPod('a')).toBeDefined()
  connection.isDown = true
  expect(stage.refusal({ verb: 'create', ...at('pods'), object: podOf('c') })).toMatch(/^504 Timeout/)
})
