/**
 * A trace in the JSON format of Chrome's trace viewer, which Perfetto opens. A host is a group, a process a track, an event
 * a slice; a message is a flow from slice to slice; facts are instants; the time that a process is down or stands still is
 * a slice of its own. The trial is a group too, with a track for each fault.
 *
 * Events take no virtual time. Those of one process at one microsecond share that microsecond evenly, in order, so that
 * the slices of a track never overlap; a figure in `args` has the true time.
 */
import type { Fact, KernelFact, Micros } from '../../kernel/index.ts'
import type { Recording } from '../../trial/index.ts'
import { phraseOf } from '../phrases.ts'
import { Events, originsOf } from './arrows.ts'

/** Perfetto takes group 0 and track 0 for the processor that has nothing to do, and finds a track's name by its number alone. */
const TRIAL_GROUP = 1

export function* perfetto(recording: Recording): Generator<string> {
  const { kernel, result, scenario } = recording
  const { trace } = kernel
  const groups = new Map<string, number>()
  const groupOf = (process: number): number => {
    const host = process === 0 ? '' : kernel.hostOf(process)
    let group = groups.get(host)
    if (group === undefined) {
      group = TRIAL_GROUP + groups.size + 1
      groups.set(host, group)
    }
    return group
  }
  yield '{"displayTimeUnit":"ms","traceEvents":[\n'
  // Processes have their own numbers as tracks; the kernel's comes after them, and then the faults'.
  const kernelTrack = kernel.processes().length + 1
  const trackOf = (process: number): number => (process === 0 ? kernelTrack : process)
  yield meta('process_name', TRIAL_GROUP, kernelTrack, 'trial')
  yield meta('thread_name', TRIAL_GROUP, kernelTrack, 'kernel')
  const pids: number[] = [TRIAL_GROUP]
  for (const id of kernel.processes()) {
    const known = groups.size
    const group = groupOf(id)
    pids[id] = group
    if (groups.size > known) yield meta('process_name', group, id, kernel.hostOf(id))
    yield meta('thread_name', group, id, kernel.nameOf(id))
  }
  for (const [index, fault] of scenario.faults.entries()) {
    const tid = kernelTrack + 1 + index
    const begun = trace.deeds.find(({ name }) => name === `inject ${fault.id}`)
    if (begun === undefined) continue
    const healed = trace.deeds.find(({ name }) => name === `heal ${fault.id}`)
    yield meta('thread_name', TRIAL_GROUP, tid, `fault ${fault.id}: ${fault.kind}`)
    yield slice(
      fault.kind,
      TRIAL_GROUP,
      tid,
      begun.time,
      Math.max(0, (healed?.time ?? result.virtualMicros) - begun.time),
      '',
    )
  }
  const { starts, lengths } = slots(recording)
  const events = new Events(kernel)
  const origins = originsOf(kernel)
  for (const row of trace.rows()) {
    const { event, message } = events.of(row)
    const { step, target } = row
    const pid = pids[target] ?? TRIAL_GROUP
    const start = starts[step] as number
    const tid = trackOf(target)
    let text = slice(
      message ?? event,
      pid,
      tid,
      start,
      lengths[step] as number,
      `"step":${step},"time":${row.time},"cause":${row.cause}`,
    )
    const sender = message === undefined ? undefined : trace.row(origins[step] ?? 0)
    if (sender !== undefined) {
      // In the middle of both slices: at its very edge a viewer that rounds may look beside it.
      const from = (starts[sender.step] as number) + (lengths[sender.step] as number) / 2
      const to = start + (lengths[step] as number) / 2
      text += `{"ph":"s","cat":"message","name":${JSON.stringify(message)},"id":${step},"pid":${pids[sender.target] ?? TRIAL_GROUP},"tid":${trackOf(sender.target)},"ts":${from}},\n`
      text += `{"ph":"f","bp":"e","cat":"message","name":${JSON.stringify(message)},"id":${step},"pid":${pid},"tid":${tid},"ts":${to}},\n`
    }
    yield text
  }
  for (const { process, from, to, name } of outages(recording))
    yield slice(name, pids[process] ?? TRIAL_GROUP, trackOf(process), from, to - from, '')
  for (const { fact, step, process, time } of trace.facts) {
    const phrase = phraseOf(fact)
    if (phrase !== undefined)
      yield instant(
        phrase.text,
        pids[process] ?? TRIAL_GROUP,
        trackOf(process),
        step > 0 ? (starts[step] as number) : time,
        't',
      )
  }
  const ending = result.violation?.message ?? result.error?.message ?? result.verdict
  yield `${instant(ending, TRIAL_GROUP, kernelTrack, result.virtualMicros, 'g').slice(0, -2)}\n]}\n`
}

