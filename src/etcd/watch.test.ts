// The guarantees of a watch (ordered, unique, atomic, reliable, resumable, progress that tells the truth) on the hub alone,
// with clients that are slow at random; and the one historical bug that breaks them.
import { expect, test } from 'vitest'
import { Rand, Streams } from '../kernel/index.ts'
import { RecordingOut } from '../kernel/testing.ts'
import { StateMachine } from './apply.ts'
import { ETCD_DECISIONS, type EtcdDecisions } from './decisions.ts'
import type { MemberMessage, WatchEventsMessage } from './messages.ts'
import { completeEtcdOptions } from './options.ts'
import { inRange, prefixEnd, type StoreEvent } from './types.ts'
import { WatchHub } from './watch.ts'

function hubOf(watchWindow: number, decisions: Partial<EtcdDecisions> = {}) {
  const options = completeEtcdOptions({
    name: 'etcd-0',
    index: 0,
    members: [1],
    streams: new Streams(1),
    watchWindow,
    watchBatchEvents: 4,
    decisions,
  })
  const machine = new StateMachine({ ...ETCD_DECISIONS, ...decisions })
  const out = new RecordingOut()
  return { machine, out, hub: new WatchHub(options, machine.store) }
}

interface Followed {
  readonly client: number
  readonly id: number
  readonly key: string
  readonly rangeEnd: string | undefined
  readonly start: number
  readonly seen: StoreEvent[]
  upTo: number
  compactedAt: number
}

/** Plays one random run and checks what every watch was shown. Gives how many watches were slow, and how many cancelled. */
function play(
  seed: number,
  decisions: Partial<EtcdDecisions> = {},
): { slow: number; cancelled: number; events: number } {
  const draws = new Rand(seed, 77)
  const { machine, out, hub } = hubOf(draws.intAt(1, 4, 1), decisions)
  const { store } = machine
  const history: StoreEvent[] = []
  const watches: Followed[] = []
  const owed = new Map<number, number>()
  let slow = 0
  const take = () => {
    for (const { to, message } of out.take()) {
      const known = message as MemberMessage
      const watch = watches.find((one) => one.client === to && 'watch' in known && one.id === known.watch)
      if (watch === undefined) continue
      if (known.type === 'etcd-watch-events') {
        owed.set(to, (owed.get(to) ?? 0) + known.acknowledge)
        const events = known.events.map((event) => event.kv as StoreEvent)
        expect(events.length).toBeGreaterThan(0)
        expect(events[0]!.modRevision).toBeGreaterThan(watch.upTo)
        watch.seen.push(...events)
        watch.upTo = known.revision
        for (const event of known.events) {
          const before = history
            .filter((one) => one.key === event.kv.key && one.modRevision < event.kv.modRevision)
            .at(-1)
          if (event.previous !== undefined) expect(event.previous).toBe(before)
        }
      } else if (known.type === 'etcd-watch-cancelled') watch.compactedAt = known.compactRevision
    }
  }
  for (let i = 0; i < 150; i++) {
    const batch = draws.intAt(1, 3, i, 2)
    for (let j = 0; j < batch; j++) {
      const success = Array.from({ length: draws.intAt(1, 2, i, j, 3) }, (_, k) => {
        const key = `/${draws.pickAt(['a', 'b'], i, j, 4)}/${k}${draws.intAt(0, 3, i, j, 5)}`
        return draws.chanceAt(250_000, i, j, 6)
          ? ({ type: 'delete', key } as const)
          : ({ type: 'put', key, value: i } as const)
      })
      machine.apply({ type: 'txn', compare: [], success, failure: [] }, false)
      history.push(...machine.events)
      hub.notice(machine.events)
    }
    hub.flush(out)
    if (draws.chanceAt(200_000, i, 7) && watches.length < 8) {
      const client = draws.intAt(2, 4, i, 8)
      const isPrefix = draws.chanceAt(700_000, i, 9)
      const key = isPrefix ? `/${draws.pickAt(['a', 'b'], i, 10)}/` : '/a/01'
      const rangeEnd = isPrefix ? prefixEnd(key) : undefined
      const start = draws.intAt(Math.max(1, store.compactRevision), store.revision + 2, i, 11)
      const watch: Followed = { client, id: i + 1, key, rangeEnd, start, seen: [], upTo: start - 1, compactedAt: 0 }
      watches.push(watch)
      const request = { watch: i + 1, key, rangeEnd, startRevision: start, previousValue: true, progressNotify: false }
      hub.create(client, { type: 'etcd-watch-create', ...request }, out)
    }
    if (draws.chanceAt(80_000, i, 12)) {
      const revision = draws.intAt(store.compactRevision, store.revision, i, 13)
      if (machine.apply({ type: 'compact', revision }, false) === undefined) hub.historyChanged(out)
    }
    take()
    slow = Math.max(slow, hub.unsyncedCount)
    for (const [client, count] of owed) {
      if (count > 0 && draws.chanceAt(client === 2 ? 30_000 : 500_000, i, client, 14)) {
        owed.set(client, 0)
        hub.acknowledge(client, count, out)
      }
    }
    out.advance(draws.intAt(0, 60_000, i, 15))
  }
  // Everyone takes in everything.
  for (let round = 0; round < 400; round++) {
    take()
    for (const [client, count] of owed) {
      owed.set(client, 0)
      if (count > 0) hub.acknowledge(client, count, out)
    }
    out.advance(100_000)
  }
  take()
  let cancelled = 0
  let events = 0
  for (const watch of watches) {
    const wanted = history.filter(
      (event) => event.modRevision >= watch.start && inRange(event.key, watch.key, watch.rangeEnd),
    )
    events += watch.seen.length
    if (watch.compactedAt > 0) {
      cancelled++
      // A prefix of what it wanted, then an end that says why.
      expect(watch.seen).toEqual(wanted.slice(0, watch.seen.length))
    } else expect(watch.seen).toEqual(wanted)
  }
  return { slow, cancelled, events }
}

