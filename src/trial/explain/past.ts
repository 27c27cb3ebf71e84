/**
 * The past of an event: what may have had an influence on it, by the trace. An event is after the one that scheduled it (a
 * message after its sender, a timer after who set it), after the earlier events of its own process, and after what a fault
 * did to its process: reached into it, or lost and delayed messages on their way to it. The kernel's own process, in which
 * connections and faults wake up, has no memory and binds nothing together.
 *
 * Of many ways back the cheapest counts: to stay within a process costs little, a message costs more. So the way from a
 * violation to a fault is one with few senders, which is what can be told.
 */
import type { Deed, Micros, Trace, TraceRow } from '../../kernel/index.ts'

/** One stop on a way back: an event, or a deed of the trial. */
export interface Stop {
  /** Below 0 for a deed. */
  readonly step: number
  readonly time: Micros
  /** How it leads to the next stop. `lost`: a fault kept a message from arriving there. */
  readonly by: 'scheduled' | 'same process' | 'touched' | 'lost' | 'end'
}

const COST_SCHEDULED = 10
const COST_PROCESS = 1
const COST_DEED = 2

export class Past {
  readonly #trace: Trace
  readonly #end: number
  /** By step; -1 is not in the past. Deeds are kept apart. */
  readonly #distance: Int32Array
  readonly #next: Int32Array
  readonly #by: Uint8Array
  readonly #deeds = new Map<number, { distance: number; next: number; by: 'scheduled' | 'touched' | 'lost' }>()

  /** The past of the event `end`. The trace must hold everything. */
  constructor(trace: Trace, end: number) {
    this.#trace = trace
    this.#end = Math.min(end, trace.steps)
    this.#distance = new Int32Array(this.#end + 1).fill(-1)
    this.#next = new Int32Array(this.#end + 1)
    this.#by = new Uint8Array(this.#end + 1)
    this.#walk()
  }

  /** How far back by cost; undefined when it is not in the past. */
  distanceOf(step: number): number | undefined {
    const distance = this.#distance[step] ?? -1
    return distance < 0 ? undefined : distance
  }

  /** How far back the deed of that name is; undefined when it is not in the past. */
  distanceOfDeed(name: string): number | undefined {
    const deed = this.#trace.deeds.find((candidate) => candidate.name === name && this.#deeds.has(candidate.number))
    return deed === undefined ? undefined : this.#deeds.get(deed.number)?.distance
  }

  /** Whether the deed of that name could have had an influence. */
  hasDeed(name: string): boolean {
    return this.#trace.deeds.some((deed) => deed.name === name && this.#deeds.has(deed.number))
  }

  /** The cheapest way from the earliest-named deed to the end; empty when there is none. */
  wayFromDeed(name: string): Stop[] {
    const reached = this.#trace.deeds.find((deed) => deed.name === name && this.#deeds.has(deed.number))
    if (reached === undefined) return []
    const { next, by } = this.#deeds.get(reached.number)!
    return [{ step: reached.number, time: reached.time, by }, ...this.wayFrom(next)]
  }

