/** Shared informers against a scripted API server: lists, watches, breaks, bookmarks and the order handlers hear. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Streams } from '../kernel/random.ts'
import { MILLISECOND, MINUTE, SECOND } from '../kernel/time.ts'
import { type ConfigMap, keyOf } from '../objects/index.ts'
import { ApiClient } from './apiclient.ts'
import { isTombstone, type Tombstone } from './deltafifo.ts'
import { InformerFactory } from './factory.ts'
import type { InformerFactoryOptions } from './options.ts'
import { FakeApi, failure, respond } from './testing.ts'

const map = (name: string, value = ''): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { value },
})

function setUp(frontEnds = 1, options: InformerFactoryOptions = {}) {
  const api = new FakeApi(frontEnds)
  const client = new ApiClient({ servers: api.portsForNextClient(), user: 'test', streams: new Streams(3) })
  api.attach(client)
  const factory = new InformerFactory(client, options)
  const informer = factory.informer('configmaps', { indexers: { value: (object) => [object.data?.value ?? ''] } })
  const heard: string[] = []
  informer.addHandler({
    onAdd: (object, isInitial) => heard.push(`add ${keyOf(object)}${isInitial ? ' initial' : ''}`),
    onUpdate: (_, object) => heard.push(`update ${keyOf(object)} ${object.data?.value}`),
    onDelete: (object) => heard.push(isTombstone(object) ? `tombstone ${object.key}` : `delete ${keyOf(object)}`),
  })
  return { api, client, factory, informer, heard }
}

/** Keys and versions: what must be equal in the cache and in the store. */
const digest = (objects: Iterable<ConfigMap>) =>
  [...objects].map((object) => `${keyOf(object)}@${object.metadata.resourceVersion}`).sort()

test('list, then watch: handlers hear add, update, delete; indexes follow', () => {
  const { api, factory, informer, heard } = setUp()
  api.put('configmaps', map('a', '1'))
  let synced = 0
  factory.whenSynced(() => synced++)
  factory.start(api)
  expect(informer.hasSynced()).toBe(false)
  api.advance(SECOND)
  expect(informer.hasSynced()).toBe(true)
  expect(synced).toBe(1)
  api.put('configmaps', map('b', '1'))
  api.put('configmaps', map('a', '2'))
  api.advance(SECOND)
  expect(informer.byIndex('value', '1').map(keyOf)).toEqual(['default/b'])
  expect(informer.byIndex('value', '2').map(keyOf)).toEqual(['default/a'])
  api.drop('configmaps', 'default/b')
  api.advance(SECOND)
  expect(heard).toEqual(['add default/a initial', 'add default/b', 'update default/a 2', 'delete default/b'])
  expect(informer.byIndex('value', '1')).toEqual([])
  expect(api.requests.map(({ verb }) => verb)).toEqual(['list', 'watch'])
})

test('the first list asks for any version, the next for at least what was seen; unchanged objects are no news', () => {
  const { api, factory, heard, informer } = setUp()
  api.put('configmaps', map('a'))
  api.put('configmaps', map('b'))
  factory.start(api)
  api.advance(SECOND)
  api.drop('configmaps', 'default/b')
  api.advance(SECOND)
  const seen = informer.lastVersion
  api.breakWatches(0, 'gone')
  api.advance(MILLISECOND)
  api.put('configmaps', map('c'))
  api.advance(MINUTE)
  const lists = api.requests.filter(({ verb }) => verb === 'list')
  expect(lists.map((request) => 'resourceVersion' in request && request.resourceVersion)).toEqual(['0', seen])
  expect(heard.slice(2)).toEqual(['delete default/b', 'add default/c'])
})

test('a delete during a watch gap comes as a tombstone when history is gone, and as a delete when it is not', () => {
  for (const compacted of [true, false]) {
    const { api, factory, heard } = setUp()
    api.put('configmaps', map('a'))
    factory.start(api)
    api.advance(SECOND)
    api.disconnect(0)
    api.drop('configmaps', 'default/a')
    if (compacted) api.compact()
    api.advance(MINUTE)
    expect(heard).toEqual(['add default/a initial', compacted ? 'tombstone default/a' : 'delete default/a'])
  }
})

test('a refused list is tried again after 0.8 s to 1.6 s, then about twice as long each time, 30 s at most', () => {
  const { api, factory } = setUp()
  const at: number[] = []
  api.intercept = () => {
    at.push(api.now)
    return respond(failure(500, 'InternalError'))
  }
  factory.start(api)
  api.advance(10 * MINUTE)
  const waits = at.slice(1).map((time, index) => time - (at[index] as number))
  expect(waits[0]).toBeGreaterThan(800 * MILLISECOND)
  expect(waits[0]).toBeLessThan(1_610 * MILLISECOND)
  expect(waits[1]).toBeGreaterThan(1_600 * MILLISECOND)
  expect(Math.max(...waits)).toBeLessThan(60_010 * MILLISECOND)
  expect(waits.length).toBeGreaterThan(10)
})

