/** Requests of a client: rate limits, fail-over between servers, time-outs, and what a caller may know after each. */
import { expect, test } from 'vitest'
import { Streams } from '../kernel/random.ts'
import { MILLISECOND, SECOND } from '../kernel/time.ts'
import type { ApiRequest, ApiResponse, ConfigMap, Status } from '../objects/index.ts'
import { ApiClient } from './apiclient.ts'
import { TokenBucket } from './bucket.ts'
import type { ApiClientOptions } from './options.ts'
import { FakeApi, failure, respond } from './testing.ts'

const map = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
})
const get = (name: string): ApiRequest => ({ verb: 'get', resource: 'configmaps', namespace: 'default', name })

function setUp(frontEnds = 1, options: Partial<ApiClientOptions> = {}) {
  const api = new FakeApi(frontEnds)
  const client = new ApiClient({ servers: api.portsForNextClient(), user: 'test', streams: new Streams(1), ...options })
  api.attach(client)
  const answers: { tag: number; response: ApiResponse; at: number }[] = []
  const receiver = {
    onReply: (tag: number, response: ApiResponse) => {
      answers.push({ tag, response, at: api.now })
    },
  }
  return { api, client, answers, receiver }
}

const reasonOf = (response: ApiResponse | undefined) => (response?.body as Status).reason

test('a call is answered once, after the network and not before', () => {
  const { api, client, answers, receiver } = setUp()
  api.put('configmaps', map('a'))
  client.call(get('a'), receiver, 7, api)
  expect(answers).toEqual([])
  api.advance(SECOND)
  expect(answers.map(({ tag, response, at }) => [tag, response.code, at])).toEqual([[7, 200, 2 * MILLISECOND]])
})

test('a silent server gives code 0 Timeout after 10 s, and the write may have taken effect', () => {
  const { api, client, answers, receiver } = setUp()
  ;(api.frontEnds[0] as { muted: boolean }).muted = true
  client.call({ verb: 'create', resource: 'configmaps', namespace: 'default', object: map('a') }, receiver, 1, api)
  api.advance(9_999 * MILLISECOND)
  expect(answers).toEqual([])
  api.advance(MILLISECOND)
  expect(answers[0]?.response.code).toBe(0)
  expect(reasonOf(answers[0]?.response)).toBe('Timeout')
  expect(api.objects('configmaps').has('default/a')).toBe(true)
  expect(api.takeNotes('client-timeout')).toHaveLength(1)
})

test('after 30 s of silence the client hangs up and goes to another server', () => {
  const { api, client, answers, receiver } = setUp(2)
  client.start(api)
  const first = client.server
  ;(api.frontEnds[first % 100] as { muted: boolean }).muted = true
  api.put('configmaps', map('a'))
  for (let attempt = 0; attempt < 3; attempt++) {
    client.call(get('a'), receiver, attempt, api)
    api.advance(10 * SECOND)
  }
  expect(client.server).not.toBe(first)
  expect(api.hungUp).toEqual([first])
  client.call(get('a'), receiver, 9, api)
  api.advance(SECOND)
  expect(answers.at(-1)?.response.code).toBe(200)
})

test('a lost connection fails what is pending, ends watches and goes to the next server at once', () => {
  const { api, client, answers, receiver } = setUp(2)
  const heard: string[] = []
  const watcher = {
    onWatchOpen: () => heard.push('open'),
    onWatchRefused: () => heard.push('refused'),
    onWatchEvents: () => heard.push('events'),
    onWatchEnd: (_id: number, reason: string) => heard.push(reason),
  } as never
  client.watch({ verb: 'watch', resource: 'configmaps', resourceVersion: '10' }, watcher, api)
  api.advance(SECOND)
  const first = client.server
  client.call(get('a'), receiver, 1, api)
  api.disconnect(first % 100)
  api.advance(SECOND)
  expect(reasonOf(answers[0]?.response)).toBe('ServiceUnavailable')
  expect(heard).toEqual(['open', 'disconnected'])
  client.call(get('a'), receiver, 2, api)
  api.advance(SECOND)
  expect(answers[1]?.response.code).toBe(404)
  expect(client.server).not.toBe(first)
})

