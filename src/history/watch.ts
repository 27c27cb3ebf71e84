/**
 * The six guarantees of a watch, each as a check of what a watcher was shown against what truly happened. After etcd's API
 * guarantees (etcd.io/docs, learning/api_guarantees): ordered, unique, atomic, reliable, resumable, bookmarkable.
 */
import {
  describeEvent,
  type LoggedEvent,
  matches,
  sameEvent,
  type WatchRecord,
  type WatchResponse,
  type WatchStream,
} from './watchlog.ts'

export type Guarantee = 'ordered' | 'unique' | 'atomic' | 'reliable' | 'resumable' | 'bookmarkable'

export type GuaranteeVerdict =
  | { readonly guarantee: Guarantee; readonly kept: true }
  | {
      readonly guarantee: Guarantee
      readonly kept: false
      readonly watcher: string
      /** Where: places in the record's streams and in the stream's responses. */
      readonly stream: number
      readonly response: number
      /** The first event at fault: one that was shown, or one that was not. Undefined: the response itself is. */
      readonly event: LoggedEvent | undefined
      readonly message: string
    }

export type GuaranteeCheck = (log: readonly LoggedEvent[], watch: WatchRecord) => GuaranteeVerdict

interface Place {
  readonly stream: number
  readonly response: number
}

interface Shown extends Place {
  readonly event: LoggedEvent
}

/** Revisions never fall: an event is never shown after one that happened later. */
export const ordered: GuaranteeCheck = (_, watch) => {
  let latest = 0
  for (const shown of eventsOf(watch)) {
    const { revision } = shown.event
    if (revision < latest) return broken('ordered', watch, shown, shown.event, `shown after revision ${latest}`)
    latest = revision
  }
  return { guarantee: 'ordered', kept: true }
}

/** No event is shown twice, not even after a resumption. A transaction writes a key once, so revision and key name it. */
export const unique: GuaranteeCheck = (_, watch) => {
  const seen = new Set<string>()
  for (const shown of eventsOf(watch)) {
    const name = `${shown.event.revision} ${shown.event.key}`
    if (seen.has(name)) return broken('unique', watch, shown, shown.event, 'shown twice')
    seen.add(name)
  }
  return { guarantee: 'unique', kept: true }
}

/** A list of events has whole revisions: all that matches of a transaction, and nothing of it in another list. */
export const atomic: GuaranteeCheck = (log, watch) => {
  const wanted = new Map<number, LoggedEvent[]>()
  for (const event of log) {
    if (!matches(watch.filter, event)) continue
    const others = wanted.get(event.revision)
    if (others === undefined) wanted.set(event.revision, [event])
    else others.push(event)
  }
  for (const [stream, { responses }] of watch.streams.entries()) {
    for (const { events, response } of listsOf(responses)) {
      const place = { stream, response }
      for (const event of events) {
        const whole = wanted.get(event.revision) ?? []
        const missing = whole.find((one) => !events.some((other) => sameEvent(one, other)))
        if (missing !== undefined)
          return broken('atomic', watch, place, missing, `missing from the list that has ${describeEvent(event)}`)
      }
    }
  }
  return { guarantee: 'atomic', kept: true }
}

/** Nothing is left out between two events of a stream, and nothing is shown that did not happen. */
export const reliable: GuaranteeCheck = (log, watch) => {
  const wanted = log.filter((event) => matches(watch.filter, event))
  const known = new Set(wanted.map(nameOf))
  for (const [stream, one] of watch.streams.entries()) {
    const shown = eventsOfStream(one, stream)
    const strange = shown.find(({ event }) => !known.has(nameOf(event)))
    if (strange !== undefined) return broken('reliable', watch, strange, strange.event, 'did not happen like that')
    const first = shown.reduce((least, { event }) => Math.min(least, event.revision), Number.POSITIVE_INFINITY)
    const names = new Set(shown.map(({ event }) => nameOf(event)))
    let latest = 0
    for (const { event } of shown) latest = Math.max(latest, event.revision)
    const missing = wanted.find(
      (event) => event.revision >= first && event.revision <= latest && !names.has(nameOf(event)),
    )
    if (missing === undefined) continue
    const after = shown.find(({ event }) => event.revision > missing.revision) ?? shown.at(-1)!
    return broken('reliable', watch, after, missing, `left out before ${describeEvent(after.event)}`)
  }
  return { guarantee: 'reliable', kept: true }
}

/**
 * A watch begins with the first event at or after the revision that it asked for, or is told that this is compacted; and
 * one that asks for what comes after the last that it knows misses nothing in between.
 */
