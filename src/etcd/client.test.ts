// The client alone, with members played by the test: what is repeated elsewhere, what fails and how, where watches go on.
import { expect, test } from 'vitest'
import { SECOND, Streams } from '../kernel/index.ts'
import { RecordingOut } from '../kernel/testing.ts'
import { EtcdClient, type EtcdClientOptions } from './client.ts'
import type { EtcdWatchReceiver } from './clientwatch.ts'
import * as errors from './errors.ts'
import type { EtcdResult, RequestMessage, WatchCreateMessage } from './messages.ts'
import type { EtcdRequest } from './requests.ts'
import type { KeyValue, WatchEvent } from './types.ts'

class Receiver implements EtcdWatchReceiver {
  readonly replies: [tag: number, result: EtcdResult][] = []
  readonly revisions: number[] = []
  readonly progress: number[] = []
  compacted = 0

  onEtcdReply(tag: number, result: EtcdResult): void {
    this.replies.push([tag, result])
  }
  onEtcdEvents(_watch: number, events: readonly WatchEvent[]): void {
    for (const event of events) this.revisions.push(event.kv.modRevision)
  }
  onEtcdProgress(_watch: number, revision: number): void {
    this.progress.push(revision)
  }
  onEtcdCompacted(_watch: number, compactRevision: number): void {
    this.compacted = compactRevision
  }
}

function setUp(options: Partial<EtcdClientOptions> = {}) {
  const client = new EtcdClient({ endpoints: [11, 12, 13], name: 'api-0', streams: new Streams(1), ...options })
  return { client, out: new RecordingOut(), receiver: new Receiver() }
}

const DONE: EtcdResult = { ok: true, value: { type: 'put', revision: 2, previous: undefined } }

function requests(out: RecordingOut): [to: number, type: string, id: number][] {
  return out.take().flatMap(({ to, message }): [number, string, number][] => {
    if (message.type !== 'etcd-request') return []
    const { request, id } = message as RequestMessage
    return [[to, request.type, id]]
  })
}

function event(modRevision: number): WatchEvent {
  const kv: KeyValue = { key: 'a', value: 1, bytes: 1, createRevision: 1, modRevision, version: 1, lease: 0 }
  return { type: 'put', kv, previous: undefined }
}

function created(out: RecordingOut): [to: number, startRevision: number][] {
  return out.take().flatMap(({ to, message }): [number, number][] => {
    return message.type === 'etcd-watch-create' ? [[to, (message as WatchCreateMessage).startRevision]] : []
  })
}

test('when the connection breaks reads are repeated elsewhere, writes fail and may have taken effect', () => {
  const { client, out, receiver } = setUp()
  client.range({ key: 'a' }, receiver, 1, out)
  client.put({ key: 'a', value: 1 }, receiver, 2, out)
  const first = client.endpoint
  expect(requests(out).map(([to, type]) => [to, type])).toEqual([
    [first, 'range'],
    [first, 'put'],
  ])
  client.onDisconnect(first, out)
  expect(receiver.replies).toEqual([[2, errors.CONNECTION_LOST]])
  out.advance(1)
  expect(client.endpoint).not.toBe(first)
  expect(requests(out).map(([to, type]) => [to, type])).toEqual([[client.endpoint, 'range']])
})

test('after a round of dead members it pauses, longer each time, and goes on asking', () => {
  const { client, out, receiver } = setUp()
  client.range({ key: 'a' }, receiver, 1, out)
  const moments: number[] = []
  for (let i = 0; i < 12; i++) {
    client.onDisconnect(client.endpoint, out)
    out.take()
    const from = out.now
    while (out.streamed.length === 0) out.fireNext()
    moments.push(out.now - from)
  }
  expect(moments.slice(0, 2)).toEqual([0, 0])
  expect(moments[2]).toBeGreaterThanOrEqual(50_000)
  expect(moments.at(-1)).toBeGreaterThan(moments[2]!)
  expect(Math.max(...moments)).toBeLessThanOrEqual(SECOND)
})

