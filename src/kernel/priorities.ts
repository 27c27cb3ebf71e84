/**
 * Order by priority, after probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized
 * Scheduler with Probabilistic Guarantees of Finding Bugs", 2010). Every process has a priority, drawn from a seed and its name.
 * Of the events due at one microsecond the one of the highest process comes first; events of one process keep their order. A
 * message to a low process takes a little longer, so that messages that race are overtaken. At a few change points the process
 * whose turn it is falls below all others.
 * Here a change point is so many events after a moment, not a number of events from the start: it stays where it is when
 * something before the moment is taken out. Timers are not delayed.
 */
import { invariant } from './invariant.ts'
import type { ProcessId, Timer } from './machine.ts'
import type { Process } from './process.ts'
import { type EventQueue, type Row, TARGET, TIME } from './queue.ts'
import { addressOf, type Rand, Streams } from './random.ts'
import type { Micros } from './time.ts'

/** The process that would have its turn so many events after the moment falls behind all others. */
export interface PriorityChange {
  readonly atMicros: Micros
  readonly events: number
}

export interface PrioritySchedule {
  readonly seed: string
  /** In order of time. */
  readonly changes: readonly PriorityChange[]
  /** How much longer a message takes to the lowest process there could be; to others it is less. 0: only the order of what is due at one moment. */
  readonly delayMicros: Micros
}

/** Who may be given a schedule. */
export interface Scheduled {
  /** Order and small delays by priorities of processes. Default: the order of scheduling. */
  readonly schedule?: PrioritySchedule
}

interface Ready {
  readonly timer: Timer
  readonly target: ProcessId
}

export class Priorities {
  readonly #schedule: PrioritySchedule
  readonly #stream: Rand
  readonly #processes: readonly Process[]
  /** By process: from 1 to 2 as drawn, below 1 for one that fell. */
  readonly #values: number[] = []
  /** Due at `#time`, taken from the queue and not handled yet, in order of scheduling. */
  readonly #ready: Ready[] = []
  #time: Micros = 0
  #changed = 0
  #eventsSince = 0

  constructor(schedule: PrioritySchedule, processes: readonly Process[]) {
    this.#schedule = schedule
    this.#processes = processes
    this.#stream = new Streams(schedule.seed).get('priorities')
  }

  /** How much longer a message to this process takes. */
  delayOf(process: Process): Micros {
    return Math.floor((this.#schedule.delayMicros * (2 - this.#value(process.id))) / 2)
  }

  /** Takes out the event whose turn it is, if one is due by `until`; 0 when there is none. */
  next(queue: EventQueue, until: Micros): Row {
    for (;;) {
      if (this.#ready.length === 0) {
        const row = queue.pop(until)
        if (row === 0) return 0
        this.#time = queue.reals[(row << 3) + TIME] as number
        this.#add(queue, row)
      }
      for (let row = queue.pop(this.#time); row !== 0; row = queue.pop(this.#time)) this.#add(queue, row)
      const first = this.#highest()
      if (this.#isChange())
        this.#values[(this.#ready[first] as Ready).target] = this.#changed / (this.#schedule.changes.length + 1)
      const [turn] = this.#ready.splice(this.#highest(), 1)
      const row = queue.claim((turn as Ready).timer)
      // What was cancelled meanwhile has no turn.
      if (row !== 0) return row
    }
  }

  #add(queue: EventQueue, row: Row): void {
    this.#ready.push({ target: queue.cells[(row << 4) + TARGET] as number, timer: queue.park(row) })
  }

  #highest(): number {
    let best = 0
    for (let index = 1; index < this.#ready.length; index++)
      if (this.#value((this.#ready[index] as Ready).target) > this.#value((this.#ready[best] as Ready).target))
        best = index
    return best
  }

  /** Counts the events since the moment of the next change point; true at the change point itself. */
  #isChange(): boolean {
    const change = this.#schedule.changes[this.#changed]
    if (change === undefined || this.#time < change.atMicros || this.#eventsSince++ < change.events) return false
    this.#changed++
    this.#eventsSince = 0
    return true
  }

  #value(id: ProcessId): number {
    const known = this.#values[id]
    if (known !== undefined) return known
    const process = this.#processes[id]
    invariant(process !== undefined, 'kernel: an event is for a process', { id })
    const drawn = 1 + this.#stream.at(addressOf(process.name)) / 0x1_0000_0000
    this.#values[id] = drawn
    return drawn
  }
}
