// Exports of real traces: every JSON line is of the schema and says what the trace says; slices of a track nest or are
// disjoint and flows join slices; vector clocks are those of the causes.
import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { expect, test } from 'vitest'
import { PLANTED } from '../properties/planted.ts'
import { EXPORT_FORMATS, exportTrace, TRACE_LINE_SCHEMA } from './report/index.ts'
import { standardRegistry } from './standard-registry.ts'
import { parseScenario, type Recording, record } from './trial/index.ts'

const registry = standardRegistry()
for (const mistake of PLANTED) registry.defect(mistake)

/** Crashes, pauses, lost messages, full disks, requests of clients; one that passes. */
const NAMES = [
  'raft-one-leader-per-term',
  'pods-of-silent-nodes-are-not-ready',
  'terminal-pod-is-not-ready',
  'rollout-without-prestop-loses-requests.seen',
]
const recordings: readonly (readonly [string, Recording])[] = NAMES.map((name) => {
  const file = `fixtures/catches/${name}.json`
  return [name, record(parseScenario(readFileSync(file, 'utf8'), file), registry)]
})

interface Line {
  readonly type: string
  readonly step: number
  readonly [member: string]: unknown
}

const linesOf = (recording: Recording): Line[] =>
  exportTrace(recording, 'jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

test.each(recordings)('%s: every JSON line is of the schema, in order, and nothing is left out', (_name, recording) => {
  const validate = new Ajv({ allowUnionTypes: true }).compile(TRACE_LINE_SCHEMA)
  const lines = linesOf(recording)
  for (const line of lines)
    expect(validate(line), `${JSON.stringify(line)} ${JSON.stringify(validate.errors)}`).toBe(true)
  const { trace } = recording.kernel
  const count = (type: string) => lines.filter((line) => line.type === type).length
  expect([count('header'), count('end')]).toEqual([1, 1])
  expect(count('event')).toBe(trace.steps)
  expect(count('fact')).toBe(trace.facts.length)
  expect(count('object')).toBe(recording.versions.length)
  expect(count('deed')).toBe(trace.deeds.length)
  expect(count('bite')).toBe(trace.bites.length)
  expect(count('property')).toBe(recording.properties.length)
  expect(lines.filter((line) => line.state === 'violated')).toHaveLength(
    recording.result.violation === undefined ? 0 : 1,
  )
  const steps = lines.slice(1, -1).map((line) => line.step ?? line.afterStep)
  expect(steps).toEqual(steps.toSorted((a, b) => a - b))
})

test('the schema is published as a file', async () => {
  await expect(`${JSON.stringify(TRACE_LINE_SCHEMA, null, 2)}\n`).toMatchFileSnapshot('../fixtures/trace.schema.json')
})

test('a line that is not of the schema is refused', () => {
  const validate = new Ajv({ allowUnionTypes: true }).compile(TRACE_LINE_SCHEMA)
  expect(validate({ type: 'event', step: 0, time: 1, process: 'a', event: 'start', number: 0, cause: 0 })).toBe(false)
  expect(validate({ type: 'event', step: 1, time: 1, process: 'a', event: 'start', number: 0 })).toBe(false)
  expect(validate({ type: 'unheard-of' })).toBe(false)
})

test.each(
  recordings,
)('%s: message arrows go forward, from the process that sent to the one that got', (_name, recording) => {
  const lines = linesOf(recording)
  const events = new Map(lines.filter(({ type }) => type === 'event').map((line) => [line.step, line]))
  const arrows = lines.filter(({ type }) => type === 'message')
  expect(arrows.length).toBeGreaterThan(300)
  for (const arrow of arrows) {
    expect(events.get(arrow.step)).toMatchObject({ process: arrow.to, time: arrow.receivedAt })
    expect(events.get(arrow.sentStep as number)).toMatchObject({ process: arrow.from, time: arrow.sentAt })
    expect(arrow.sentAt).toBeLessThanOrEqual(arrow.receivedAt as number)
    expect(arrow.from).not.toBe('kernel')
  }
})

function grouped<K, T>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

interface Slice {
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur: number
  readonly id: number
  readonly args: { readonly step?: number }
}

/** When the next slice of a track begins. */
function following(list: readonly Slice[], begin: number): number {
  return Math.min(...list.map(({ ts }) => ts).filter((ts) => ts > begin), Number.POSITIVE_INFINITY)
}

test.each(
  recordings,
)('%s: slices of a track nest or are disjoint; flows begin and end in slices', (_name, recording) => {
  const { traceEvents } = JSON.parse(exportTrace(recording, 'perfetto')) as { readonly traceEvents: readonly Slice[] }
  const tracks = grouped(
    traceEvents.filter(({ ph }) => ph === 'X'),
    ({ pid, tid }) => `${pid}/${tid}`,
  )
  const named = new Set(traceEvents.filter(({ ph }) => ph === 'M').map(({ pid, tid }) => `${pid}/${tid}`))
  let slices = 0
  for (const [track, list] of tracks) {
    expect(named.has(track)).toBe(true)
    const open: number[] = []
    for (const { ts, dur } of list.toSorted((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      slices++
      while (open.length > 0 && open.at(-1)! <= ts) open.pop()
      if (open.length > 0) expect(ts + dur).toBeLessThanOrEqual(open.at(-1)!)
      // Perfetto counts whole nanoseconds, however it rounds.
      if (!Number.isInteger(ts + dur)) expect(following(list, ts) - (ts + dur)).toBeGreaterThan(0.001)
      open.push(ts + dur)
    }
  }
  expect(slices).toBeGreaterThanOrEqual(recording.kernel.trace.steps)
  const flows = grouped(
    traceEvents.filter(({ ph }) => ph === 's' || ph === 'f'),
    ({ id }) => id,
  )
  expect(flows.size).toBeGreaterThan(300)
  for (const ends of flows.values()) {
    expect(ends.map(({ ph }) => ph)).toEqual(['s', 'f'])
    const [sent, received] = ends.map(({ pid, tid, ts }) =>
      // Also for a viewer that counts whole nanoseconds: the slice around it is one, and well around it.
      tracks.get(`${pid}/${tid}`)?.filter((slice) => slice.ts < ts && ts < slice.ts + slice.dur),
    )
    expect(sent?.length).toBeGreaterThan(0)
    expect(received?.at(-1)?.args.step).toBe(ends[0]?.id)
  }
})

test.each(recordings)('%s: vector clocks are those of the causes', (_name, recording) => {
  const [expression, empty, ...rest] = exportTrace(recording, 'shiviz').split('\n')
  expect(empty).toBe('')
  const log = rest.join('\n')
  const read = [...log.matchAll(new RegExp(expression!, 'g'))].map((match) => ({
    host: match.groups!.host!,
    clock: JSON.parse(match.groups!.clock!) as Record<string, number>,
  }))
  const { trace } = recording.kernel
  const rows = [...trace.rows()].filter(({ target }) => target !== 0)
  expect(read).toHaveLength(rows.length)
  const clocks = new Map(rows.map((row, index) => [row.step, read[index]!]))
  const last = new Map<string, Record<string, number>>()
  const covers = (later: Record<string, number>, earlier: Record<string, number>) =>
    Object.entries(earlier).every(([host, time]) => (later[host] ?? 0) >= time)
  for (const row of rows) {
    const { host, clock } = clocks.get(row.step)!
    expect(host).toBe(recording.kernel.nameOf(row.target))
    const before = last.get(host) ?? {}
    expect(clock[host]).toBe((before[host] ?? 0) + 1)
    expect(covers(clock, before)).toBe(true)
    // Back through the kernel's own events to the process that set it going.
    let cause = trace.row(row.cause)
    while (cause !== undefined && cause.target === 0) cause = trace.row(cause.cause)
    const origin = cause === undefined ? {} : clocks.get(cause.step)!.clock
    expect(covers(clock, origin)).toBe(true)
    // And nothing beyond: every other entry comes from one of the two.
    const others = Object.entries(clock).filter(([other]) => other !== host)
    expect(others.every(([other, time]) => time === Math.max(before[other] ?? 0, origin[other] ?? 0))).toBe(true)
    last.set(host, clock)
  }
})

test('exports are the same for the same scenario', () => {
  const [, first] = recordings[0]!
  const again = record(first.scenario, registry)
  for (const format of EXPORT_FORMATS) expect(exportTrace(again, format)).toBe(exportTrace(first, format))
})
