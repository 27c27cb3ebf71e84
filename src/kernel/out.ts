/**
 * `Out` as the kernel gives it to the processes: one object for each incarnation. It checks that it is used only during
 * its own process's events; once the process is dead (it may die in the middle of its own event) everything it still
 * asks for is ignored.
 */
import type { Connections } from './connections.ts'
import { type Core, KERNEL_PROCESS, TIMER } from './core.ts'
import type { DiskOfProcess } from './device.ts'
import { InvariantError, invariant } from './invariant.ts'
import type { Disk, Fact, Message, Out, ProcessId, Timer, TimerTarget } from './machine.ts'
import type { Network } from './network.ts'
import type { Process } from './process.ts'
import { EPOCH_UNIX_MICROS, type Micros } from './time.ts'

/** What processes share. */
export interface World {
  readonly core: Core
  readonly network: Network
  readonly connections: Connections
}

const DEFAULT_BYTES = 256

export class ProcessOut implements Out {
  readonly self: ProcessId
  readonly disk: DiskOfProcess
  readonly #world: World
  readonly #core: Core
  readonly #process: Process
  readonly #epoch: number

  constructor(world: World, process: Process, disk: DiskOfProcess) {
    this.#world = world
    this.#core = world.core
    this.#process = process
    this.self = process.id
    this.disk = disk
    this.#epoch = process.epoch
  }

  get now(): Micros {
    return this.#core.now
  }

  get wall(): Micros {
    return this.#process.host.wallAt(this.#core.now)
  }

  after(delay: Micros, target: TimerTarget, kind: number, a = 0): Timer {
    if (!this.#usable()) return 0
    const wait = this.#process.host.trueDelay(checkedDelay(delay))
    return this.#core.post(this.#core.now + wait, this.#process, timerCode(kind), a, target)
  }

  cancel(timer: Timer): void {
    if (timer !== 0 && this.#usable()) this.#core.queue.cancel(timer)
  }

  send(to: ProcessId, message: Message, bytes = DEFAULT_BYTES): void {
    if (this.#usable()) this.#world.network.send(this.#process, this.#peer(to), message, bytes)
  }

  stream(to: ProcessId, message: Message, bytes = DEFAULT_BYTES): void {
    if (this.#usable()) this.#world.connections.stream(this.#process, this.#peer(to), message, bytes)
  }

  hangUp(to: ProcessId): void {
    if (this.#usable()) this.#world.connections.hangUp(this.#process, this.#peer(to))
  }

  note(fact: Fact): void {
    if (this.#usable()) this.#core.note(fact, this.self)
  }

  #usable(): boolean {
    if (this.#core.current !== this.#process) misused(this.#process, this.#core.current)
    return this.#process.live && this.#process.epoch === this.#epoch
  }

  #peer(id: ProcessId): Process {
    const peer = this.#core.processes[id]
    if (peer === undefined || peer.factory === undefined || peer === this.#process) noPeer(id, this.#process)
    return peer
  }
}

/** `Out` for what the trial itself does (faults, workload): time and facts, no network and no disk. */
export class KernelOut implements Out {
  readonly self: ProcessId = KERNEL_PROCESS
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
  }

  get now(): Micros {
    return this.#core.now
  }

  get wall(): Micros {
    return EPOCH_UNIX_MICROS + this.#core.now
  }

  get disk(): Disk {
    return absent('a disk')
  }

  after(delay: Micros, target: TimerTarget, kind: number, a = 0): Timer {
    const core = this.#core
    return core.post(core.now + checkedDelay(delay), core.process(KERNEL_PROCESS), timerCode(kind), a, target)
  }

  cancel(timer: Timer): void {
    this.#core.queue.cancel(timer)
  }

  send(): void {
    absent('a network')
  }

  stream(): void {
    absent('a network')
  }

  hangUp(): void {
    absent('a network')
  }

  note(fact: Fact): void {
    this.#core.note(fact, this.self)
  }
}

export function checkedDelay(delay: Micros): Micros {
  if (delay >= 0 && delay <= Number.MAX_SAFE_INTEGER && Math.floor(delay) === delay) return delay
  throw new InvariantError('kernel: a delay is a whole number of microseconds, not below 0', { delay })
}

/** A timer's kind as an event's code. */
export function timerCode(kind: number): number {
  if ((kind << 3) >> 3 === kind) return (kind << 3) | TIMER
  throw new InvariantError("kernel: a timer's kind is a whole number below 2^28", { kind })
}

function misused(owner: Process, current: Process | undefined): never {
  throw new InvariantError('kernel: an Out is used only during an event of its own process', {
    owner: owner.name,
    during: current?.name ?? 'no event',
  })
}

function noPeer(id: ProcessId, sender: Process): never {
  throw new InvariantError('kernel: a message goes to another process that was spawned', { to: id, from: sender.name })
}

function absent(what: string): never {
  invariant(false, `kernel: what runs outside of any process has no ${what.replace('a ', '')}`)
}
