/**
 * Exports by the rules of those who read them. ShiViz: what `js/model/parser.js` and `js/model/modelGraph.js` of
 * DistributedClocks/shiviz refuse. Perfetto: how `src/trace_processor/importers/json` of google/perfetto takes Chrome's JSON:
 * times become whole nanoseconds, a thread's name is found by its number alone, number 0 is the idle process, flows bind to
 * the innermost slice that is open on their track. Each checker is shown to refuse what is wrong.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PLANTED } from '../properties/planted.ts'
import { exportTrace } from './report/index.ts'
import { standardRegistry } from './standard-registry.ts'
import { parseScenario, record } from './trial/index.ts'

const registry = standardRegistry()
for (const mistake of PLANTED) registry.defect(mistake)

/** Crashes, pauses, lost messages, machines that are replaced, requests of clients. */
const NAMES = ['raft-one-leader-per-term', 'pods-of-silent-nodes-are-not-ready', 'terminal-pod-is-not-ready']
const recordings = NAMES.map((name) => {
  const file = `fixtures/catches/${name}.json`
  return [name, record(parseScenario(readFileSync(file, 'utf8'), file), registry)] as const
})

interface Stamped {
  readonly host: string
  readonly clock: Readonly<Record<string, number>>
  readonly event: string
}

/** The events of a log with an expression in its first line and a delimiter in its second. @throws what ShiViz would say */
function readShiviz(text: string): readonly Stamped[] {
  const [expression = '', delimiter = '', ...rest] = text.split('\n')
  for (const name of ['host', 'clock', 'event'])
    if (!expression.includes(`(?<${name}>`)) throw new Error(`no capture group ${name}`)
  if (delimiter !== '') throw new Error('several executions')
  const log = rest.join('\n').trim()
  const events = [...log.matchAll(new RegExp(expression, 'gm'))].map(({ groups }) => {
    const clock = JSON.parse(groups!.clock!) as Record<string, number>
    const host = groups!.host!
    if (!Object.hasOwn(clock, host)) throw new Error(`local host ${host} is missing`)
    return { host, clock, event: groups!.event! }
  })
  // ShiViz passes over what does not match; here nothing may be passed over.
  const lines = events.reduce((sum, { event }) => sum + 1 + event.split('\n').length, 0)
  if (lines !== log.split('\n').length) throw new Error('some lines belong to no event')
  return events
}

/** What ShiViz makes of the events: by host, in the order of the host's own time. @throws what ShiViz would say */
function checkClocks(events: readonly Stamped[]): number {
  const byHost = new Map<string, Stamped[]>()
  for (const event of events) {
    const list = byHost.get(event.host)
    if (list === undefined) byHost.set(event.host, [event])
    else list.push(event)
  }
  let joins = 0
  for (const [host, list] of byHost) {
    list.sort((a, b) => a.clock[host]! - b.clock[host]!)
    for (const [index, { clock }] of list.entries()) {
      if (clock[host] !== index + 1) throw new Error(`the clock of ${host} does not go from ${index} to ${index + 1}`)
      for (const [other, time] of Object.entries(clock)) {
        const others = byHost.get(other)
        if (others === undefined) throw new Error(`unrecognised host ${other}`)
        if (!Number.isInteger(time) || time < 1 || time > others.length) throw new Error(`no event ${time} of ${other}`)
        if (other === host) continue
        joins++
        // What the other knew then is known here: else there would be a path that is none.
        for (const [third, known] of Object.entries(others[time - 1]!.clock))
          if ((clock[third] ?? 0) < known) throw new Error(`an impermissible clock: ${third} at ${host} ${index + 1}`)
      }
    }
  }
  return joins
}

test.each(recordings)('%s: ShiViz reads every line and accepts every clock', (_name, recording) => {
  const events = readShiviz(exportTrace(recording, 'shiviz'))
  expect(events.length).toBe([...recording.kernel.trace.rows()].filter(({ target }) => target !== 0).length)
  expect(checkClocks(events)).toBeGreaterThan(300)
})

const LOG = '(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)\n\n'

test.each([
  ['a {"a":1}\nbegins\na {"a":2}\ngoes on\nb {"b":1,"a":2}\nhears\n', undefined],
  ['a {"a":1}\nbegins\na {"a":3}\ngoes on\n', /does not go from 1 to 2/],
  ['a {"a":2}\nbegins\n', /does not go from 0 to 1/],
  ['a {"b":1}\nbegins\n', /local host a is missing/],
  ['a {"a":1,"c":1}\nbegins\n', /unrecognised host c/],
  ['a {"a":1}\nbegins\nb {"b":1,"a":4}\nhears\n', /no event 4 of a/],
  ['a {"a":1}\nx\nb {"b":1,"a":1}\ny\nc {"c":1,"b":1}\nz\n', /impermissible/],
  ['a {"a":1}\nbegins\nand says more\n', /belong to no event/],
])('ShiViz on %j', (log, says) => {
  const read = () => checkClocks(readShiviz(LOG + log))
  if (says === undefined) expect(read()).toBe(1)
  else expect(read).toThrow(says)
})

interface ChromeEvent {
  readonly ph: string
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly ts?: number
  readonly dur?: number
  readonly id?: number
  readonly cat?: string
  readonly bp?: string
  readonly s?: string
  readonly args?: { readonly name?: string; readonly step?: number }
}

