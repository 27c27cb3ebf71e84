// The six guarantees of watches: a table of what breaks which, and watches of a drawn log, shown truly and then spoilt.
import { describe, expect, test } from 'vitest'
import { Rand } from '../kernel/random.ts'
import { type Guarantee, WATCH_GUARANTEES } from './watch.ts'
import {
  describeEvent,
  type LoggedEvent,
  matches,
  type WatchRecord,
  type WatchResponse,
  type WatchStream,
} from './watchlog.ts'

const put = (revision: number, key: string, value = revision): LoggedEvent => ({ revision, key, type: 'put', value })
const gone = (revision: number, key: string): LoggedEvent => ({ revision, key, type: 'delete' })
const list = (...events: LoggedEvent[]): WatchResponse => ({ type: 'events', events })
const part = (...events: LoggedEvent[]): WatchResponse => ({ type: 'events', events, fragment: true })
const progress = (revision: number): WatchResponse => ({ type: 'progress', revision })
const from = (startRevision: number, ...responses: WatchResponse[]): WatchStream => ({ startRevision, responses })

const A = put(2, 'a')
const B = put(3, 'b')
const T1 = put(4, 'a')
const T2 = put(4, 'b')
const D = gone(5, 'a')
const E = put(6, 'a')
const LOG: readonly LoggedEvent[] = [A, B, T1, T2, D, E]
const ALL = { key: 'a', rangeEnd: 'z' }

function brokenBy(log: readonly LoggedEvent[], watch: WatchRecord): Partial<Record<Guarantee, string>> {
  const found: Partial<Record<Guarantee, string>> = {}
  for (const check of WATCH_GUARANTEES) {
    const verdict = check(log, watch)
    if (!verdict.kept)
      found[verdict.guarantee] = verdict.event === undefined ? 'response' : describeEvent(verdict.event)
  }
  return found
}

describe('a table', () => {
  test.each<[name: string, streams: WatchStream[], broken: Partial<Record<Guarantee, string>>]>([
    ['all of it', [from(2, list(A), list(B, T1, T2), list(D, E))], {}],
    ['nothing yet', [from(2)], {}],
    ['a beginning', [from(2, list(A))], {}],
    ['from the middle', [from(4, list(T1, T2))], {}],
    ['fragments of one list', [from(2, list(A, B), part(T1), list(T2, D))], {}],
    ['a list that broke off, asked for again', [from(4, part(T1)), from(4, list(T1, T2))], { unique: 'put a=4 at 4' }],
    ['resumed', [from(2, list(A)), from(3, list(B))], {}],
    ['resumed after progress', [from(2, list(A, B), progress(3)), from(4, list(T1, T2))], {}],
    ['progress', [from(2, progress(1), list(A, B), progress(3), list(T1, T2, D, E), progress(9))], {}],
    ['cancelled, compacted', [from(2, { type: 'cancelled', compactRevision: 4 })], {}],
    ['cancelled by the server for another reason', [from(2, list(A), { type: 'cancelled' }), from(3, list(B))], {}],
    ['the past after the future', [from(2, list(A), list(T1, T2), list(B))], { ordered: 'put b=3 at 3' }],
    ['twice', [from(2, list(A, B), list(B))], { unique: 'put b=3 at 3' }],
    ['twice, by a resumption too early', [from(2, list(A, B)), from(3, list(B))], { unique: 'put b=3 at 3' }],
    ['a transaction in two lists', [from(2, list(A, B, T1), list(T2))], { atomic: 'put b=4 at 4' }],
    ['half a transaction', [from(2, list(A, B, T1), list(D))], { atomic: 'put b=4 at 4', reliable: 'put b=4 at 4' }],
    ['a gap', [from(2, list(A), list(T1, T2))], { reliable: 'put b=3 at 3' }],
    ['what never happened', [from(2, list(A, put(3, 'b', 9)))], { reliable: 'put b=9 at 3', atomic: 'put b=3 at 3' }],
    ['begins too late', [from(2, list(B))], { resumable: 'put a=2 at 2' }],
    ['begins too early', [from(3, list(A, B))], { resumable: 'put a=2 at 2' }],
    ['resumed too late', [from(2, list(A)), from(4, list(T1, T2))], { resumable: 'put b=3 at 3' }],
    ['loses its way after a resumption', [from(2, list(A)), from(3, list(T1, T2))], { resumable: 'put b=3 at 3' }],
    [
      'compacted, it says, but it is not',
      [from(4, { type: 'cancelled', compactRevision: 4 })],
      { resumable: 'response' },
    ],
    ['progress too far', [from(2, list(A), progress(3))], { bookmarkable: 'put b=3 at 3' }],
    ['progress, then the past', [from(2, list(A), progress(3), list(B))], { bookmarkable: 'put b=3 at 3' }],
  ])('%s', (_, streams, broken) => {
    const found = brokenBy(LOG, { watcher: 'w', filter: ALL, streams })
    expect(found).toMatchObject(broken)
    // One mistake often breaks another guarantee too: what comes late is also out of order. No mistake breaks none.
    if (Object.keys(broken).length === 0) expect(found).toEqual({})
  })

  test('filters: what does not match is not missed, and is not to be shown', () => {
    const watch = (filter: WatchRecord['filter'], ...events: LoggedEvent[]): WatchRecord => ({
      watcher: 'w',
      filter,
      streams: [from(2, ...events.map((one) => list(one)))],
    })
    expect(brokenBy(LOG, watch({ key: 'a' }, A, T1, D, E))).toEqual({})
    expect(brokenBy(LOG, watch({ key: 'a', noDelete: true }, A, T1, E))).toEqual({})
    expect(brokenBy(LOG, watch({ key: 'a', noPut: true }, D))).toEqual({})
    expect(brokenBy(LOG, watch({ key: 'a', noPut: true }, D, E))).toMatchObject({ reliable: 'put a=6 at 6' })
    expect(brokenBy(LOG, watch({ key: 'a' }, A, B, T1))).toMatchObject({ reliable: 'put b=3 at 3' })
  })
})