interface Outage {
  readonly process: number
  readonly from: Micros
  readonly to: Micros
  readonly name: 'down' | 'stands still'
}

/** When processes were down or stood still: whole microseconds in which they have no events. */
function outages({ kernel, result }: Recording): Outage[] {
  const open = new Map<number, { readonly from: Micros; readonly name: Outage['name'] }>()
  const found: Outage[] = []
  const end = (process: number, to: Micros) => {
    const outage = open.get(process)
    open.delete(process)
    if (outage !== undefined && to > outage.from) found.push({ process, ...outage, to })
  }
  for (const { fact, time } of kernel.trace.facts) {
    if (!isLife(fact)) continue
    const { process } = fact
    end(process, time)
    // It may have had events in this microsecond still.
    if (fact.type === 'process-crashed') open.set(process, { from: time + 1, name: 'down' })
    if (fact.type === 'process-paused') open.set(process, { from: time + 1, name: 'stands still' })
  }
  for (const process of [...open.keys()]) end(process, result.virtualMicros)
  return found
}

function isLife(fact: Fact): fact is Extract<KernelFact, { readonly process: number; readonly name: string }> {
  return /^process-(started|crashed|paused|resumed)$/.test(fact.type)
}

/** Start and length of every event's slice: those of a process at one microsecond share it evenly. */
function slots({ kernel }: Recording): { readonly starts: Float64Array; readonly lengths: Float64Array } {
  const { trace } = kernel
  const starts = new Float64Array(trace.steps + 1)
  const lengths = new Float64Array(trace.steps + 1)
  const waiting = new Map<number, { time: Micros; steps: number[] }>()
  const settle = ({ time, steps }: { readonly time: Micros; readonly steps: readonly number[] }) => {
    // A power of two: starts and ends are exact. A quarter of each part stays free, because Perfetto counts whole
    // nanoseconds: however it rounds, no slice ends after its neighbour has begun.
    let parts = 1
    while (parts < steps.length) parts *= 2
    for (const [index, step] of steps.entries()) {
      starts[step] = time + index / parts
      lengths[step] = parts === 1 ? 1 : 0.75 / parts
    }
  }
  for (const { step, target, time } of trace.rows()) {
    const group = waiting.get(target)
    if (group !== undefined && group.time === time) group.steps.push(step)
    else {
      if (group !== undefined) settle(group)
      waiting.set(target, { time, steps: [step] })
    }
  }
  for (const group of waiting.values()) settle(group)
  return { starts, lengths }
}

function meta(what: string, pid: number, tid: number, name: string): string {
  return `{"ph":"M","name":"${what}","pid":${pid},"tid":${tid},"args":{"name":${JSON.stringify(name)}}},\n`
}

function slice(name: string, pid: number, tid: number, start: number, length: number, args: string): string {
  return `{"ph":"X","name":${JSON.stringify(name)},"pid":${pid},"tid":${tid},"ts":${start},"dur":${length},"args":{${args}}},\n`
}

function instant(name: string, pid: number, tid: number, at: number, scope: 't' | 'g'): string {
  return `{"ph":"i","name":${JSON.stringify(name)},"pid":${pid},"tid":${tid},"ts":${at},"s":"${scope}"},\n`
}
