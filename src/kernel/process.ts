/**
 * What the kernel knows of a host and of a process on it: plain records, changed only by the files of this folder. The
 * machine inside a process is made anew at every start; the record and its id stay for the whole trial.
 */
import type { Disk, Machine, Out, ProcessId, Timer } from './machine.ts'
import { EPOCH_UNIX_MICROS, type Micros } from './time.ts'

/** What a process's program is given when it starts. */
export interface ProcessContext {
  readonly self: ProcessId
  /** 0 at the first start, one more after each restart. */
  readonly boot: number
  /** The directory that outlives the process. */
  readonly disk: Disk
}

export type MachineFactory = (context: ProcessContext) => Machine

/** A machine of the cluster: a clock of its own, and power that can fail. */
export class Host {
  readonly name: string
  up = true
  /** In the order of spawning. */
  readonly processes: Process[] = []
  /** Those that were running when the power failed. */
  interrupted: Process[] = []
  /** What the wall clock was ahead by at `#since`, and how fast it has been running away from the truth since then. */
  #skewMicros = 0
  driftPpm = 0
  #since: Micros = 0

  constructor(name: string) {
    this.name = name
  }

  /** The wall clock's reading, Unix microseconds. */
  wallAt(now: Micros): Micros {
    if (this.driftPpm === 0) return EPOCH_UNIX_MICROS + now + this.#skewMicros
    return EPOCH_UNIX_MICROS + now + this.#skewMicros + Math.floor(((now - this.#since) * this.driftPpm) / 1_000_000)
  }

  /** What `delay` of this host's clock takes in true time; never nothing for something, or a lazy timer would spin. */
  trueDelay(delay: Micros): Micros {
    return this.driftPpm === 0 ? delay : Math.ceil((delay * 1_000_000) / (1_000_000 + this.driftPpm))
  }

  setClock(now: Micros, skewMicros: number | undefined, driftPpm: number | undefined): void {
    this.#skewMicros = skewMicros ?? this.wallAt(now) - EPOCH_UNIX_MICROS - now
    this.#since = now
    this.driftPpm = driftPpm ?? this.driftPpm
  }
}

/** A raw target of data events, outside any process: for benchmarks and tests of the kernel itself. */
export interface DataHandler {
  on(kind: number, a: number): void
}

export class Process {
  readonly id: ProcessId
  readonly name: string
  readonly host: Host
  readonly factory: MachineFactory | undefined
  readonly handler: DataHandler | undefined
  /** Counts crashes. An event scheduled in an earlier epoch is never delivered. */
  epoch = 0
  /** The epoch if the process lives and is not paused, else -1: one comparison lets an event through. */
  gate = -1
  #live = false
  #paused = false
  /** Counts starts, less one. */
  boot = -1
  machine: Machine | undefined
  out: Out | undefined
  /** Events that came while it was paused, in order. */
  held: Timer[] = []

  constructor(id: ProcessId, name: string, host: Host, factory?: MachineFactory, handler?: DataHandler) {
    this.id = id
    this.name = name
    this.host = host
    this.factory = factory
    this.handler = handler
  }

  get live(): boolean {
    return this.#live
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Lives from now on. */
  revive(): void {
    this.#live = true
    this.gate = this.epoch
  }

  /** Dead from now on, in a new epoch. */
  die(): void {
    this.#live = false
    this.#paused = false
    this.epoch++
    this.gate = -1
  }

  hold(paused: boolean): void {
    this.#paused = paused
    this.gate = paused ? -1 : this.epoch
  }
}
