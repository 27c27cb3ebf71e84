/** Each decision twice: as it should be, and as the historical bug had it. */
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/time.ts'
import type { ApiRequest, Pod, PodDisruptionBudget, Status } from '../objects/index.ts'
import { API_SERVER_DECISIONS, type ApiServerDecisions } from './decisions.ts'
import { podOf, Stage } from './scene.ts'

const pods = { resource: 'pods', namespace: 'default' } as const

/** Lists, loses the server, misses a pod that is created meanwhile, watches from the list's version on the new server. */
function watchAcrossRestart(decisions: Partial<ApiServerDecisions>): string[] {
  const stage = new Stage()
  const seen = stage.etcd.revision
  stage.createPod('missed')
  // A server without memory: filled from a list that has the pod already.
  stage.addServer({ decisions })
  return stage.lines(stage.send({ verb: 'watch', ...pods, resourceVersion: String(seen) }, 1))
}

test('watchcache-empty-history-off-by-one', () => {
  expect(watchAcrossRestart({})).toEqual(['ERROR 410'])
  const buggy: Partial<ApiServerDecisions> = {
    oldestServableRevision: (ring) =>
      ring.size === 0 ? ring.listRevision : API_SERVER_DECISIONS.oldestServableRevision(ring),
  }
  expect(watchAcrossRestart(buggy)).toEqual([])
})

/** The cache breaks, a client opens a watch, a pod is changed, the cache lists again. */
function watchDuringReinitialisation(decisions: Partial<ApiServerDecisions>): {
  lines: string[]
  ended: boolean
  code: number | undefined
} {
  const stage = new Stage(1, { decisions })
  const pod = stage.createPod('a')
  const [server] = stage.servers
  server?.breakCache('pods', stage.out)
  const watch = stage.send({ verb: 'watch', ...pods, resourceVersion: pod.metadata.resourceVersion })
  const code = stage.answer(watch)?.code
  stage.object({ verb: 'patch', ...pods, name: 'a', patch: { metadata: { labels: { gap: 'yes' } } } })
  stage.out.advance(SECOND)
  stage.createPod('after')
  return {
    lines: stage.lines(watch).map((line) => line.split(' ').slice(0, 2).join(' ')),
    ended: stage.hasEnded(watch),
    code,
  }
}

test('watchcache-reinit-orphans-watch', () => {
  expect(watchDuringReinitialisation({})).toEqual({ lines: [], ended: false, code: 429 })
  expect(watchDuringReinitialisation({ mayRegisterWatchWhileBroken: () => true })).toEqual({
    lines: [],
    ended: true,
    code: 200,
  })
  expect(
    watchDuringReinitialisation({
      mayRegisterWatchWhileBroken: () => true,
      closesWatchers: (moment) => moment === 'broken',
    }),
  ).toEqual({
    lines: ['ADDED after'],
    ended: false,
    code: 200,
  })
})

test('a watch that was open when the cache broke is closed after the new list', () => {
  const stage = new Stage()
  const watch = stage.send({ verb: 'watch', ...pods })
  stage.servers[0]?.breakCache('pods', stage.out)
  expect(stage.hasEnded(watch)).toBe(false)
  stage.out.advance(SECOND)
  expect(stage.hasEnded(watch)).toBe(true)
  expect(stage.out.takeNotes('watch-closed')).toMatchObject([{ reason: 'cache-replaced' }])
})

/** A finalizer is added through one server; another, whose cache lags, deletes. */
function deleteBehindFinalizer(decisions: Partial<ApiServerDecisions>): Pod | undefined {
  const stage = new Stage(2, { decisions })
  stage.createPod('a')
  stage.servers[1]?.holdCache('all', stage.out)
  stage.object({ verb: 'patch', ...pods, name: 'a', patch: { metadata: { finalizers: ['example.com/hold'] } } })
  stage.object({ verb: 'delete', ...pods, name: 'a', options: { propagationPolicy: 'Background' } }, 1)
  return stage.getPod('a')
}

test('apiserver-stale-finalizer-bypass', () => {
  const pod = deleteBehindFinalizer({})
  expect(pod?.metadata).toMatchObject({ finalizers: ['example.com/hold'], deletionTimestamp: expect.anything() })
  expect(deleteBehindFinalizer({ removalGuard: () => undefined })).toBeUndefined()
})

/** An object is replaced by one of the same name; a server that lags is asked to delete the new one by its uid. */
function deleteByUid(decisions: Partial<ApiServerDecisions>): number {
  const stage = new Stage(2, { decisions })
  stage.createPod('a')
  stage.servers[1]?.holdCache('all', stage.out)
  stage.object({ verb: 'delete', ...pods, name: 'a' })
  stage.out.now += 1
  const { uid } = stage.createPod('a').metadata
  return stage.ask({ verb: 'delete', ...pods, name: 'a', options: { preconditions: { uid } } }, 1).code
}

test('apiserver-stale-precondition', () => {
  expect(deleteByUid({})).toBe(200)
  expect(deleteByUid({ repeatsLive: (outcome) => outcome !== 'refuse' })).toBe(409)
})