test('every watch is shown exactly what it asked for, or a prefix and the compaction that ended it', () => {
  let slow = 0
  let cancelled = 0
  let events = 0
  for (let seed = 1; seed <= 60; seed++) {
    const seen = play(seed)
    slow += seen.slow
    cancelled += seen.cancelled
    events += seen.events
  }
  expect(slow).toBeGreaterThan(40)
  expect(cancelled).toBeGreaterThan(8)
  expect(events).toBeGreaterThan(4_000)
})

test('moving on when the cancellation could not be delivered leaves a hole', () => {
  const runs = Array.from({ length: 20 }, (_, i) => i + 1)
  const broken = runs.filter((seed) => {
    try {
      play(seed, { nextAfterUndeliverableCancel: (_next, current) => current + 1 })
      return false
    } catch {
      return true
    }
  })
  expect(broken.length).toBeGreaterThan(0)
})

test('a compaction at the revision of a deletion: a watch from there sees it, with the defect it does not', () => {
  for (const [decisions, count] of [
    [{}, 1],
    [{ keepsTombstone: () => false }, 0],
  ] as const) {
    const { machine, out, hub } = hubOf(10, decisions)
    machine.apply({ type: 'put', key: 'a', value: 1 }, false)
    machine.apply({ type: 'delete', key: 'a' }, false)
    machine.apply({ type: 'compact', revision: 3 }, false)
    const request = {
      watch: 1,
      key: 'a',
      rangeEnd: undefined,
      startRevision: 3,
      previousValue: true,
      progressNotify: false,
    }
    hub.create(5, { type: 'etcd-watch-create', ...request }, out)
    expect(out.take().filter(({ message }) => message.type === 'etcd-watch-events')).toHaveLength(count)
  }
})

test('progress is told once every watch of the client has caught up', () => {
  const { machine, out, hub } = hubOf(1)
  const request = { key: 'a', rangeEnd: undefined, startRevision: 2, previousValue: false, progressNotify: true }
  hub.create(5, { type: 'etcd-watch-create', watch: 1, ...request }, out)
  for (let i = 0; i < 3; i++) {
    machine.apply({ type: 'put', key: 'a', value: i }, false)
    hub.notice(machine.events)
    hub.flush(out)
  }
  hub.requestProgress(5, out)
  expect(out.take().map(({ message }) => message.type)).toEqual(['etcd-watch-created', 'etcd-watch-events'])
  hub.acknowledge(5, 1, out)
  hub.acknowledge(5, 1, out)
  expect(out.take().map(({ message }) => message.type)).toEqual(['etcd-watch-events', 'etcd-watch-progress'])
  // Who was told of events needs no news of progress at the end of the same ten minutes.
  out.advance(600_000_000)
  expect(out.take()).toEqual([])
  out.advance(600_000_000)
  expect(out.take().map(({ message }) => message)).toMatchObject([
    { type: 'etcd-watch-progress', watch: 1, revision: 4 },
  ])
})

test('a watch without previous values gets none; a cancelled one gets nothing more', () => {
  const { machine, out, hub } = hubOf(10)
  const request = { key: 'a', rangeEnd: undefined, startRevision: 0, progressNotify: false }
  hub.create(5, { type: 'etcd-watch-create', watch: 1, previousValue: false, ...request }, out)
  hub.create(6, { type: 'etcd-watch-create', watch: 1, previousValue: true, ...request }, out)
  const write = () => {
    machine.apply({ type: 'put', key: 'a', value: 1 }, false)
    hub.notice(machine.events)
    hub.flush(out)
  }
  write()
  out.clear()
  write()
  const previous = out.take().map(({ message }) => (message as WatchEventsMessage).events[0]?.previous)
  expect(previous).toEqual([undefined, expect.objectContaining({ version: 1 })])
  hub.cancel(5, 1)
  hub.dropClient(6)
  write()
  expect(out.take()).toEqual([])
  expect(hub.watchCount).toBe(0)
})
