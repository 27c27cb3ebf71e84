/** Lists and watches: versions, pages, selectors, bookmarks, 410, lagging and broken caches. */
import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../kernel/time.ts'
import type { ApiRequest, ObjectList, Pod, Status } from '../objects/index.ts'
import { Stage } from './scene.ts'

const pods = { resource: 'pods', namespace: 'default' } as const
const names = (stage: Stage, request: ApiRequest, server = 0) =>
  stage.items(request, server).map((item) => item.metadata.name)
const rename = (stage: Stage, name: string, labels: Record<string, string | null>, server = 0) =>
  stage.object<Pod>({ verb: 'patch', ...pods, name, patch: { metadata: { labels } } }, server)

test('lists: present, cached, selected, in order of keys', () => {
  const stage = new Stage()
  stage.createPod('b', { nodeName: 'node-1' })
  stage.createPod('a', { nodeName: 'node-0' }, { labels: { app: 'db' } })
  for (const resourceVersion of [undefined, '0', String(stage.etcd.revision)]) {
    expect(names(stage, { verb: 'list', ...pods, resourceVersion })).toEqual(['a', 'b'])
    expect(
      names(stage, { verb: 'list', resource: 'pods', fieldSelector: 'spec.nodeName=node-1', resourceVersion }),
    ).toEqual(['b'])
    expect(names(stage, { verb: 'list', resource: 'pods', labelSelector: 'app in (db)', resourceVersion })).toEqual([
      'a',
    ])
    expect(names(stage, { verb: 'list', resource: 'pods', namespace: 'other', resourceVersion })).toEqual([])
  }
  const { body } = stage.ask({ verb: 'list', ...pods })
  expect((body as ObjectList).metadata.resourceVersion).toBe(String(stage.etcd.revision))
})

test.each<[Partial<ApiRequest>, RegExp]>([
  [{ labelSelector: 'a=b=c' }, /^400 BadRequest: unable to parse requirement/],
  [{ fieldSelector: 'spec.color=red' }, /^400 BadRequest: field label not supported: spec\.color/],
  [{ resourceVersion: 'x' }, /^400 BadRequest: Invalid value: "x"/],
  [{ resourceVersionMatch: 'Exact' }, /^400 BadRequest: resourceVersionMatch is forbidden unless/],
  [{ resourceVersion: '0', resourceVersionMatch: 'Exact' }, /^400 BadRequest/],
  [{ continue: 'nonsense' }, /^400 BadRequest: continue key is not valid/],
  [
    { resourceVersion: '99999', resourceVersionMatch: 'Exact' },
    /^504 Timeout: Timeout: Too large resource version: 99999/,
  ],
])('list %j is refused', (change, refusal) => {
  expect(new Stage().refusal({ verb: 'list', ...pods, ...change } as ApiRequest)).toMatch(refusal)
})

test('pages are of one revision; compaction ends them with 410', () => {
  const stage = new Stage()
  for (const name of ['a', 'b', 'c', 'd']) stage.createPod(name, {}, { labels: { app: name === 'b' ? 'db' : 'web' } })
  const first = stage.ask({ verb: 'list', ...pods, limit: 2 }).body as ObjectList
  expect([first.items.length, first.metadata.remainingItemCount]).toEqual([2, 2])
  stage.createPod('e')
  const next = { verb: 'list', ...pods, limit: 2, continue: first.metadata.continue } as const
  const second = stage.ask(next).body as ObjectList
  expect(second.items.map((item) => item.metadata.name)).toEqual(['c', 'd'])
  expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion })
  const selected = stage.ask({ verb: 'list', ...pods, limit: 2, labelSelector: 'app=web' }).body as ObjectList
  expect(selected.items.map((item) => item.metadata.name)).toEqual(['a', 'c'])
  stage.servers[0]?.compactNow(stage.out)
  expect(stage.refusal(next)).toMatch(/^410 Expired: The provided continue parameter is too old/)
  expect(stage.refusal({ verb: 'list', ...pods, resourceVersion: '3', resourceVersionMatch: 'Exact' })).toMatch(
    /^410 Expired/,
  )
  expect(stage.out.takeNotes('history-compacted')).toHaveLength(1)
})