test('a member that answers that it has lost the others is left: reads are repeated elsewhere, writes are not', () => {
  const { client, out, receiver } = setUp()
  client.range({ key: 'a' }, receiver, 1, out)
  client.put({ key: 'a', value: 1 }, receiver, 2, out)
  const first = client.endpoint
  const [[, , range], [, , put]] = requests(out) as [[number, string, number], [number, string, number]]
  client.onMessage(first, { type: 'etcd-reply', id: put, result: errors.WRITE_TIMED_OUT } as never, out)
  client.onMessage(first, { type: 'etcd-reply', id: range, result: errors.READ_TIMED_OUT } as never, out)
  expect(receiver.replies).toEqual([[2, errors.WRITE_TIMED_OUT]])
  expect(out.hungUp).toEqual([first])
  out.advance(1)
  expect(requests(out)).toEqual([[client.endpoint, 'range', range]])
  expect(client.endpoint).not.toBe(first)
})

test.each<[EtcdRequest, boolean]>([
  [{ type: 'range', key: 'a' }, true],
  [{ type: 'put', key: 'a', value: 1 }, false],
  [{ type: 'delete', key: 'a' }, false],
  [{ type: 'txn', compare: [], success: [{ type: 'range', key: 'a' }], failure: [] }, false],
  [{ type: 'compact', revision: 3 }, false],
  [{ type: 'lease-grant', lease: 1, ttlSeconds: 5 }, true],
  [{ type: 'lease-revoke', lease: 1 }, true],
  [{ type: 'lease-time-to-live', lease: 1 }, true],
  [{ type: 'lease-list' }, true],
  [{ type: 'member-list' }, true],
  [{ type: 'member-add', process: 14 }, false],
  [{ type: 'member-remove', member: 2 }, false],
  [{ type: 'member-promote', member: 2 }, false],
  [{ type: 'alarm', action: 'get', member: 0, alarm: 'any' }, true],
  [{ type: 'status' }, true],
  [{ type: 'hash' }, true],
  [{ type: 'defragment' }, false],
  [{ type: 'move-leader', to: 2 }, true],
])('is $type repeated when the connection breaks? %j', (request, isRepeated) => {
  const { client, out, receiver } = setUp()
  client.call(request, receiver, 1, out)
  client.onDisconnect(client.endpoint, out)
  out.clear()
  out.advance(1)
  expect(requests(out).length).toBe(isRepeated ? 1 : 0)
  expect(receiver.replies).toEqual(isRepeated ? [] : [[1, errors.CONNECTION_LOST]])
})

test('a grant that was sent and never answered may have taken effect', () => {
  const { client, out, receiver } = setUp()
  client.leaseGrant({ lease: 1, ttlSeconds: 5 }, receiver, 1, out)
  for (let i = 0; i < 40 && receiver.replies.length === 0; i++) {
    client.onDisconnect(client.endpoint, out)
    out.advance(SECOND / 2)
  }
  expect(receiver.replies).toEqual([[1, errors.WRITE_DEADLINE]])
})

test('the list of members is asked for now and then: who left is left, learners are not asked', () => {
  const { client, out, receiver } = setUp({ autoSyncMicros: 30 * SECOND, timeoutMicros: 100 * SECOND })
  client.range({ key: 'a' }, receiver, 1, out)
  const first = client.endpoint
  out.advance(30 * SECOND)
  const asked = requests(out)
  expect(asked.map(([, type]) => type)).toEqual(['range', 'member-list'])
  const members = [first === 11 ? 12 : 11, 21, 22].map((process, i) => ({ member: i + 1, process, isLearner: i === 2 }))
  const result: EtcdResult = { ok: true, value: { type: 'members', members } }
  client.onMessage(first, { type: 'etcd-reply', id: asked[1]?.[2], result } as never, out)
  expect(out.hungUp).toEqual([first])
  const seen = new Set<number>()
  for (let i = 0; i < 4; i++) {
    out.advance(SECOND)
    for (const [to] of requests(out)) seen.add(to)
    client.onDisconnect(client.endpoint, out)
  }
  expect([...seen].sort()).toEqual([members[0]?.process, 21])
})

test('silence is given up after ten seconds: the deadline of each request, and another member', () => {
  const { client, out, receiver } = setUp()
  const first = client.endpoint
  client.put({ key: 'a', value: 1 }, receiver, 1, out)
  out.advance(4 * SECOND)
  client.range({ key: 'a' }, receiver, 2, out)
  out.advance(5.9 * SECOND)
  expect(receiver.replies).toEqual([])
  out.advance(SECOND)
  expect(receiver.replies).toEqual([[1, errors.WRITE_DEADLINE]])
  expect(client.endpoint).not.toBe(first)
  out.advance(10 * SECOND)
  expect(receiver.replies.at(-1)).toEqual([2, errors.READ_DEADLINE])
})

