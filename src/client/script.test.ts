/** Scripts of a control loop: requests made one after the other, and what happens when one fails. */
import { expect, test } from 'vitest'
import { Streams } from '../kernel/random.ts'
import { MILLISECOND, MINUTE, SECOND } from '../kernel/time.ts'
import type { ConfigMap } from '../objects/index.ts'
import { ApiClient } from './apiclient.ts'
import { ControllerLoop } from './controllerloop.ts'
import { ScriptRunner } from './runner.ts'
import { all, create, get, must, remove, type Script, ScriptError, sleep, splitKey, update } from './script.ts'
import { FakeApi } from './testing.ts'

const map = (name: string, value = ''): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { value },
})

function setUp() {
  const api = new FakeApi()
  const client = new ApiClient({ servers: api.portsForNextClient(), user: 'test', streams: new Streams(4) })
  api.attach(client)
  return { api, runner: new ScriptRunner(client) }
}

test('a script reads straight down: create, read, change, wait, delete', () => {
  const { api, runner } = setUp()
  const results: unknown[] = []
  function* life(): Script<string> {
    must(yield* create('configmaps', map('a', '1')))
    const found = must(yield* get('configmaps', 'default', 'a'))
    const changed = must(yield* update('configmaps', { ...found, data: { value: '2' } }))
    yield* sleep(SECOND)
    must(yield* remove('configmaps', 'default', 'a'))
    return changed.data?.value ?? ''
  }
  runner.spawn(life(), (result) => results.push(result), api)
  api.advance(SECOND)
  expect(results).toEqual([])
  expect(api.objects('configmaps').size).toBe(1)
  api.advance(SECOND)
  expect(results).toEqual(['2'])
  expect(api.objects('configmaps').size).toBe(0)
})

test('a failure is a value; must turns it into the end of the script', () => {
  const { api, runner } = setUp()
  const results: unknown[] = []
  function* soft(): Script<string> {
    const result = yield* get('configmaps', 'default', 'ghost')
    return result.ok ? 'found' : `${result.code} ${result.reason}`
  }
  function* hard(): Script {
    must(yield* get('configmaps', 'default', 'ghost'))
  }
  runner.spawn(soft(), (result) => results.push(result), api)
  runner.spawn(hard(), (result) => results.push(result), api)
  api.advance(SECOND)
  expect(results[0]).toBe('404 NotFound')
  expect(results[1]).toBeInstanceOf(ScriptError)
  expect((results[1] as ScriptError).failure?.code).toBe(404)
})

test('all asks at once and answers in the order of the requests', () => {
  const { api, runner } = setUp()
  api.put('configmaps', map('b'))
  const results: unknown[] = []
  function* both(): Script<readonly number[]> {
    const request = (name: string) => ({ verb: 'get', resource: 'configmaps', namespace: 'default', name }) as const
    const answers = yield* all([request('a'), request('b'), request('c')])
    return answers.map(({ code }) => code)
  }
  runner.spawn(both(), (result) => results.push(result, api.now), api)
  api.advance(SECOND)
  expect(results).toEqual([[404, 200, 404], 2 * MILLISECOND])
})

test('a killed script is dropped where it waits and its owner hears nothing', () => {
  const { api, runner } = setUp()
  const seen: string[] = []
  function* waits(): Script {
    try {
      yield* sleep(SECOND)
      seen.push('woke')
    } finally {
      seen.push('finally')
    }
  }
  const task = runner.spawn(waits(), () => seen.push('done'), api)
  runner.kill(task)
  api.advance(MINUTE)
  expect(seen).toEqual([])
  expect(task.alive).toBe(false)
})

test('an error that is no ScriptError is a bug and stops the run', () => {
  const { api, runner } = setUp()
  function* broken(): Script {
    yield* sleep(1)
    throw new TypeError('bug')
  }
  runner.spawn(broken(), undefined, api)
  expect(() => api.advance(1)).toThrow('bug')
})