  /** The cheapest way from an event to the end; empty when the event is not in the past. */
  wayFrom(step: number): Stop[] {
    const way: Stop[] = []
    if (this.distanceOf(step) === undefined) return way
    for (let at = step; at !== this.#end; at = this.#next[at] as number)
      way.push({ step: at, time: this.#row(at).time, by: this.#by[at] === 1 ? 'same process' : 'scheduled' })
    return [...way, { step: this.#end, time: this.#row(this.#end).time, by: 'end' }]
  }

  #row(step: number): TraceRow {
    const row = this.#trace.row(step)
    if (row === undefined) throw new Error(`the trace no longer holds event ${step}; run the trial with keepTrace`)
    return row
  }

  /** Events are in order and every edge leads back: one sweep from the end would do for reach, costs need a queue by cost. */
  #walk(): void {
    const previous = previousOfProcess(this.#trace, this.#end)
    const influences = influencesOn(this.#trace, this.#end, previous)
    const waiting = new Buckets()
    if (this.#end < 1) return
    this.#distance[this.#end] = 0
    waiting.add(0, this.#end)
    for (let step = waiting.take(); step !== undefined; step = waiting.take()) {
      const distance = this.#distance[step] as number
      if (waiting.cost > distance) continue
      const offer = (to: number, cost: number, by: number) => {
        const old = this.#distance[to] as number
        if (old >= 0 && old <= distance + cost) return
        this.#distance[to] = distance + cost
        this.#next[to] = step
        this.#by[to] = by
        waiting.add(distance + cost, to)
      }
      const { cause } = this.#row(step)
      if (cause > 0) offer(cause, COST_SCHEDULED, 0)
      else if (cause < 0) this.#blame(cause, step, distance, 'scheduled')
      const before = previous[step] as number
      if (before > 0) offer(before, COST_PROCESS, 1)
      for (const { deed, by } of influences.get(step) ?? []) this.#blame(deed, step, distance + COST_DEED, by)
    }
  }

  #blame(number: number, next: number, distance: number, by: 'scheduled' | 'touched' | 'lost'): void {
    const old = this.#deeds.get(number)
    if (old === undefined || old.distance > distance) this.#deeds.set(number, { distance, next, by })
  }
}

/** For each step the one before it in the same process; 0 for none. */
function previousOfProcess(trace: Trace, end: number): Int32Array {
  const previous = new Int32Array(end + 1)
  const last: number[] = []
  for (let step = 1; step <= end; step++) {
    const { target } = trace.row(step) as TraceRow
    if (target === 0) continue
    previous[step] = last[target] ?? 0
    last[target] = step
  }
  return previous
}

interface Influence {
  readonly deed: number
  readonly by: 'touched' | 'lost'
}

/** What deeds did to processes, at the first event of the process after it. */
function influencesOn(trace: Trace, end: number, previous: Int32Array): Map<number, Influence[]> {
  const nexts = nextOfProcess(trace, end, previous)
  const influences = new Map<number, Influence[]>()
  const add = (process: number, afterStep: number, influence: Influence) => {
    const step = nexts(process, afterStep)
    if (step === undefined) return
    const list = influences.get(step) ?? []
    if (list.some(({ deed, by }) => deed === influence.deed && by === influence.by)) return
    influences.set(step, [...list, influence])
  }
  for (const { number, touched } of trace.deeds)
    for (const { process, afterStep } of touched) add(process, afterStep, { deed: number, by: 'touched' })
  for (const { rules, step, to, from } of trace.bites) {
    const deed = trace.deeds.findLast((candidate) => candidate.afterStep <= step && causedBy(candidate, rules))
    if (deed === undefined) continue
    add(to, step, { deed: deed.number, by: 'lost' })
    add(from, step, { deed: deed.number, by: 'lost' })
  }
  return influences
}

/** A fault's rules are named after it: `f1/out`. */
function causedBy({ name }: Deed, rules: readonly string[]): boolean {
  return rules.some((rule) => name === `inject ${rule.slice(0, rule.lastIndexOf('/'))}` || name === `inject ${rule}`)
}

/** Answers which event of a process is the first after a step. */
function nextOfProcess(trace: Trace, end: number, previous: Int32Array) {
  const steps = new Map<number, number[]>()
  for (let step = 1; step <= end; step++) {
    const { target } = trace.row(step) as TraceRow
    if (target === 0 && previous[step] === 0) continue
    const list = steps.get(target)
    if (list === undefined) steps.set(target, [step])
    else list.push(step)
  }
  return (process: number, afterStep: number): number | undefined => {
    const list = steps.get(process) ?? []
    let low = 0
    let high = list.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((list[middle] as number) > afterStep) high = middle
      else low = middle + 1
    }
    return list[low]
  }
}

/** A queue by small whole costs. */
class Buckets {
  /** Of the item taken last. */
  cost = 0
  readonly #buckets: (number[] | undefined)[] = []

  add(cost: number, item: number): void {
    const bucket = this.#buckets[cost]
    if (bucket === undefined) this.#buckets[cost] = [item]
    else bucket.push(item)
  }

  take(): number | undefined {
    for (; this.cost < this.#buckets.length; this.cost++) {
      const item = this.#buckets[this.cost]?.pop()
      if (item !== undefined) return item
    }
    return undefined
  }
}