test('answers of a member that was left are ignored', () => {
  const { client, out, receiver } = setUp()
  client.range({ key: 'a' }, receiver, 1, out)
  const first = client.endpoint
  const [[, , id]] = requests(out) as [[number, string, number]]
  client.onDisconnect(first, out)
  client.onMessage(first, { type: 'etcd-reply', id, result: DONE } as never, out)
  expect(receiver.replies).toEqual([])
})

test('a watch goes on behind the last revision that it was given', () => {
  const { client, out, receiver } = setUp()
  const watch = client.watch({ key: 'a', startRevision: 5 }, receiver, out)
  expect(created(out)).toEqual([[client.endpoint, 5]])
  const events = { type: 'etcd-watch-events', watch, acknowledge: 0 }
  client.onMessage(client.endpoint, { ...events, events: [event(5), event(7)], revision: 9 } as never, out)
  client.onDisconnect(client.endpoint, out)
  out.advance(1)
  expect(created(out)).toEqual([[client.endpoint, 10]])
  client.onMessage(client.endpoint, { type: 'etcd-watch-created', watch, revision: 9 } as never, out)
  client.onMessage(client.endpoint, { type: 'etcd-watch-progress', watch: 0, revision: 20 } as never, out)
  client.onDisconnect(client.endpoint, out)
  out.advance(1)
  expect(created(out)).toEqual([[client.endpoint, 21]])
  expect([receiver.revisions, receiver.progress]).toEqual([[5, 7], [20]])
})

test('a watch from now on begins where the member said, even after a change of member', () => {
  const { client, out, receiver } = setUp()
  const watch = client.watch({ key: 'a' }, receiver, out)
  client.onMessage(client.endpoint, { type: 'etcd-watch-created', watch, revision: 33 } as never, out)
  client.onDisconnect(client.endpoint, out)
  out.clear()
  out.advance(1)
  expect(created(out)).toEqual([[client.endpoint, 34]])
})

test('a compacted watch ends; one that lost its leader goes elsewhere; a stopped one is not made again', () => {
  const { client, out, receiver } = setUp()
  const gone = client.watch({ key: 'a', startRevision: 5 }, receiver, out)
  const stays = client.watch({ key: 'b', startRevision: 6 }, receiver, out)
  const stopped = client.watch({ key: 'c', startRevision: 7 }, receiver, out)
  client.stopWatch(stopped, out)
  const cancelled = { type: 'etcd-watch-cancelled', reason: '' }
  client.onMessage(client.endpoint, { ...cancelled, watch: gone, compactRevision: 8 } as never, out)
  expect(receiver.compacted).toBe(8)
  out.clear()
  client.onMessage(client.endpoint, { ...cancelled, watch: stays, compactRevision: 0 } as never, out)
  out.advance(1)
  expect(created(out)).toEqual([[client.endpoint, 6]])
})

test('a member that ends several watches is left once: each of them is made anew once', () => {
  const { client, out, receiver } = setUp({ endpoints: [11] })
  const watches = ['a', 'b', 'c'].map((key) => client.watch({ key, startRevision: 5 }, receiver, out))
  const lost = { type: 'etcd-watch-cancelled', reason: 'no leader', compactRevision: 0 }
  for (let round = 0; round < 4; round++) {
    out.clear()
    for (const watch of watches) client.onMessage(11, { ...lost, watch } as never, out)
    out.advance(2 * SECOND)
    expect(created(out)).toEqual([
      [11, 5],
      [11, 5],
      [11, 5],
    ])
  }
})

test('batches are acknowledged when asked', () => {
  const { client, out, receiver } = setUp()
  const watch = client.watch({ key: 'a', startRevision: 5 }, receiver, out)
  out.clear()
  const message = { type: 'etcd-watch-events', watch, events: [event(5)], revision: 5, acknowledge: 3 }
  client.onMessage(client.endpoint, message as never, out)
  expect(out.take().map(({ message: sent }) => sent)).toEqual([{ type: 'etcd-watch-ack', count: 3 }])
})