/** A log of transactions of one to three keys. */
function drawnLog(rand: Rand): LoggedEvent[] {
  return Array.from({ length: rand.intAt(4, 30, 1) }, (_, i) =>
    ['a', 'b', 'c']
      .filter((_key, k) => k === i % 3 || rand.chanceAt(300_000, i, k, 2))
      .map((key) => (rand.chanceAt(200_000, i, 3) ? gone(i + 2, key) : put(i + 2, key))),
  ).flat()
}

/** A true watch of the log: lists of whole revisions, some in fragments, some progress, some broken connections. */
function drawnWatch(rand: Rand, log: readonly LoggedEvent[]): WatchRecord {
  const filter = rand.pickAt([ALL, { key: 'a' }, { key: 'a', rangeEnd: 'c' }, { ...ALL, noDelete: true }], 10)
  const end = log.at(-1)!.revision
  let next = rand.intAt(2, 4, 11)
  const streams: WatchStream[] = []
  for (let s = 0; s === 0 || (s < 3 && next <= end); s++) {
    const startRevision = next
    const responses: WatchResponse[] = []
    for (let r = 0; r < 12 && next <= end; r++) {
      const upTo = Math.min(end, next + rand.intAt(0, 3, s, r, 12))
      const events = log.filter((one) => one.revision >= next && one.revision <= upTo && matches(filter, one))
      if (events.length > 1 && rand.chanceAt(200_000, s, r, 13))
        responses.push(part(events[0]!), list(...events.slice(1)))
      else if (events.length > 0) responses.push(list(...events))
      next = upTo + 1
      if (rand.chanceAt(250_000, s, r, 14)) responses.push(progress(upTo))
      // The client knows the last event or progress that it was shown, not what the server had in mind.
      if (rand.chanceAt(150_000, s, r, 15)) break
    }
    const known = responses.flatMap((one) =>
      one.type === 'progress' ? [one.revision] : one.type === 'events' ? one.events.map((event) => event.revision) : [],
    )
    next = Math.max(startRevision, ...known.map((revision) => revision + 1))
    streams.push({ startRevision, responses })
    if (responses.length === 0) break
  }
  return { watcher: 'w', filter, streams }
}

type Flat = { stream: number; response: WatchResponse }

function flat(watch: WatchRecord): Flat[] {
  return watch.streams.flatMap(({ responses }, stream) => responses.map((response) => ({ stream, response })))
}

function rebuilt(watch: WatchRecord, responses: readonly Flat[]): WatchRecord {
  const streams = watch.streams.map((one, stream) => ({
    ...one,
    responses: responses.filter((other) => other.stream === stream).map(({ response }) => response),
  }))
  return { ...watch, streams }
}

/** The place of the `choice`-th response of that form, or undefined. */
function pick(all: readonly Flat[], rand: Rand, fits: (events: readonly LoggedEvent[], at: number) => boolean) {
  const places = all.flatMap(({ response }, at) =>
    response.type === 'events' && response.fragment !== true && fits(response.events, at) ? [at] : [],
  )
  return places.length === 0 ? undefined : rand.pickAt(places, 20)
}