test('after failing over to a lagging server the client waits for it, and lists the most recent when told to', () => {
  const { api, factory, informer, client } = setUp(2)
  factory.start(api)
  api.advance(SECOND)
  const behind = 1 - (client.server % 100)
  ;(api.frontEnds[behind] as { frozen: boolean }).frozen = true
  api.put('configmaps', map('a'))
  api.advance(SECOND)
  api.disconnect(1 - behind)
  api.advance(SECOND)
  api.breakWatches(behind, 'gone')
  api.advance(5 * SECOND)
  expect(digest(informer.list())).toEqual(digest(api.objects<ConfigMap>('configmaps').values()))
  const lists = api.requests.filter(({ verb }) => verb === 'list') as { resourceVersion?: string }[]
  expect(lists.at(-1)?.resourceVersion).toBeUndefined()
})

test('seam reflector-too-large-rv-stuck: asking for the same version again, the client never gets its list', () => {
  const { api, factory, informer, client } = setUp(2, { decisions: { listVersionAfterTooLarge: (last) => last } })
  factory.start(api)
  api.advance(SECOND)
  const behind = 1 - (client.server % 100)
  ;(api.frontEnds[behind] as { frozen: boolean }).frozen = true
  api.put('configmaps', map('a'))
  api.advance(SECOND)
  api.disconnect(1 - behind)
  api.advance(SECOND)
  api.breakWatches(behind, 'gone')
  api.drop('configmaps', 'default/a')
  api.advance(10 * MINUTE)
  expect(informer.size).toBe(1)
})

test('seam informer-stale-list-time-travel: a restarted client that asks for any version sees what was deleted', () => {
  for (const [decisions, expected] of [
    [{}, 0],
    [{ firstListVersion: () => '0' as const }, 1],
  ] as const) {
    const { api, factory, informer, client } = setUp(2, { firstListVersion: '', decisions })
    client.start(api)
    const behind = client.server % 100
    api.put('configmaps', map('deleted-before-the-restart'))
    ;(api.frontEnds[behind] as { frozen: boolean }).frozen = true
    api.drop('configmaps', 'default/deleted-before-the-restart')
    factory.start(api)
    api.advance(SECOND)
    expect(informer.size).toBe(expected)
  }
})

test('a slow consumer leaves keys in the queue, one handled each lag', () => {
  const { api, factory, informer, heard } = setUp()
  factory.start(api)
  api.advance(SECOND)
  informer.setLag(SECOND)
  for (const name of ['a', 'b', 'c']) api.put('configmaps', map(name))
  api.advance(100 * MILLISECOND)
  expect([informer.size, informer.queued]).toEqual([0, 3])
  api.advance(SECOND)
  expect([informer.size, informer.queued]).toEqual([1, 2])
  informer.setLag(0)
  api.advance(SECOND)
  expect(heard).toEqual(['add default/a', 'add default/b', 'add default/c'])
})

test('seam informer-relist-drops-queued-delete: created and deleted within one gap of a slow consumer', () => {
  const buggy: InformerFactoryOptions = {
    decisions: {
      keysDeletedByReplace: (listed, _queued, stored) => [...stored].filter((key) => !listed.has(key)),
    },
  }
  for (const [options, expected] of [
    [{}, 0],
    [buggy, 1],
  ] as const) {
    const { api, factory, informer } = setUp(1, options)
    factory.start(api)
    api.advance(SECOND)
    informer.setLag(30 * SECOND)
    api.put('configmaps', map('o'))
    api.advance(SECOND)
    api.breakWatches(0, 'gone')
    api.drop('configmaps', 'default/o')
    api.advance(10 * SECOND)
    informer.setLag(0)
    api.advance(5 * MINUTE)
    expect(informer.size).toBe(expected)
  }
})

test('a resync shows every handler the whole store again', () => {
  const { api, factory, heard } = setUp(1, { resyncMicros: 10 * SECOND })
  api.put('configmaps', map('a', '1'))
  factory.start(api)
  api.advance(25 * SECOND)
  expect(heard).toEqual(['add default/a initial', 'update default/a 1', 'update default/a 1'])
})

test('a stopped informer shows nothing more: neither what waited for a slow consumer nor a resync', () => {
  const { api, factory, informer, heard } = setUp(1, { resyncMicros: 20 * SECOND })
  api.put('configmaps', map('a', '1'))
  factory.start(api)
  api.advance(SECOND)
  informer.setLag(10 * SECOND)
  api.put('configmaps', map('a', '2'))
  api.advance(SECOND)
  expect(informer.queued).toBe(1)
  factory.stop(api)
  api.advance(MINUTE)
  expect(heard).toEqual(['add default/a initial'])
})