export const resumable: GuaranteeCheck = (log, watch) => {
  const wanted = log.filter((event) => matches(watch.filter, event))
  let next = watch.streams[0]?.startRevision ?? 0
  for (const [stream, { startRevision, responses }] of watch.streams.entries()) {
    const begin = { stream, response: 0 }
    const skipped = wanted.find((event) => event.revision >= next && event.revision < startRevision)
    if (skipped !== undefined)
      return broken('resumable', watch, begin, skipped, `skipped: resumed at ${startRevision} instead of ${next}`)
    next = startRevision
    let began = false
    for (const [response, one] of responses.entries()) {
      const place = { stream, response }
      if (one.type === 'cancelled' && one.compactRevision !== undefined && next >= one.compactRevision)
        return broken(
          'resumable',
          watch,
          place,
          undefined,
          `cancelled at ${one.compactRevision}, but it needed ${next}`,
        )
      if (one.type === 'progress') next = Math.max(next, one.revision + 1)
      if (one.type !== 'events') continue
      const first = one.events[0]
      if (!began && first !== undefined) {
        began = true
        if (first.revision < startRevision)
          return broken('resumable', watch, place, first, `shown to a watch from ${startRevision}`)
        const due = wanted.find((event) => event.revision >= startRevision)
        if (due !== undefined && due.revision < first.revision)
          return broken(
            'resumable',
            watch,
            place,
            due,
            `left out: the watch from ${startRevision} began with ${first.revision}`,
          )
      }
      // A list whose end did not arrive is not known whole, so its last revision is asked for again.
      for (const { revision } of one.events)
        next = Math.max(next, one.fragment === true && response === responses.length - 1 ? revision : revision + 1)
    }
  }
  return { guarantee: 'resumable', kept: true }
}

/** When progress is told, everything up to that revision has been shown, and nothing of it comes later. */
export const bookmarkable: GuaranteeCheck = (log, watch) => {
  const wanted = log.filter((event) => matches(watch.filter, event))
  const names = new Set<string>()
  let bookmark = 0
  const start = watch.streams[0]?.startRevision ?? 0
  let at = wanted.findIndex((event) => event.revision >= start)
  if (at < 0) at = wanted.length
  for (const [stream, { responses }] of watch.streams.entries()) {
    for (const [response, one] of responses.entries()) {
      const place = { stream, response }
      if (one.type === 'events') {
        const late = one.events.find((event) => event.revision <= bookmark)
        if (late !== undefined) return broken('bookmarkable', watch, place, late, `shown after progress to ${bookmark}`)
        for (const event of one.events) names.add(nameOf(event))
      }
      if (one.type !== 'progress') continue
      for (; at < wanted.length && wanted[at]!.revision <= one.revision; at++)
        if (!names.has(nameOf(wanted[at]!)))
          return broken('bookmarkable', watch, place, wanted[at], `not shown before progress to ${one.revision}`)
      bookmark = Math.max(bookmark, one.revision)
    }
  }
  return { guarantee: 'bookmarkable', kept: true }
}

/** All six, in the order in which etcd's documentation has them. */
export const WATCH_GUARANTEES: readonly GuaranteeCheck[] = [ordered, unique, reliable, atomic, resumable, bookmarkable]

function nameOf(event: LoggedEvent): string {
  return JSON.stringify([event.revision, event.key, event.type, event.type === 'put' ? event.value : null])
}

function eventsOfStream({ responses }: WatchStream, stream: number): Shown[] {
  return responses.flatMap((one, response) =>
    one.type === 'events' ? one.events.map((event) => ({ event, stream, response })) : [],
  )
}

function eventsOf(watch: WatchRecord): Shown[] {
  return watch.streams.flatMap(eventsOfStream)
}

/** The lists of events with their fragments put together; one whose end did not arrive is left out. */
function listsOf(responses: readonly WatchResponse[]): { events: LoggedEvent[]; response: number }[] {
  const lists: { events: LoggedEvent[]; response: number }[] = []
  let open: LoggedEvent[] = []
  for (const [response, one] of responses.entries()) {
    if (one.type !== 'events') continue
    open = [...open, ...one.events]
    if (one.fragment === true) continue
    lists.push({ events: open, response })
    open = []
  }
  return lists
}

function broken(
  guarantee: Guarantee,
  { watcher }: WatchRecord,
  { stream, response }: Place,
  event: LoggedEvent | undefined,
  what: string,
): GuaranteeVerdict {
  const message = event === undefined ? what : `${describeEvent(event)}: ${what}`
  return { guarantee, kept: false, watcher, stream, response, event, message }
}