/** Microseconds as Perfetto takes them. */
const nanos = (micros: number | undefined): number => Math.trunc((micros ?? Number.NaN) * 1_000)

/** Goes through the events as Perfetto does. @returns slices and flows */
function checkChrome(events: readonly ChromeEvent[]): { readonly slices: number; readonly flows: number } {
  const names = new Map<number, number>()
  for (const { ph, name, pid, tid, args } of events) {
    if (pid === 0 || tid === 0) throw new Error(`${name} belongs to the idle process`)
    if (ph !== 'M') continue
    if (args?.name === undefined || args.name === '') throw new Error('a name without text')
    if (name !== 'thread_name') continue
    if (names.has(tid)) throw new Error(`two threads have the number ${tid}`)
    names.set(tid, pid)
  }
  const timed = events.filter(({ ph }) => ph !== 'M')
  for (const { ph, name, ts } of timed) {
    if (!'Xisf'.includes(ph)) throw new Error(`${ph} is not understood`)
    if (name === '' || !(nanos(ts) >= 0)) throw new Error(`${name} has no name or no time`)
  }
  // A stable sort: what stands first in the file comes first among equals.
  const sorted = timed.toSorted((a, b) => nanos(a.ts) - nanos(b.ts))
  const open = new Map<number, { readonly until: number; readonly event: ChromeEvent }[]>()
  const begun = new Map<string, ChromeEvent>()
  let slices = 0
  let flows = 0
  for (const event of sorted) {
    const { ph, pid, tid, name } = event
    if (names.get(tid) !== pid) throw new Error(`${name} is on a track without a name`)
    const at = nanos(event.ts)
    const stack = open.get(tid) ?? []
    open.set(tid, stack)
    while (stack.length > 0 && stack.at(-1)!.until <= at) stack.pop()
    if (ph === 'X') {
      const until = at + nanos(event.dur)
      if (!(until >= at)) throw new Error(`${name} has no length`)
      if (event.args?.step !== undefined && until === at) throw new Error(`${name} is shorter than a nanosecond`)
      if (stack.length > 0 && until > stack.at(-1)!.until)
        throw new Error(`${name} overlaps ${stack.at(-1)!.event.name}`)
      stack.push({ until, event })
      slices++
    }
    if (ph !== 's' && ph !== 'f') continue
    const top = stack.at(-1)?.event
    // It must be the very slice that the flow is about, not one that happens to be there.
    if (top === undefined || Math.abs(nanos(top.ts) + nanos(top.dur) / 2 - at) > 1)
      throw new Error(`the flow ${event.id} binds to no slice of its moment`)
    if (ph === 'f' && top.args?.step !== undefined && top.args.step !== event.id)
      throw new Error(`the flow ${event.id} ends at the event ${top.args.step}`)
    const flow = `${event.id}/${event.cat}/${name}`
    if (ph === 's') begun.set(flow, event)
    else if (event.bp !== 'e' || !begun.delete(flow)) throw new Error(`the flow ${event.id} ends and never began`)
    else flows++
  }
  if (begun.size > 0) throw new Error('a flow never ends')
  return { slices, flows }
}

test.each(recordings)('%s: Perfetto takes every event as it is meant', (_name, recording) => {
  const { traceEvents } = JSON.parse(exportTrace(recording, 'perfetto')) as { traceEvents: readonly ChromeEvent[] }
  const { slices, flows } = checkChrome(traceEvents)
  expect(slices).toBeGreaterThanOrEqual(recording.kernel.trace.steps)
  expect(flows).toBeGreaterThan(300)
})

const NAMED = { ph: 'M', name: 'thread_name', pid: 1, tid: 1, args: { name: 'one' } }
const slice = (ts: number, dur: number, more: object = {}) => ({ ph: 'X', name: 'x', pid: 1, tid: 1, ts, dur, ...more })

test.each<readonly [string, readonly ChromeEvent[], RegExp | undefined]>([
  ['neighbours', [NAMED, slice(0, 0.5), slice(0.5, 0.5)], undefined],
  ['an overlap', [NAMED, slice(0, 2), slice(1, 2)], /overlaps/],
  ['no name', [slice(0, 1)], /without a name/],
  ['the idle process', [{ ...NAMED, tid: 0 }], /idle/],
  ['one number twice', [NAMED, { ...NAMED, pid: 2 }], /number 1/],
  ['an end without a beginning', [NAMED, slice(0, 1), { ...slice(0.5, 1), ph: 'f', id: 1, bp: 'e' }], /never began/],
  ['a flow from nowhere', [NAMED, slice(0, 1), { ...slice(0, 1), ph: 's', id: 1 }], /binds to no slice/],
  [
    'a flow to another event',
    [NAMED, slice(0, 1, { args: { step: 2 } }), { ...slice(0.5, 1), ph: 'f', id: 1 }],
    /ends at the event 2/,
  ],
  ['too short an event', [NAMED, slice(0, 0.0005, { args: { step: 1 } })], /shorter/],
])('Perfetto on %s', (_what, events, says) => {
  if (says === undefined) expect(checkChrome(events)).toEqual({ slices: 2, flows: 0 })
  else expect(() => checkChrome(events)).toThrow(says)
})