test('once every server has refused, dials wait, and calls wait with them', () => {
  const { api, client, answers, receiver } = setUp(2)
  for (const frontEnd of api.frontEnds) frontEnd.up = false
  for (let attempt = 0; attempt < 2; attempt++) {
    client.call(get('a'), receiver, attempt, api)
    api.advance(2 * MILLISECOND)
  }
  expect(answers.map(({ response }) => response.code)).toEqual([0, 0])
  for (const frontEnd of api.frontEnds) frontEnd.up = true
  client.call(get('a'), receiver, 2, api)
  api.advance(100 * MILLISECOND)
  expect(answers).toHaveLength(2)
  api.advance(SECOND)
  expect(answers[2]?.response.code).toBe(404)
})

test('429 is tried again after the time that the server asks for, at most ten times', () => {
  const { api, client, answers, receiver } = setUp()
  api.intercept = () => respond({ ...failure(429, 'TooManyRequests'), details: { retryAfterSeconds: 2 } })
  client.call(get('a'), receiver, 1, api)
  api.advance(5 * SECOND)
  expect(api.requests).toHaveLength(3)
  api.advance(60 * SECOND)
  expect(api.requests).toHaveLength(11)
  expect(answers.map(({ response }) => response.code)).toEqual([429])
})

test.each([
  ['429 without Retry-After', failure(429, 'TooManyRequests')],
  ['429 with nothing to wait for', { ...failure(429, 'TooManyRequests'), details: { retryAfterSeconds: 0 } }],
  ['503 without Retry-After', failure(503, 'ServiceUnavailable')],
])('%s is the answer', (_what, status) => {
  const { api, client, answers, receiver } = setUp()
  api.intercept = () => respond(status)
  client.call(get('a'), receiver, 1, api)
  api.advance(60 * SECOND)
  expect(api.requests).toHaveLength(1)
  expect(answers.map(({ response }) => response.code)).toEqual([status.code])
})

test('a cancelled call is never answered', () => {
  const { api, client, answers, receiver } = setUp()
  const id = client.call(get('a'), receiver, 1, api)
  client.cancel(id, api)
  api.advance(20 * SECOND)
  expect(answers).toEqual([])
  expect(client.pendingCalls).toBe(0)
})

test('requests beyond the burst go out at the rate', () => {
  const { api, client, receiver } = setUp(1, { qps: 10, burst: 5 })
  for (let tag = 0; tag < 25; tag++) client.call(get('a'), receiver, tag, api)
  api.advance(MILLISECOND)
  expect(api.requests).toHaveLength(5)
  api.advance(SECOND)
  expect(api.requests).toHaveLength(15)
})

test.each([
  { perSecond: 10, burst: 1, at: [0, 0, 0], waits: [0, 100_000, 200_000] },
  { perSecond: 10, burst: 2, at: [0, 0, 0], waits: [0, 0, 100_000] },
  { perSecond: 10, burst: 2, at: [0, 0, 200_000, 200_000, 200_000], waits: [0, 0, 0, 0, 100_000] },
  { perSecond: 0, burst: 1, at: [0, 0, 0], waits: [0, 0, 0] },
])('a token bucket of $perSecond/s with burst $burst makes callers wait $waits', ({ perSecond, burst, at, waits }) => {
  const bucket = new TokenBucket(perSecond, burst)
  expect(at.map((now) => bucket.reserve(now))).toEqual(waits)
})

test('the first server is drawn, and differs between clients', () => {
  const drawn = new Set<number>()
  for (let index = 0; index < 20; index++) {
    const client = new ApiClient({ servers: [1, 2], user: `kubelet-${index}`, streams: new Streams(1) })
    client.start(new FakeApi())
    drawn.add(client.server)
  }
  expect([...drawn].sort()).toEqual([1, 2])
})