test('not older than: waits for the cache, 504 after three seconds', () => {
  const stage = new Stage()
  stage.servers[0]?.holdCache('pods', stage.out)
  const pod = stage.createPod('a')
  const request = {
    verb: 'list',
    ...pods,
    resourceVersion: pod.metadata.resourceVersion,
    resourceVersionMatch: 'NotOlderThan',
  } as const
  const late = stage.send(request)
  stage.out.advance(3 * SECOND)
  const refused = stage.answer(late)
  expect([refused?.code, (refused?.body as Status).message]).toEqual([
    504,
    expect.stringMatching(/^Timeout: Too large resource version: \d+, current: \d+$/),
  ])
  const intime = stage.send(request)
  expect(stage.answer(intime)).toBeUndefined()
  stage.servers[0]?.releaseCache('pods', stage.out)
  expect((stage.answer(intime)?.body as ObjectList).items).toHaveLength(1)
  expect(stage.out.takeNotes('cache-released')).toMatchObject([{ resource: 'pods', events: 1 }])
})

test('a held cache serves the past on its server only; writes and consistent reads see the present', () => {
  const stage = new Stage(2)
  stage.createPod('a')
  stage.servers[1]?.holdCache('all', stage.out)
  stage.createPod('b')
  const cached = { verb: 'list', ...pods, resourceVersion: '0' } as const
  expect([names(stage, cached, 0), names(stage, cached, 1), names(stage, { verb: 'list', ...pods }, 1)]).toEqual([
    ['a', 'b'],
    ['a'],
    ['a', 'b'],
  ])
  expect(stage.out.takeNotes('stale-read')).toHaveLength(1)
  rename(stage, 'a', { step: '1' }, 0)
  expect(rename(stage, 'a', { other: '2' }, 1).metadata.labels).toEqual({ app: 'web', step: '1', other: '2' })
  expect(stage.servers[1]?.cacheRevision('pods')).toBeLessThan(stage.servers[0]?.cacheRevision('pods') as number)
  stage.servers[1]?.releaseCache('all', stage.out)
  expect(names(stage, cached, 1)).toEqual(['a', 'b'])
})

test('a watch from a version gets what came after; from 0 the state first', () => {
  const stage = new Stage()
  const first = stage.createPod('a')
  const past = stage.send({ verb: 'watch', ...pods, resourceVersion: first.metadata.resourceVersion })
  const second = stage.createPod('b')
  const all = stage.send({ verb: 'watch', ...pods, resourceVersion: '0', allowWatchBookmarks: true })
  expect(stage.answer(past)?.code).toBe(200)
  expect(stage.lines(past)).toEqual([`ADDED b ${second.metadata.resourceVersion}`])
  const now = stage.servers[0]?.cacheRevision('pods')
  expect(stage.lines(all)).toEqual([
    `ADDED a ${first.metadata.resourceVersion}`,
    `ADDED b ${second.metadata.resourceVersion}`,
    `BOOKMARK ${now}`,
  ])
  const third = rename(stage, 'a', { x: '1' })
  stage.object({ verb: 'delete', ...pods, name: 'b' })
  const lines = [`MODIFIED a ${third.metadata.resourceVersion}`, `DELETED b ${stage.etcd.revision}`]
  expect(stage.lines(past)).toEqual(lines)
  expect(stage.lines(all)).toEqual(lines)
  stage.servers[0]?.onMessage(stage.client, { type: 'api-cancel', id: past } as never, stage.out)
  stage.createPod('c')
  expect(stage.lines(past)).toEqual([])
  expect(stage.lines(all)).toHaveLength(1)
  expect(stage.servers[0]?.watchCount()).toBe(1)
  stage.servers[0]?.onDisconnect(stage.client, stage.out)
  expect(stage.servers[0]?.watchCount()).toBe(0)
})