test('informer-event facts are noted when asked for, and not otherwise', () => {
  for (const observe of [true, false]) {
    const { api, factory } = setUp(1, { observe, name: 'kubelet-1' })
    api.put('configmaps', map('a'))
    factory.start(api)
    api.advance(SECOND)
    const facts = api.takeNotes('informer-event')
    expect(facts).toHaveLength(observe ? 1 : 0)
    if (observe) {
      expect(facts[0]).toMatchObject({ process: 'kubelet-1', key: 'default/a', resourceVersion: '11', change: 'add' })
    }
  }
})

test('one informer for the same resource and selection', () => {
  const { factory, informer } = setUp()
  expect(factory.informer('configmaps')).toBe(informer)
  expect(factory.informer('configmaps', { namespace: 'other' })).not.toBe(informer)
})

type Step =
  | { readonly what: 'put' | 'drop'; readonly name: string; readonly value: string }
  | { readonly what: 'end' | 'gone' | 'disconnect' | 'freeze' | 'thaw'; readonly frontEnd: number }
  | { readonly what: 'lag'; readonly milliseconds: number }
  | { readonly what: 'wait'; readonly milliseconds: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom('put' as const, 'drop' as const),
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      value: fc.constantFrom('1', '2'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constantFrom('end' as const, 'gone' as const, 'disconnect' as const, 'freeze' as const, 'thaw' as const),
      frontEnd: fc.nat(1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('lag' as const), milliseconds: fc.constantFrom(0, 1, 200, 3_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('wait' as const),
      milliseconds: fc.constantFrom(1, 3, 50, 2_000, 40_000),
    }),
  },
)

test('after any watch breaks, relists, lags and failovers the store equals the server, and handlers heard add (update)* delete', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { api, factory, informer } = setUp(2)
      const alive = new Map<string, ConfigMap>()
      let going = 0
      informer.addHandler({
        onAdd: (object) => {
          expect(alive.has(keyOf(object))).toBe(false)
          alive.set(keyOf(object), object)
        },
        onUpdate: (previous, object) => {
          expect(alive.get(keyOf(object))).toBe(previous)
          if (Number(object.metadata.resourceVersion) < Number(previous.metadata.resourceVersion)) going++
          alive.set(keyOf(object), object)
        },
        onDelete: (object: ConfigMap | Tombstone<ConfigMap>) => {
          expect(alive.delete(isTombstone(object) ? object.key : keyOf(object))).toBe(true)
        },
      })
      factory.start(api)
      for (const next of steps) {
        if (next.what === 'put') api.put('configmaps', map(next.name, next.value))
        else if (next.what === 'drop') api.drop('configmaps', `default/${next.name}`)
        else if (next.what === 'end' || next.what === 'gone') api.breakWatches(next.frontEnd, next.what)
        else if (next.what === 'disconnect') api.disconnect(next.frontEnd)
        else if (next.what === 'freeze') (api.frontEnds[next.frontEnd] as { frozen: boolean }).frozen = true
        else if (next.what === 'thaw') api.thaw(next.frontEnd)
        else if (next.what === 'lag') informer.setLag(next.milliseconds * MILLISECOND)
        else if (next.what === 'wait') api.advance(next.milliseconds * MILLISECOND)
      }
      api.thaw(0)
      api.thaw(1)
      informer.setLag(0)
      api.advance(5 * MINUTE)
      expect(digest(informer.list())).toEqual(digest(api.objects<ConfigMap>('configmaps').values()))
      expect(digest(alive.values())).toEqual(digest(informer.list()))
      expect(going).toBe(0)
    }),
    { seed: 14, numRuns: 400 },
  )
})

test('a watch that is held shows everything late; one that is cut lists anew and never shows what came and went', () => {
  for (const fate of ['held', 'cut'] as const) {
    const { api, factory, informer, heard } = setUp()
    api.put('configmaps', map('a', '1'))
    factory.start(api)
    api.advance(SECOND)
    heard.length = 0
    informer.setWatchFate(fate, api)
    api.put('configmaps', map('b', '1'))
    api.advance(SECOND)
    api.drop('configmaps', 'default/b')
    api.put('configmaps', map('a', '2'))
    api.advance(10 * SECOND)
    expect(heard).toEqual([])
    informer.setWatchFate('well', api)
    api.advance(10 * SECOND)
    const missed = fate === 'held' ? ['add default/b', 'delete default/b'] : []
    expect(heard).toEqual([...missed, 'update default/a 2'])
    expect(informer.disturbed).toBe(fate === 'held' ? 3 : 1)
    api.put('configmaps', map('c'))
    api.advance(SECOND)
    expect(heard.at(-1)).toBe('add default/c')
  }
})