const events = (one: Flat | undefined) => (one?.response.type === 'events' ? one.response.events : [])
const closed = (one: Flat | undefined) => one?.response.type !== 'events' || one.response.fragment !== true

/** Ways to spoil a true watch, with the guarantee that must notice. Undefined: there is nothing to spoil like that. */
const MUTATIONS: Readonly<Record<string, [Guarantee, (all: Flat[], rand: Rand) => Flat[] | undefined]>> = {
  'two lists change places': [
    'ordered',
    (all, rand) => {
      const at = pick(all, rand, (_, i) => events(all[i + 1]).length > 0 && closed(all[i - 1]) && closed(all[i + 1]))
      if (at === undefined) return undefined
      const [first, second] = [all[at]!, all[at + 1]!]
      return all.with(at, { ...first, response: second.response }).with(at + 1, { ...second, response: first.response })
    },
  ],
  'an event is shown again': [
    'unique',
    (all, rand) => {
      const at = pick(all, rand, () => true)
      return at === undefined
        ? undefined
        : all.toSpliced(at + 1, 0, { ...all[at]!, response: list(events(all[at]).at(-1)!) })
    },
  ],
  'a transaction is cut in two': [
    'atomic',
    (all, rand) => {
      const at = pick(
        all,
        rand,
        (shown, i) => closed(all[i - 1]) && shown.length > 1 && shown[0]!.revision === shown[1]!.revision,
      )
      if (at === undefined) return undefined
      const [first, ...rest] = events(all[at])
      return all.toSpliced(at, 1, { ...all[at]!, response: list(first!) }, { ...all[at]!, response: list(...rest) })
    },
  ],
  'an event in the middle is lost': [
    'reliable',
    (all, rand) => {
      const at = pick(all, rand, (shown) => shown.length > 2)
      if (at === undefined) return undefined
      return all.with(at, { ...all[at]!, response: list(...events(all[at]).toSpliced(1, 1)) })
    },
  ],
  'an event has another value': [
    'reliable',
    (all, rand) => {
      const at = pick(all, rand, (shown) => shown[0]!.type === 'put')
      if (at === undefined) return undefined
      const [first, ...rest] = events(all[at])
      return all.with(at, { ...all[at]!, response: list({ ...first!, value: 'other' }, ...rest) })
    },
  ],
  'the first event of a stream is lost': [
    'resumable',
    (all, rand) => {
      const at = pick(all, rand, (shown, i) => {
        const before = all.slice(0, i).some((one) => one.stream === all[i]!.stream && events(one).length > 0)
        return !before && shown.length > 1 && shown[0]!.revision < shown[1]!.revision
      })
      if (at === undefined) return undefined
      return all.with(at, { ...all[at]!, response: list(...events(all[at]).slice(1)) })
    },
  ],
  'progress is told before the events': [
    'bookmarkable',
    (all, rand) => {
      const at = pick(all, rand, (_, i) => closed(all[i - 1]))
      if (at === undefined) return undefined
      return all.toSpliced(at, 0, { ...all[at]!, response: progress(events(all[at]).at(-1)!.revision) })
    },
  ],
}

test('a true watch keeps all six, however it is cut, filtered and resumed', () => {
  let resumed = 0
  for (let seed = 1; seed <= 700; seed++) {
    const rand = new Rand(seed, 3)
    const log = drawnLog(rand)
    const watch = drawnWatch(rand, log)
    expect({ seed, broken: brokenBy(log, watch) }).toEqual({ seed, broken: {} })
    if (watch.streams.length > 1) resumed++
  }
  expect(resumed).toBeGreaterThan(180)
})

test.each(Object.entries(MUTATIONS))('%s: the right guarantee notices', (_, [guarantee, spoil]) => {
  let spoilt = 0
  for (let seed = 1; seed <= 700; seed++) {
    const rand = new Rand(seed, 3)
    const log = drawnLog(rand)
    const watch = drawnWatch(rand, log)
    const responses = spoil(flat(watch), rand)
    if (responses === undefined) continue
    spoilt++
    const broken = brokenBy(log, rebuilt(watch, responses))
    expect({ seed, broken: Object.keys(broken) }).toEqual({ seed, broken: expect.arrayContaining([guarantee]) })
  }
  expect(spoilt).toBeGreaterThan(140)
})