test('watchers get only what they selected; leaving a selection is a deletion', () => {
  const stage = new Stage()
  const watch = (change: Partial<ApiRequest>) =>
    stage.send({ verb: 'watch', resource: 'pods', ...change } as ApiRequest)
  const node = watch({ fieldSelector: 'spec.nodeName=node-0' } as never)
  const label = watch({ namespace: 'default', labelSelector: 'app=web' } as never)
  const name = watch({ namespace: 'default', fieldSelector: 'metadata.name=a' } as never)
  const pending = watch({ fieldSelector: 'spec.nodeName=' } as never)
  const elsewhere = watch({ namespace: 'kube-system' })
  const a = stage.createPod('a')
  const b = stage.createPod('b', {}, { labels: { app: 'db' } })
  stage.ask({ verb: 'create', ...pods, name: 'a', subresource: 'binding', object: { target: { name: 'node-0' } } })
  const bound = stage.getPod('a') as Pod
  const left = rename(stage, 'a', { app: null })
  const back = rename(stage, 'a', { app: 'web' })
  const version = (pod: Pod) => pod.metadata.resourceVersion
  expect(stage.lines(node)).toEqual([
    `ADDED a ${version(bound)}`,
    `MODIFIED a ${version(left)}`,
    `MODIFIED a ${version(back)}`,
  ])
  expect(stage.lines(label)).toEqual([
    `ADDED a ${version(a)}`,
    `MODIFIED a ${version(bound)}`,
    `DELETED a ${version(left)}`,
    `ADDED a ${version(back)}`,
  ])
  expect(stage.lines(name)).toHaveLength(4)
  expect(stage.lines(pending)).toEqual([
    `ADDED a ${version(a)}`,
    `ADDED b ${version(b)}`,
    `DELETED a ${version(bound)}`,
  ])
  expect(stage.lines(elsewhere)).toEqual([])
})

test('bookmarks come about every minute when something moved, and at the end of a watch', () => {
  const stage = new Stage()
  const watch = stage.send({
    verb: 'watch',
    ...pods,
    labelSelector: 'app=db',
    allowWatchBookmarks: true,
    timeoutSeconds: 150,
    resourceVersion: String(stage.etcd.revision),
  })
  const pod = stage.createPod('a')
  stage.out.advance(MINUTE)
  expect(stage.lines(watch)).toEqual([`BOOKMARK ${pod.metadata.resourceVersion}`])
  stage.out.advance(MINUTE)
  expect(stage.lines(watch)).toEqual([])
  const other = stage.createPod('b')
  stage.out.advance(30 * SECOND)
  expect(stage.lines(watch)).toEqual([`BOOKMARK ${other.metadata.resourceVersion}`])
  expect(stage.hasEnded(watch)).toBe(true)
  expect(stage.out.takeNotes('watch-closed')).toMatchObject([{ reason: 'timeout' }])
})

test('a version older than the ring gets 410 and an end', () => {
  const stage = new Stage(1, { watchCacheCapacity: 2 })
  const first = stage.createPod('a')
  for (const name of ['b', 'c', 'd']) stage.createPod(name)
  const watch = stage.send({ verb: 'watch', ...pods, resourceVersion: first.metadata.resourceVersion })
  expect(stage.lines(watch)).toEqual(['ERROR 410'])
  expect(stage.hasEnded(watch)).toBe(true)
  expect(stage.servers[0]?.watchCount()).toBe(0)
  const second = stage.send({
    verb: 'watch',
    ...pods,
    resourceVersion: String(Number(first.metadata.resourceVersion) + 1),
  })
  expect(stage.lines(second)).toHaveLength(2)
})

test('watches can be closed by a fault', () => {
  const stage = new Stage()
  const watch = stage.send({ verb: 'watch', ...pods })
  expect(stage.servers[0]?.closeWatches('nodes', stage.out)).toBe(0)
  expect(stage.servers[0]?.closeWatches('pods', stage.out)).toBe(1)
  expect(stage.hasEnded(watch)).toBe(true)
})

test('a watch and a cached read wait for a server that is starting, and no longer than three seconds', () => {
  const stage = new Stage(0)
  for (let i = 0; i < 2; i++) stage.addServer({}, true)
  const waiting = [0, 1].map((server) => stage.send({ verb: 'watch', ...pods }, server))
  const reading = stage.send({ verb: 'list', ...pods, resourceVersion: '0' }, 0)
  const stopped = stage.send({ verb: 'watch', ...pods }, 0)
  stage.servers[0]?.onMessage(stage.client, { type: 'api-cancel', id: stopped } as never, stage.out)
  expect(waiting.map((id) => stage.answer(id)?.code)).toEqual([undefined, undefined])
  for (const connection of stage.connections.slice(0, 1)) {
    connection.isParked = false
    connection.answerParked()
  }
  stage.out.advance(3 * SECOND)
  expect(waiting.map((id) => stage.answer(id)?.code)).toEqual([200, 429])
  expect(stage.answer(reading)?.code).toBe(200)
  expect(stage.servers[0]?.watchCount()).toBe(1)
})
