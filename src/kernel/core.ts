/**
 * The state that the kernel's parts share: the clock, the queue, the processes, the trace, the subscribers. No policy:
 * what an event does is in `loop.ts`, who lives and dies in `kernel.ts`, what travels in `network.ts` and `connections.ts`.
 */
import { Alarms } from './alarms.ts'
import { invariant } from './invariant.ts'
import type { Fact, ProcessId, Timer } from './machine.ts'
import { Priorities, type PrioritySchedule } from './priorities.ts'
import type { Host, Process } from './process.ts'
import { A, CAUSE, CODE, EPOCH, EventQueue, TARGET } from './queue.ts'
import type { Streams } from './random.ts'
import type { Micros } from './time.ts'
import { Trace } from './trace.ts'

/** The classes of events: the lower three bits of an event's code. The bits above are the kind or the message's type. */
export const TIMER = 0
export const DATAGRAM = 1
export const STREAM = 2
export const START = 3
export const DISCONNECT = 4
export const SYNCED = 5
export const DATA = 6

/** The process that stands for the kernel itself: faults, workload steps and connections wake up in it. */
export const KERNEL_PROCESS: ProcessId = 0

export type FactListener = (fact: Fact, process: ProcessId, time: Micros) => void

interface Topic {
  readonly number: number
  readonly listeners: FactListener[]
}

export class Core {
  now: Micros = 0
  steps = 0
  /** What is to blame for what is scheduled now: the step of the event being handled, the number of a deed (below 0), or 0. */
  cause = 0
  readonly streams: Streams
  readonly queue = new EventQueue()
  readonly alarms = new Alarms()
  readonly trace: Trace
  /** By id. */
  readonly processes: Process[] = []
  readonly hosts = new Map<string, Host>()
  /** Who has its turn first, and whose messages are late. Undefined: nobody, which is the rule. */
  readonly priorities: Priorities | undefined
  /** The process whose event is being handled. */
  current: Process | undefined
  /** The last thing that a listener threw: not the machine's doing whose fact it listened to. */
  listenerError: unknown
  /** Told of every fact, after those who subscribed to its type. */
  #overhearing: FactListener | undefined
  readonly #topics = new Map<string, Topic>()
  readonly #typeNumbers = new Map<string, number>()
  readonly #typeNames: string[] = []

  constructor(streams: Streams, keep: 'ring' | 'all', schedule?: PrioritySchedule) {
    this.streams = streams
    this.trace = new Trace(keep)
    this.priorities = schedule === undefined ? undefined : new Priorities(schedule, this.processes)
  }

  /** Schedules an event at `time` for a process in its present epoch. */
  post(time: Micros, process: Process, code: number, a: number, ref: unknown): Timer {
    const queue = this.queue
    const row = queue.take()
    const cells = queue.cells
    const at = row << 4
    cells[at + TARGET] = process.id
    cells[at + EPOCH] = process.epoch
    cells[at + CODE] = code
    cells[at + CAUSE] = this.cause
    queue.reals[(row << 3) + A] = a
    if (ref !== undefined) queue.refs[row] = ref
    return queue.insert(row, time)
  }

  process(id: ProcessId): Process {
    const process = this.processes[id]
    if (process === undefined) throw new Error(`there is no process with the id ${id}; ids come from spawn`)
    return process
  }

  /** A small number for a message's type, the same for the whole trial. */
  typeNumber(type: string): number {
    const known = this.#typeNumbers.get(type)
    if (known !== undefined) return known
    this.#typeNames.push(type)
    this.#typeNumbers.set(type, this.#typeNames.length)
    return this.#typeNames.length
  }

  typeName(number: number): string {
    return this.#typeNames[number - 1] ?? `type ${number}`
  }

  note(fact: Fact, process: ProcessId): void {
    const topic = this.#topics.get(fact.type) ?? this.#addTopic(fact.type)
    this.trace.fact(this.steps, this.now, topic.number, process, fact)
    if (topic.listeners.length > 0) this.#tell(topic.listeners, fact, process)
    if (this.#overhearing !== undefined) this.#overhearing(fact, process, this.now)
  }

  #tell(listeners: readonly FactListener[], fact: Fact, process: ProcessId): void {
    try {
      for (let i = 0; i < listeners.length; i++) (listeners[i] as FactListener)(fact, process, this.now)
    } catch (error) {
      this.listenerError = error
      throw error
    }
  }

  /** The moment of the earliest alarm is over: nothing more will happen at it. */
  ringAlarms(): void {
    this.now = this.alarms.earliest
    try {
      this.alarms.ring(this.now)
    } catch (error) {
      this.listenerError = error
      throw error
    }
  }

  subscribe(type: string, listener: FactListener): () => void {
    invariant(type !== '', 'kernel: a listener names the type of fact that it wants')
    const topic = this.#topics.get(type) ?? this.#addTopic(type)
    topic.listeners.push(listener)
    return () => {
      const index = topic.listeners.indexOf(listener)
      if (index >= 0) topic.listeners.splice(index, 1)
    }
  }

  overhear(listener: FactListener): void {
    invariant(this.#overhearing === undefined, 'kernel: one listener overhears everything')
    this.#overhearing = listener
  }

  // The number is a hash of the name, not a count: subscribing must not change the fingerprint.
  #addTopic(type: string): Topic {
    let number = 0
    for (let i = 0; i < type.length; i++) number = (Math.imul(number, 31) + type.charCodeAt(i)) | 0
    const topic = { number, listeners: [] }
    this.#topics.set(type, topic)
    return topic
  }
}