test('a control loop runs as many scripts as it has workers, tries failures again, and goes back to what was dropped', () => {
  const { api, runner } = setUp()
  const log: string[] = []
  let failing = 3
  function* sync(key: string): Script {
    log.push(`start ${key}`)
    yield* sleep(10 * MILLISECOND)
    if (key === 'bad' && failing-- > 0) throw new ScriptError('not yet')
    log.push(`end ${key}`)
  }
  const loop = new ControllerLoop({ name: 'test', workers: 2, runner, sync })
  for (const key of ['a', 'bad', 'c']) loop.enqueue(key, api)
  api.advance(SECOND)
  expect(log).toEqual([])
  loop.start(api)
  expect(loop.busy).toBe(2)
  expect(log).toEqual(['start a', 'start bad'])
  loop.enqueue('a', api)
  api.advance(SECOND)
  expect(log.filter((line) => line.endsWith('bad'))).toEqual([
    'start bad',
    'start bad',
    'start bad',
    'start bad',
    'end bad',
  ])
  expect(log.filter((line) => line === 'end a')).toHaveLength(2)
  expect(api.takeNotes('sync-failed')).toHaveLength(3)
  log.length = 0
  loop.enqueue('d', api)
  loop.stop(api)
  api.advance(SECOND)
  expect(log).toEqual(['start d'])
  loop.start(api)
  api.advance(SECOND)
  expect(log).toEqual(['start d', 'start d', 'end d'])
})

test('a key that fails again and again is dropped after so many retries, and is heard of; the next change tries it again', () => {
  const { api, runner } = setUp()
  let tries = 0
  function* sync(): Script {
    tries++
    yield* sleep(MILLISECOND)
    throw new ScriptError('never')
  }
  const loop = new ControllerLoop({ name: 'test', runner, sync, retriesMax: 4 })
  loop.start(api)
  loop.enqueue('a', api)
  api.advance(10 * SECOND)
  expect(tries).toBe(5)
  expect(api.takeNotes('sync-given-up')).toMatchObject([{ controller: 'test', key: 'a', failures: 4 }])
  loop.enqueue('a', api)
  api.advance(10 * SECOND)
  expect(tries).toBe(10)
  expect(api.takeNotes('sync-given-up')).toHaveLength(1)
})

test('a loop over many keys whose scripts never wait does not deepen the stack', () => {
  const { api, runner } = setUp()
  let count = 0
  function* sync(): Script {
    count++
  }
  const loop = new ControllerLoop({ name: 'test', runner, sync })
  for (let index = 0; index < 50_000; index++) loop.enqueue(`key-${index}`, api)
  loop.start(api)
  expect(count).toBe(50_000)
})

test('a burst of news while a sync cannot succeed costs one retry, not all of them', () => {
  const { api, runner } = setUp()
  let isStale = true
  const ends: string[] = []
  function* sync(key: string): Script {
    if (isStale) throw new ScriptError('the cache is out of date')
    ends.push(key)
  }
  const loop = new ControllerLoop({ name: 'test', runner, sync, retriesMax: 5 })
  loop.start(api)
  for (let news = 0; news < 20; news++) loop.enqueue('web', api)
  expect(loop.queue.failures('web')).toBe(1)
  isStale = false
  api.advance(SECOND)
  expect(ends).toEqual(['web'])
})

test('failures one after the other use the retries up', () => {
  const { api, runner } = setUp()
  let tries = 0
  function* sync(): Script {
    tries++
    throw new ScriptError('never')
  }
  const loop = new ControllerLoop({ name: 'test', runner, sync, retriesMax: 3 })
  loop.start(api)
  loop.enqueue('web', api)
  api.advance(10 * SECOND)
  expect(tries).toBe(4)
})

test('keys split into namespace and name', () => {
  expect(splitKey('default/web')).toEqual({ namespace: 'default', name: 'web' })
  expect(splitKey('node-1')).toEqual({ namespace: undefined, name: 'node-1' })
})