function evictions(
  decisions: Partial<ApiServerDecisions>,
  pod: Partial<Pod['status']> = {},
  budget: Partial<PodDisruptionBudget['status']> = {},
) {
  const stage = new Stage(2, { decisions })
  const evict = (name: string): ApiRequest => ({
    verb: 'create',
    ...pods,
    name,
    subresource: 'eviction',
    object: { metadata: { name } },
  })
  for (const name of ['a', 'b', 'c']) {
    const made = stage.createPod(name, { nodeName: 'node-0' })
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], ...pod }
    stage.object({ verb: 'update', ...pods, name, subresource: 'status', object: { ...made, status } })
  }
  const made = stage.object<PodDisruptionBudget>({
    verb: 'create',
    resource: 'poddisruptionbudgets',
    namespace: 'default',
    object: {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web' },
      spec: { selector: { matchLabels: { app: 'web' } }, minAvailable: 1 },
    },
  })
  const status = {
    disruptionsAllowed: 2,
    currentHealthy: 3,
    desiredHealthy: 1,
    expectedPods: 3,
    observedGeneration: 1,
    ...budget,
  }
  stage.object({
    verb: 'update',
    resource: 'poddisruptionbudgets',
    namespace: 'default',
    name: 'web',
    subresource: 'status',
    object: { ...made, status },
  })
  const codes = [stage.ask(evict('a'), 0).code, stage.ask(evict('b'), 1).code, stage.ask(evict('c'), 0).code]
  const after = stage.object<PodDisruptionBudget>({
    verb: 'get',
    resource: 'poddisruptionbudgets',
    namespace: 'default',
    name: 'web',
  })
  return {
    codes,
    allowed: after.status?.disruptionsAllowed,
    disrupted: Object.keys(after.status?.disruptedPods ?? {}),
    stage,
    evict,
  }
}

test('evictions take from the budget, and end with 429 when it is used up', () => {
  const { codes, allowed, disrupted, stage, evict } = evictions({})
  expect({ codes, allowed, disrupted }).toEqual({ codes: [201, 201, 429], allowed: 0, disrupted: ['a', 'b'] })
  expect(stage.refusal(evict('c'))).toBe(
    "429 TooManyRequests: Cannot evict pod as it would violate the pod's disruption budget.",
  )
  const refused = stage.ask(evict('c')).body as Status
  expect(refused.details).toMatchObject({ retryAfterSeconds: 0, causes: [{ reason: 'DisruptionBudget' }] })
  expect(stage.getPod('a')?.metadata.deletionTimestamp).toBeDefined()
  expect(stage.refusal(evict('nobody'))).toBe('404 NotFound: pods "nobody" not found')
})

test('a budget that was not yet computed refuses; pods that are not running, or not ready in a healthy set, take nothing', () => {
  expect(evictions({}, {}, { observedGeneration: 0 }).codes).toEqual([429, 429, 429])
  expect(evictions({}, { phase: 'Pending' }).allowed).toBe(2)
  expect(evictions({}, { conditions: [] }).codes).toEqual([201, 201, 201])
  expect(evictions({}, { conditions: [] }, { currentHealthy: 0, disruptionsAllowed: 0 }).codes).toEqual([429, 429, 429])
})

test('an eviction that does not look at the budget breaks it', () => {
  expect(evictions({ takeFromBudget: () => ({ verdict: 'without-budget' }) }).codes).toEqual([201, 201, 201])
})

test('two servers that allocate at once never give out one address twice', () => {
  const stage = new Stage(2)
  const addresses = new Set<string>()
  const service = (name: string): ApiRequest => ({
    verb: 'create',
    resource: 'services',
    namespace: 'default',
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { type: 'NodePort', ports: [{ port: 80 }] },
    },
  })
  for (const connection of stage.connections) connection.isParked = true
  const sent = Array.from({ length: 40 }, (_, i) => [stage.send(service(`s${i}`), i % 2), i % 2] as const)
  for (let round = 0; round < 20; round++) for (const connection of stage.connections) connection.answerParked(3)
  for (const connection of stage.connections) connection.answerParked()
  for (const [id] of sent) {
    const made = stage.answer(id)?.body as unknown as { spec: { clusterIP: string; ports: { nodePort: number }[] } }
    addresses.add(made.spec.clusterIP).add(String(made.spec.ports[0]?.nodePort))
  }
  expect(addresses.size).toBe(80)
})

test('the compactor keeps one to two periods of history; one of two servers does it', () => {
  const stage = new Stage(2)
  stage.createPod('a')
  stage.out.advance(5 * 60 * SECOND)
  const first = stage.etcd.revision
  expect(stage.etcd.compactedRevision).toBe(0)
  stage.object({ verb: 'create', ...pods, object: podOf('b') })
  stage.out.advance(5 * 60 * SECOND)
  expect(stage.etcd.compactedRevision).toBeGreaterThan(0)
  expect(stage.etcd.compactedRevision).toBeLessThanOrEqual(first)
})
