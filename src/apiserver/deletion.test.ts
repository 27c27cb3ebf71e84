/** What DELETE does: grace, force, finalizers, orphans, preconditions, collections. */
import { expect, test } from 'vitest'
import { EPOCH_UNIX_MICROS, SECOND } from '../kernel/time.ts'
import { type Deployment, type ObjectList, type Pod, type Status, timestamp } from '../objects/index.ts'
import { Stage } from './scene.ts'

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

test('graceful deletion: marked, shortened, never lengthened, ended by force', () => {
  const stage = new Stage()
  stage.createPod('web', { nodeName: 'node-0' })
  const remove = (gracePeriodSeconds?: number) =>
    stage.object<Pod>({ verb: 'delete', ...at('pods'), name: 'web', options: { gracePeriodSeconds } }).metadata
  expect(remove()).toMatchObject({
    deletionGracePeriodSeconds: 30,
    deletionTimestamp: timestamp(EPOCH_UNIX_MICROS + 30 * SECOND),
  })
  expect(remove(60)).toMatchObject({ deletionGracePeriodSeconds: 30 })
  expect(remove(10)).toMatchObject({
    deletionGracePeriodSeconds: 10,
    deletionTimestamp: timestamp(EPOCH_UNIX_MICROS + 10 * SECOND),
  })
  expect(stage.getPod('web')).toBeDefined()
  remove(0)
  expect(stage.getPod('web')).toBeUndefined()
  expect(stage.refusal({ verb: 'delete', ...at('pods'), name: 'web' })).toBe('404 NotFound: pods "web" not found')
})

test('a pod on no node, or one that has ended, goes at once', () => {
  const stage = new Stage()
  stage.createPod('a')
  stage.object({ verb: 'delete', ...at('pods'), name: 'a' })
  expect(stage.getPod('a')).toBeUndefined()
  const pod = stage.createPod('b', { nodeName: 'node-0' })
  stage.object({
    verb: 'update',
    ...at('pods'),
    name: 'b',
    subresource: 'status',
    object: { ...pod, status: { phase: 'Succeeded' } },
  })
  stage.object({ verb: 'delete', ...at('pods'), name: 'b' })
  expect(stage.getPod('b')).toBeUndefined()
})

test('finalizers hold an object until the last one is gone', () => {
  const stage = new Stage()
  stage.object({
    verb: 'create',
    ...at('deployments'),
    object: { ...deployment('web'), metadata: { name: 'web', finalizers: ['a.example/x'] } },
  })
  const marked = stage.object({
    verb: 'delete',
    ...at('deployments'),
    name: 'web',
    options: { propagationPolicy: 'Foreground' },
  })
  expect(marked.metadata).toMatchObject({
    finalizers: ['a.example/x', 'foregroundDeletion'],
    deletionGracePeriodSeconds: 0,
    generation: 2,
  })
  const patch = (finalizers: string[] | null) =>
    stage.object({ verb: 'patch', ...at('deployments'), name: 'web', patch: { metadata: { finalizers } } })
  patch(['foregroundDeletion'])
  expect(stage.ask({ verb: 'get', ...at('deployments'), name: 'web' }).code).toBe(200)
  patch(null)
  expect(stage.ask({ verb: 'get', ...at('deployments'), name: 'web' }).code).toBe(404)
})

test('orphaning adds a finalizer, background takes it off; preconditions are checked', () => {
  const stage = new Stage()
  const made = stage.object({
    verb: 'create',
    ...at('replicasets'),
    object: { ...deployment('web'), apiVersion: 'apps/v1', kind: 'ReplicaSet' } as unknown,
  })
  const remove = (options: object) => ({ verb: 'delete', ...at('replicasets'), name: 'web', options }) as const
  expect(stage.refusal(remove({ preconditions: { uid: 'other' } }))).toBe(
    `409 Conflict: Operation cannot be fulfilled on replicasets.apps "web": Precondition failed: UID in precondition: other, UID in object meta: ${made.metadata.uid}`,
  )
  expect(stage.object(remove({ propagationPolicy: 'Orphan' })).metadata.finalizers).toEqual(['orphan'])
  const { code, body } = stage.ask(
    remove({ propagationPolicy: 'Background', preconditions: { uid: made.metadata.uid } }),
  )
  expect([code, (body as Status).status, (body as Status).details]).toEqual([
    200,
    'Success',
    { name: 'web', group: 'apps', kind: 'replicasets', uid: made.metadata.uid },
  ])
})

test('a collection is deleted by selector', () => {
  const stage = new Stage()
  for (const name of ['a', 'b', 'c']) stage.createPod(name, {}, { labels: { app: name === 'c' ? 'db' : 'web' } })
  const { body } = stage.ask({ verb: 'deletecollection', ...at('pods'), labelSelector: 'app=web' })
  expect((body as ObjectList).items).toHaveLength(2)
  expect(stage.items({ verb: 'list', ...at('pods') }).map((pod) => pod.metadata.name)).toEqual(['c'])
})
