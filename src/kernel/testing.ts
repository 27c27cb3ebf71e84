/**
 * A recording double of `Out` for table tests: one machine alone, no network. What it sends is kept in arrays, its timers
 * fire when the test advances the clock, its disk is memory with real sync semantics. It is not the kernel: no loss, no
 * latency, no other process; nothing here is used in a trial.
 */
import type { Mark, RecordFile } from './files.ts'
import { Folder } from './folder.ts'
import type { Disk, DiskResult, Fact, Message, Out, ProcessId, Timer, TimerTarget } from './machine.ts'
import { EPOCH_UNIX_MICROS, type Micros } from './time.ts'

export interface Recorded<M extends Message = Message> {
  readonly to: ProcessId
  readonly message: M
  readonly bytes: number
}

export interface PendingTimer {
  readonly timer: Timer
  readonly at: Micros
  readonly target: TimerTarget
  readonly kind: number
  readonly a: number
}

export class RecordingOut implements Out {
  self: ProcessId
  /** Settable; setting it fires nothing. `advance` fires what is due. */
  now: Micros = 0
  /** What the host's wall clock is ahead of the truth by. */
  skewMicros = 0
  /** Datagrams (`send`) in order. Clear with `clear()` or read and clear with `take...()`. */
  sent: Recorded[] = []
  /** Messages over connections (`stream`) in order. */
  streamed: Recorded[] = []
  hungUp: ProcessId[] = []
  notes: Fact[] = []
  readonly disk: MemoryDisk
  /** Pending timers in the order in which they will fire. */
  readonly timers: PendingTimer[] = []
  #lastTimer: Timer = 0

  constructor(options: { readonly self?: ProcessId; readonly syncMicros?: Micros } = {}) {
    this.self = options.self ?? 1
    this.disk = new MemoryDisk(this, options.syncMicros ?? 1_000)
  }

  get wall(): Micros {
    return EPOCH_UNIX_MICROS + this.now + this.skewMicros
  }

  after(delay: Micros, target: TimerTarget, kind: number, a = 0): Timer {
    if (!Number.isInteger(delay) || delay < 0)
      throw new Error(`a delay is a whole number of microseconds >= 0, not ${delay}`)
    const entry = { timer: ++this.#lastTimer, at: this.now + delay, target, kind, a }
    let index = this.timers.length
    while (index > 0 && (this.timers[index - 1] as PendingTimer).at > entry.at) index--
    this.timers.splice(index, 0, entry)
    return entry.timer
  }

  cancel(timer: Timer): void {
    const index = this.timers.findIndex((entry) => entry.timer === timer)
    if (index >= 0) this.timers.splice(index, 1)
  }

  send(to: ProcessId, message: Message, bytes = 0): void {
    this.sent.push({ to, message, bytes })
  }

  stream(to: ProcessId, message: Message, bytes = 0): void {
    this.streamed.push({ to, message, bytes })
  }

  hangUp(to: ProcessId): void {
    this.hungUp.push(to)
  }

  note(fact: Fact): void {
    this.notes.push(fact)
  }

  /** Moves the clock by `micros` and fires every timer that falls due on the way, in order, new ones included. */
  advance(micros: Micros): void {
    const until = this.now + micros
    for (let next = this.timers[0]; next !== undefined && next.at <= until; next = this.timers[0]) this.#fire(next)
    this.now = until
  }

  /** Jumps to the next timer and fires it; false when there is none. */
  fireNext(): boolean {
    const next = this.timers[0]
    if (next === undefined) return false
    this.#fire(next)
    return true
  }

  /** All messages sent or streamed since the last `take`, and forgets them. */
  take(): Recorded[] {
    const taken = [...this.sent, ...this.streamed]
    this.sent = []
    this.streamed = []
    return taken
  }

  /** The facts noted since the last `takeNotes`, of one type when given, and forgets them all. */
  takeNotes<F extends Fact = Fact>(type?: F['type']): F[] {
    const taken = this.notes.filter((fact) => type === undefined || fact.type === type) as F[]
    this.notes = []
    return taken
  }

  /** Forgets everything recorded so far; timers and disk stay. */
  clear(): void {
    this.sent = []
    this.streamed = []
    this.hungUp = []
    this.notes = []
  }

  /** The process dies: its timers are gone, and of its disk what was not synced. Make a new machine and call `onStart`. */
  crash(): void {
    this.timers.length = 0
    this.disk.crash()
    this.clear()
  }

  #fire(next: PendingTimer): void {
    this.timers.shift()
    if (next.at > this.now) this.now = next.at
    next.target.onTimer(next.kind, next.a, this)
  }
}

/** A disk in memory. Syncs take a fixed time; set `full` to refuse writes. */
class MemoryDisk extends Folder implements Disk {
  full = false
  readonly #out: RecordingOut
  readonly #syncMicros: Micros
  /** Files whose names are not synced. */
  readonly #named = new Set<string>()

  constructor(out: RecordingOut, syncMicros: Micros) {
    super()
    this.#out = out
    this.#syncMicros = syncMicros
  }

  append(file: string, value: unknown, bytes: number): DiskResult {
    if (this.full) return 'full'
    this.file(file).append(value, bytes)
    return 'ok'
  }

  sync(file: string, target: TimerTarget, kind: number, a = 0): void {
    const content = this.file(file)
    this.#out.after(this.#syncMicros, new PendingSync(content, content.mark(), target), kind, a)
  }

  replace(file: string, value: unknown, bytes: number): DiskResult {
    if (this.full) return 'full'
    this.file(file).replace(value, bytes)
    return 'ok'
  }

  override remove(file: string): void {
    super.remove(file)
    this.#named.delete(file)
  }

  leaveNameUnsynced(file: string): void {
    this.#named.add(file)
  }

  /**
   * Loses what was not synced but the first `kept` operations of each file; `torn` leaves the next record behind, torn: of
   * a file with a layout, the sectors that `survives` names.
   */
  crash(torn = false, survives: (sector: number) => boolean = (sector) => sector === 0, kept = 0): void {
    for (const file of this.#named) this.entries.delete(file)
    this.#named.clear()
    for (const file of this.entries.values()) file.crash(Math.min(kept, file.unsynced), torn, survives)
  }

  /** Changes synced bytes of a file with a layout: flips the bits of `mask`, or makes them zero. */
  damage(file: string, from: number, count: number, mask?: number): boolean {
    return this.file(file).damage(from, count, mask)
  }

  /** Damages the synced record at `position` of a file. */
  corrupt(file: string, position: number): void {
    if (!this.file(file).corrupt(position)) throw new Error(`${file} has no synced record at ${position}`)
  }
}

/** Makes a file durable, then wakes who asked. */
class PendingSync implements TimerTarget {
  readonly file: RecordFile
  readonly mark: Mark
  readonly target: TimerTarget

  constructor(file: RecordFile, mark: Mark, target: TimerTarget) {
    this.file = file
    this.mark = mark
    this.target = target
  }

  onTimer(kind: number, a: number, out: Out): void {
    this.file.settle(this.mark)
    this.target.onTimer(kind, a, out)
  }
}
